import { describe, expect, it } from "vitest";
import { algorithmError, lastException } from "../../../../emulation/stubs/sagemaker/failure-reason.ts";

const LOG = [
  "loading",
  "Traceback (most recent call last):",
  '  File "a.py", line 1, in <module>',
  "KeyError: 'first'",
  "",
  "The above exception was the direct cause of the following exception:",
  "",
  "Traceback (most recent call last):",
  '  File "a.py", line 3, in <module>',
  "    raise ContractError(message)",
  "finetuning.artifacts.contract.ContractError: part-00000.jsonl:7: text must not be empty",
  "  give every document a text",
];

describe("the failure reason of a training job", () => {
  it("is the last exception with its whole message", () => {
    expect(lastException(LOG)).toBe(
      "finetuning.artifacts.contract.ContractError: part-00000.jsonl:7: text must not be empty\n  give every document a text",
    );
    expect(lastException(["no traceback", "Error: something"])).toBe("");
  });

  it("says that a killed script may have run out of memory", () => {
    expect(algorithmError(null, undefined, [], "python train.py")).toBe(
      'AlgorithmError: ExecuteUserScriptError:\nExitCode 137\nErrorMessage ""\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"\nCommand "python train.py", exit code: 137',
    );
  });

  it("is the failure file's text when the script wrote one", () => {
    expect(algorithmError(1, " the corpus is empty\n", LOG, "x")).toBe(
      "AlgorithmError: the corpus is empty, exit code: 1",
    );
  });
});
