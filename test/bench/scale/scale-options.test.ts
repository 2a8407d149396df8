import { describe, expect, it } from "vitest";
import { BENCHMARK_STAGES } from "../../../bench/scale/benchmarks.ts";
import { scaleOptions } from "../../../bench/scale/scale-options.ts";
import { CommandLineEnd } from "../../../emulation/command-line.ts";

describe("command line of the benchmarks", () => {
  it("measures every stage on two small corpora when nothing is said", () => {
    expect(scaleOptions([])).toEqual({
      stages: BENCHMARK_STAGES,
      documents: [10_000, 100_000],
      networks: ["loopback", "region"],
      seed: 42,
    });
  });

  it("takes lists", () => {
    const lists = ["--stages", "validation, validation", "--documents", "1000,1000000", "--networks", "region"];
    expect(scaleOptions([...lists, "--seed", "7"])).toEqual({
      stages: ["validation"],
      networks: ["region"],
      documents: [1000, 1_000_000],
      seed: 7,
    });
  });

  it.each([
    [["--stages", "valdation"], "Allowed are extraction"],
    [["--documents", "many"], "It takes a whole number from 1000"],
    [["--documents", "999"], "from 1000 to 10000000"],
    [["--networks", "wifi"], "Allowed are loopback"],
    [["--document", "5"], "Did you mean --documents?"],
  ])("refuses %j, saying what to write", (args, message) => {
    expect(() => scaleOptions(args)).toThrow(CommandLineEnd);
    expect(() => scaleOptions(args)).toThrow(message);
    expect(() => scaleOptions(args)).toThrow('"npm run bench:scale -- --help" tells every option.');
  });

  it("asks for the help", () => {
    expect(() => scaleOptions(["--help"])).toThrow("Usage: npm run bench:scale -- [options]");
  });
});
