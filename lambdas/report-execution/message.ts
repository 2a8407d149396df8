import { stageLabel } from "../../pipeline/stages.ts";
import type { EndedExecution } from "./execution.ts";

/** A message for people. */
export interface Message {
  /** One line of ASCII, at most 100 characters: what SNS takes as the subject of an e-mail. */
  readonly subject: string;
  readonly text: string;
}

const SUBJECT_LENGTH = 100;

const OUTCOMES = {
  registered: ["registered", "The tuned model is deployed and registered in OpenSearch."],
  deployed: ["deployed", "The tuned model is deployed."],
  trained: ["trained", "The tuned model is trained; deploy_endpoint is false, so it was not deployed."],
  rejected_by_gate: [
    "not deployed",
    "The tuned model was not deployed: the evaluation did not show that it is better.",
  ],
} as const;

/** Step Functions' limit. */
const REDRIVABLE_DAYS = 14;

const ENDS = { FAILED: "failed", TIMED_OUT: "timed out", ABORTED: "was stopped" } as const;

const CONSOLES: Readonly<Record<string, string>> = {
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

/** Address of an execution in the AWS console. */
export function consoleUrl(executionArn: string): string {
  const [, partition = "aws", , region = ""] = executionArn.split(":");
  const host = CONSOLES[partition] ?? "console.aws.amazon.com";
  return `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}

/** `2 h 5 min`, `5 min 3 s`, `3 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** Says how an execution ended, why, how long each stage took, and where to look. */
export function executionMessage(execution: EndedExecution, stageSeconds: ReadonlyMap<string, number>): Message {
  const { end, modelName, name, arn } = execution;
  const stages = [...stageSeconds].map(([stage, seconds]) => `  ${stage}: ${duration(seconds)}`);
  const [subject, lines] = end.status === "SUCCEEDED" ? success(modelName, end.output) : failure(execution, end);
  return {
    subject: subject.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, SUBJECT_LENGTH),
    text: [
      ...lines,
      "",
      `Execution ${name}, ${duration(execution.seconds)}:`,
      consoleUrl(arn),
      ...(stages.length > 0 ? ["", "Time by stage:", ...stages] : []),
      "",
    ].join("\n"),
  };
}

type Success = Extract<EndedExecution["end"], { status: "SUCCEEDED" }>["output"];
type Failure = Exclude<EndedExecution["end"], { status: "SUCCEEDED" }>;

function success(modelName: string, output: Success): [string, string[]] {
  const [word, sentence] = OUTCOMES[output.outcome];
  return [
    `Fine-tuning of ${modelName} finished: ${word}`,
    [
      `The fine-tuning of ${modelName} finished. ${sentence}`,
      "",
      output.gate.reason,
      "",
      `Report: ${output.report_uri}`,
      ...(output.endpoint_name === null ? [] : [`Endpoint: ${output.endpoint_name}`]),
      ...(output.model_id === null ? [] : [`Model in OpenSearch: ${output.model_id}`]),
      ...(output.query_model_id === output.model_id
        ? []
        : [`Model for queries in OpenSearch: ${output.query_model_id}`]),
    ],
  ];
}

function failure({ arn, modelName }: EndedExecution, { status, failure }: Failure): [string, string[]] {
  const { stage, task, error, cause } = failure;
  const how = ENDS[status];
  const place = stage === undefined ? "" : ` in stage ${stageLabel(stage)}`;
  const reason = [error, cause].filter((part) => part !== undefined).join(": ");
  return [
    `Fine-tuning of ${modelName} ${how}${place}`,
    [
      `The fine-tuning of ${modelName} ${how}${place}${task === undefined ? "" : ` (${task})`}.`,
      ...(reason === "" ? [] : ["", reason]),
      "",
      ...(task === "ResolveParameters" ? START_AGAIN : redrive(arn)),
    ],
  ];
}

/** Parameters are what a redrive cannot change. */
const START_AGAIN = ["To go on, start a new execution with other parameters. Nothing has been paid for yet."];

function redrive(arn: string): string[] {
  const [, , , region = ""] = arn.split(":");
  return [
    `To go on once the cause is gone, redrive the execution within ${REDRIVABLE_DAYS} days of its end. It continues from the failed task with the same parameters, and pays nothing again of what succeeded:`,
    `  aws stepfunctions redrive-execution --region ${region} --execution-arn ${arn}`,
    "To change a parameter, start a new execution. It runs every stage again.",
  ];
}
