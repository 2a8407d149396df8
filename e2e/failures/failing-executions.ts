import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Client } from "@opensearch-project/opensearch";
import type { AwsClients } from "../../emulation/aws/aws-connection.ts";
import { BEDROCK_FAILURE_MESSAGE, FAILING_BEDROCK_JOB } from "../../emulation/stubs/bedrock/scripted-failure.ts";
import { type StageId, stageLabel } from "../../pipeline/stages.ts";
import { type Check, Checks } from "../checks/check.ts";
import { type ExpectedMessage, messageNotRun, verifyMessages } from "../checks/messages.ts";
import { type Executions, endOf } from "../executions/execution.ts";
import { USER_BUCKET } from "../user/source-corpus.ts";

const EMPTY_INDEX = "empty";

/** An execution that must fail, and what it has to say then. */
interface FailingExecution {
  readonly name: string;
  readonly input: Record<string, unknown>;
  /** The execution's own error: that of the task, or States.NoChoiceMatched where no task failed by itself. */
  readonly error: string;
  readonly stage: StageId;
  /** Each has to stand in the message. */
  readonly told: readonly string[];
}

/** How the message says that one can go on without paying again. */
const REDRIVE = "aws stepfunctions redrive-execution";

const FAILING_EXECUTIONS: readonly FailingExecution[] = [
  {
    name: "wrong-parameters",
    input: { max_steps: "many", learning_rat: 1e-5 },
    error: "InvalidParametersError",
    stage: "extraction",
    told: ["InvalidParametersError", "max_steps", "learning_rat", "learning_rate", "start a new execution"],
  },
  {
    name: "absent-index",
    input: { input_type: "opensearch", opensearch_index_name: "absent" },
    error: "IndexNotFoundError",
    stage: "extraction",
    told: ["IndexNotFoundError", "absent"],
  },
  {
    name: "wrong-text-field",
    input: { input_type: "opensearch", text_field_names: "title,body" },
    error: "TextFieldNotFoundError",
    stage: "extraction",
    told: ["TextFieldNotFoundError", "body", "content"],
  },
  {
    name: "empty-index",
    input: { input_type: "opensearch", opensearch_index_name: EMPTY_INDEX },
    error: "EmptyCorpusError",
    stage: "extraction",
    told: ["EmptyCorpusError", EMPTY_INDEX],
  },
  {
    name: "empty-corpus",
    input: { input_type: "s3", s3_corpus_path: `s3://${USER_BUCKET}/bad/empty.jsonl` },
    error: "EmptyCorpusError",
    stage: "extraction",
    told: ["EmptyCorpusError"],
  },
  {
    name: "one-bad-line",
    input: { input_type: "s3", s3_corpus_path: `s3://${USER_BUCKET}/bad/one-bad-line.jsonl` },
    error: "InvalidCorpusError",
    stage: "extraction",
    told: ["InvalidCorpusError", "1 of 10000 lines", "7777"],
  },
  {
    // Its jobs are called after the execution.
    name: FAILING_BEDROCK_JOB,
    input: {},
    error: "States.NoChoiceMatched",
    stage: "queries",
    told: ["QueryJobFailed", BEDROCK_FAILURE_MESSAGE, REDRIVE],
  },
  {
    name: "training-script-raises",
    input: { teacher_model_id: "nobody/no-such-model" },
    error: "States.TaskFailed",
    stage: "scoring",
    told: ["nobody/no-such-model", REDRIVE],
  },
];

/** Runs executions that must fail and checks that each keeps its task's error, and that its message names the stage and what to change. */
export async function verifyFailingExecutions(
  { s3, logs }: Pick<AwsClients, "s3" | "logs">,
  domain: Client,
  executions: Executions,
  modelName: string,
  say: (line: string) => void,
): Promise<Check[]> {
  const checks: Check[] = [];
  await uploadBadCorpora(s3);
  await domain.indices.create({
    index: EMPTY_INDEX,
    body: { mappings: { properties: { title: { type: "text" }, content: { type: "text" } } } },
  });
  const messages: ExpectedMessage[] = [];
  for (const failing of FAILING_EXECUTIONS) {
    const { name, stage, told } = failing;
    say(`  ${name}`);
    const check = await verifyFailure(executions, failing);
    checks.push(check);
    if (check.outcome !== "passed") checks.push(messageNotRun(name));
    else {
      const subject = `Fine-tuning of ${modelName} failed in stage ${stageLabel(stage)}`;
      messages.push({ execution: name, subject, text: told });
    }
  }
  return [...checks, ...(await verifyMessages(logs, messages))];
}

async function verifyFailure(executions: Executions, { name, input, error }: FailingExecution): Promise<Check> {
  const checks = new Checks("bad input");
  const result = await executions.run({ name, input });
  checks.expect(name, result.status === "FAILED" && result.error === error, endOf(result));
  return checks.results[0] as Check;
}

async function uploadBadCorpora(s3: S3Client): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: USER_BUCKET, Key: "bad/empty.jsonl", Body: "\n" }));
  const lines = Array.from({ length: 10_000 }, (_, i) =>
    i === 7776 ? '{"text": 5}' : JSON.stringify({ id: `d${i}`, text: `passage number ${i}` }),
  );
  await s3.send(
    new PutObjectCommand({ Bucket: USER_BUCKET, Key: "bad/one-bad-line.jsonl", Body: `${lines.join("\n")}\n` }),
  );
}
