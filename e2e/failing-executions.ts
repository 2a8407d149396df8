import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Client } from "@opensearch-project/opensearch";
import type { AwsClients } from "../emulation/aws/aws-connection.ts";
import { BEDROCK_FAILURE_MESSAGE, FAILING_BEDROCK_JOB } from "../emulation/stubs/bedrock/scripted-failure.ts";
import { type Check, Checks } from "./checks/check.ts";
import { verifyMessages } from "./checks/messages.ts";
import type { Deployment } from "./deployment.ts";
import { runExecution } from "./execution.ts";
import { USER_BUCKET } from "./source-corpus.ts";

const EMPTY_INDEX = "empty";
const TIMEOUT_MS = 5 * 60_000;

/** An execution that must fail, and what it has to say then. */
interface FailingExecution {
  readonly name: string;
  readonly input: Record<string, unknown>;
  readonly error: string;
  /** Each has to stand in the cause. */
  readonly cause: readonly string[];
}

const FAILING_EXECUTIONS: readonly FailingExecution[] = [
  {
    name: "wrong-parameters",
    input: { max_steps: "many", learning_rat: 1e-5 },
    error: "ParameterResolutionFailed",
    cause: ["InvalidParametersError", "max_steps", "learning_rat", "learning_rate"],
  },
  {
    name: "absent-index",
    input: { input_type: "opensearch", opensearch_index_name: "absent" },
    error: "DataExtractionFailed",
    cause: ["IndexNotFoundError", "absent"],
  },
  {
    name: "wrong-text-field",
    input: { input_type: "opensearch", text_field_names: "title,body" },
    error: "DataExtractionFailed",
    cause: ["TextFieldNotFoundError", "body", "content"],
  },
  {
    name: "empty-index",
    input: { input_type: "opensearch", opensearch_index_name: EMPTY_INDEX },
    error: "DataExtractionFailed",
    cause: ["EmptyCorpusError", EMPTY_INDEX],
  },
  {
    name: "empty-corpus",
    input: { input_type: "s3", s3_corpus_path: `s3://${USER_BUCKET}/bad/empty.jsonl` },
    error: "CorpusValidationFailed",
    cause: ["EmptyCorpusError"],
  },
  {
    name: "one-bad-line",
    input: { input_type: "s3", s3_corpus_path: `s3://${USER_BUCKET}/bad/one-bad-line.jsonl` },
    error: "CorpusValidationFailed",
    cause: ["InvalidCorpusError", "1 of 10000 lines", "7777"],
  },
  {
    // Its jobs are called after the execution.
    name: FAILING_BEDROCK_JOB,
    input: {},
    error: "QueryGenerationFailed",
    cause: ["BedrockJobFailedError", BEDROCK_FAILURE_MESSAGE],
  },
  {
    name: "training-script-raises",
    input: { teacher_model_id: "nobody/no-such-model" },
    error: "TeacherScoringFailed",
    cause: ["nobody/no-such-model"],
  },
];

/** Runs executions that must fail and checks that each names its stage and what to change. */
export async function verifyFailingExecutions(
  clients: AwsClients,
  domain: Client,
  deployment: Deployment,
  modelName: string,
  say: (line: string) => void,
): Promise<Check[]> {
  const checks = new Checks("bad input");
  await uploadBadCorpora(clients.s3);
  await domain.indices.create({
    index: EMPTY_INDEX,
    body: { mappings: { properties: { title: { type: "text" }, content: { type: "text" } } } },
  });
  for (const { name, input, error, cause } of FAILING_EXECUTIONS) {
    say(`  ${name}`);
    const result = await runExecution(clients.stepFunctions, {
      stateMachineArn: deployment.stateMachineArn,
      name,
      input,
      onStateEntered: () => undefined,
      timeoutMs: TIMEOUT_MS,
    });
    const said = result.cause ?? "";
    checks.expect(
      name,
      result.status === "FAILED" && result.error === error && cause.every((part) => said.includes(part)),
      `${result.status} ${result.error ?? ""}: ${said.replace(/\s+/g, " ").slice(0, 300)}`,
    );
  }
  const messages = FAILING_EXECUTIONS.map(({ name, error, cause }) => ({
    execution: name,
    subject: `Fine-tuning of ${modelName} failed: ${error}`,
    text: cause,
  }));
  return [...checks.results, ...(await verifyMessages(clients.logs, messages))];
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
