import { describe, expect, it } from "vitest";
import type { EndedExecution } from "../../../lambdas/report-execution/execution.ts";
import type { Failure } from "../../../lambdas/report-execution/failure.ts";
import { consoleUrl, duration, executionMessage } from "../../../lambdas/report-execution/message.ts";

const ARN = "arn:aws:states:eu-west-1:123456789012:execution:finetuning:monday";
const GATE = {
  deploy: true,
  reason: "On 200 queries it is better.",
  ndcg_base: 0.4,
  ndcg_tuned: 0.5,
  ndcg_gain_low: 0.05,
  query_prompt: "",
  document_prompt: "",
};

function ended(end: EndedExecution["end"]): EndedExecution {
  return { arn: ARN, name: "monday", modelName: "products", seconds: 7_500, end };
}

describe("the message on an execution that ended", () => {
  it("names the outcome, the gate's reason, what was made and where to look", () => {
    const output = {
      outcome: "registered" as const,
      model_name: "products",
      gate: GATE,
      report_uri: "s3://bucket/results/monday/report.json",
      endpoint_name: "products-endpoint",
      model_id: "abc",
      query_model_id: "abc",
    };
    const stages = new Map([
      ["5 training", 3_661],
      ["8 registration", 5],
    ]);
    const { subject, text } = executionMessage(ended({ status: "SUCCEEDED", output }), stages);
    expect(subject).toBe("Fine-tuning of products finished: registered");
    expect(text).toBe(
      [
        "The fine-tuning of products finished. The tuned model is deployed and registered in OpenSearch.",
        "",
        "On 200 queries it is better.",
        "",
        "Report: s3://bucket/results/monday/report.json",
        "Endpoint: products-endpoint",
        "Model in OpenSearch: abc",
        "",
        "Execution monday, 2 h 5 min:",
        `https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${ARN}`,
        "",
        "Time by stage:",
        "  5 training: 1 h 1 min",
        "  8 registration: 5 s",
        "",
      ].join("\n"),
    );
    const prompted = executionMessage(
      ended({ status: "SUCCEEDED", output: { ...output, query_model_id: "def" } }),
      stages,
    );
    expect(prompted.text).toContain("Model in OpenSearch: abc\nModel for queries in OpenSearch: def\n");
  });

  it("says that the gate held a model back, without naming what was not made", () => {
    const output = {
      outcome: "rejected_by_gate" as const,
      model_name: "products",
      gate: GATE,
      report_uri: "s3://bucket/report.json",
      endpoint_name: null,
      model_id: null,
      query_model_id: null,
    };
    const { subject, text } = executionMessage(ended({ status: "SUCCEEDED", output }), new Map());
    expect(subject).toBe("Fine-tuning of products finished: not deployed");
    expect(text).toContain("did not show that it is better");
    expect(text).not.toMatch(/Endpoint|OpenSearch|Time by stage/);
  });

  const failure: Failure = {
    stage: "scoring",
    task: "ScoreWithTeacher",
    error: "InvalidTeacherError",
    cause: "There is no model nobody/nothing.",
  };
  const nothing: Failure = { stage: undefined, task: undefined, error: undefined, cause: undefined };

  it("names stage, task and cause of a failure, and how to go on without paying again", () => {
    const { subject, text } = executionMessage(ended({ status: "FAILED", failure }), new Map([["5 training", 5]]));
    expect(subject).toBe("Fine-tuning of products failed in stage 4 teacher scoring");
    expect(text).toBe(
      [
        "The fine-tuning of products failed in stage 4 teacher scoring (ScoreWithTeacher).",
        "",
        "InvalidTeacherError: There is no model nobody/nothing.",
        "",
        "To go on once the cause is gone, redrive the execution within 14 days of its end. It continues from the failed task with the same parameters, and pays nothing again of what succeeded:",
        `  aws stepfunctions redrive-execution --region eu-west-1 --execution-arn ${ARN}`,
        "To change a parameter, start a new execution. It runs every stage again.",
        "",
        "Execution monday, 2 h 5 min:",
        `https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${ARN}`,
        "",
        "Time by stage:",
        "  5 training: 5 s",
        "",
      ].join("\n"),
    );
  });

  it("asks for other parameters where they are what failed: a redrive keeps them", () => {
    const resolving = { ...failure, stage: "extraction", task: "ResolveParameters" } as const;
    const { text } = executionMessage(ended({ status: "FAILED", failure: resolving }), new Map());
    expect(text).toContain("start a new execution with other parameters");
    expect(text).not.toContain("redrive");
  });

  it.each([
    ["FAILED", "failed"],
    ["TIMED_OUT", "timed out"],
    ["ABORTED", "was stopped"],
  ] as const)("says of %s that it %s, and why as far as that is known", (status, words) => {
    const known = executionMessage(ended({ status, failure }), new Map());
    expect(known.subject).toBe(`Fine-tuning of products ${words} in stage 4 teacher scoring`);
    const unknown = executionMessage(ended({ status, failure: nothing }), new Map());
    expect(unknown.subject).toBe(`Fine-tuning of products ${words}`);
    expect(unknown.text).toContain(`The fine-tuning of products ${words}.\n\nTo go on`);
    expect(unknown.text).not.toContain("undefined");
  });

  it("has a subject that SNS takes, whatever the model is called", () => {
    const execution = { ...ended({ status: "FAILED", failure: nothing }), modelName: `é\n${"x".repeat(200)}` };
    expect(executionMessage(execution, new Map()).subject).toMatch(/^[\x20-\x7e]{1,100}$/);
  });
});

describe("addresses and durations", () => {
  it("lead to the console of the execution's partition", () => {
    expect(consoleUrl(ARN.replace("arn:aws:", "arn:aws-cn:"))).toContain("https://eu-west-1.console.amazonaws.cn/");
    expect(consoleUrl(ARN.replace("arn:aws:", "arn:aws-us-gov:"))).toContain(".console.amazonaws-us-gov.com/");
  });

  it("are as people say them", () => {
    expect([0.4, 59.6, 61, 3_600].map(duration)).toEqual(["0 s", "1 min 0 s", "1 min 1 s", "1 h 0 min"]);
  });
});
