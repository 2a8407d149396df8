import { describe, expect, it } from "vitest";
import { BENCHMARK_STAGES } from "../../../bench/scale/benchmarks.ts";
import { parseOptions } from "../../../bench/scale/scale-options.ts";
import { UsageError } from "../../../e2e/run/run-options.ts";

describe("command line of the benchmarks", () => {
  it("measures every stage on two small corpora when nothing is said", () => {
    expect(parseOptions([])).toEqual({
      stages: BENCHMARK_STAGES,
      documents: [10_000, 100_000],
      networks: ["loopback", "region"],
      seed: 42,
    });
  });

  it("takes lists", () => {
    const lists = ["--stages", "validation, validation", "--documents", "1000,1000000", "--networks", "region"];
    expect(parseOptions([...lists, "--seed", "7"])).toEqual({
      stages: ["validation"],
      networks: ["region"],
      documents: [1000, 1_000_000],
      seed: 7,
    });
  });

  it.each([
    [["--stages", "valdation"], "--stages takes some of"],
    [["--documents", "many"], "--documents takes numbers"],
    [["--documents", "999"], "from 1000 on"],
    [["--networks", "wifi"], "--networks takes some of"],
    [["--document", "5"], "--document"],
  ])("refuses %j, saying what to write", (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
    expect(() => parseOptions(args)).toThrow("Usage: npm run bench:scale");
  });

  it("asks for the help", () => {
    expect(parseOptions(["--help"])).toBe("help");
  });
});
