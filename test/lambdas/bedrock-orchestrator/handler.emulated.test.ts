import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type StartedBedrockStub, startBedrockStub } from "../../../emulation/stubs/bedrock/server.ts";
import { corpusLine, corpusWriter, writeCorpusManifest } from "../../../lambdas/shared/lines/corpus.ts";
import { QueryRecord } from "../../../pipeline/artifacts.ts";
import { type EmulatedS3, startEmulatedS3 } from "../emulated-s3.ts";

const MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const ERROR_SHARE = 0.1;
const context = { awsRequestId: "1", getRemainingTimeInMillis: () => 900_000 };

let s3: EmulatedS3;
let bedrock: StartedBedrockStub;
let directory = "";
let handler: (event: unknown, invocation: typeof context) => Promise<unknown>;
let runNumber = 0;
let runUri = "";
let runKey = "";

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "orchestrator-"));
  s3 = await startEmulatedS3();
  bedrock = await startBedrockStub({
    s3Endpoint: s3.endpoint,
    workDirectory: directory,
    errorShare: ERROR_SHARE,
    limits: { recordsPerFile: 150, minimumRecords: 100 },
    statusMs: 10,
  });
  Object.assign(process.env, {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_BEDROCK: bedrock.url,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
    AWS_ENDPOINT_URL_SERVICE_QUOTAS: bedrock.url,
  });
  // The clients take their endpoints from the environment when the module is loaded, as in Lambda.
  ({ handler } = await import("../../../lambdas/bedrock-orchestrator/index.ts"));
});

afterAll(async () => {
  await bedrock?.stop();
  await s3?.stop();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  runNumber += 1;
  runKey = `runs/${runNumber}/`;
  runUri = `s3://${s3.bucket}/${runKey}`;
});

async function prepare(documents: number) {
  const run = { bucket: s3.bucket, key: runKey };
  const writer = corpusWriter(s3.client, run);
  await writer.append(
    Array.from({ length: documents }, (_, n) =>
      corpusLine(
        `d${n}`,
        `Installing package number ${n}. The package manager downloads archive ${n} from the mirror and checks its signature before the files are unpacked into the target directory.`,
      ),
    ),
  );
  await writer.finish();
  await writeCorpusManifest(s3.client, run, {
    document_count: documents,
    empty_documents: 0,
    missing_ids: 0,
    duplicate_ids: 0,
    invalid_documents: 0,
    invalid_lines: [],
    part_count: writer.nextPart,
    truncated: false,
    source: "test",
  });
  const event = {
    action: "prepare_input",
    run_uri: runUri,
    corpus_uri: `${runUri}corpus/`,
    document_count: documents,
    max_documents: 20_000,
    queries_per_document: 3,
    sample_query_uri: "",
    bedrock_model_id: MODEL,
  };
  return (await handler(event, context)) as { batches: { batch_index: number; record_count: number }[] };
}

/** What the state machine does with one batch. */
async function answer(first: unknown) {
  let batch = first;
  const modes: string[] = [];
  for (;;) {
    const job = (await handler(
      {
        action: "create_job",
        run_uri: runUri,
        batch,
        bedrock_model_id: MODEL,
        role_arn: "arn:aws:iam::000000000000:role/bedrock",
        entered_time: "2026-11-24T12:00:00.000Z",
        execution_name: "execution",
      },
      context,
    )) as { mode: string };
    modes.push(job.mode);
    for (;;) {
      const check = (await handler(
        { action: "check_status", run_uri: runUri, job, bedrock_model_id: MODEL },
        context,
      )) as { status: string; retry_batch: unknown; succeeded: number; failed: number };
      if (check.status === "Completed") return { ...check, modes };
      if (check.status === "Retry") {
        batch = check.retry_batch;
        break;
      }
      await sleep(50);
    }
  }
}

async function answeredRecords(): Promise<string[]> {
  const keys = (await s3.keys(`${runKey}queries/output/`)).filter((key) => key.endsWith(".jsonl.out"));
  const outputs = (await Promise.all(keys.map((key) => s3.jsonl(key)))).flat() as {
    recordId: string;
    modelOutput?: { content: { text: string }[] };
  }[];
  return outputs.flatMap(({ recordId, modelOutput }) => (modelOutput === undefined ? [] : [recordId]));
}

describe("handler against Bedrock's wire protocol", () => {
  it("has every record answered: in jobs within the quotas, failures once more", async () => {
    const { batches } = await prepare(260);
    expect(batches.map(({ record_count }) => record_count)).toEqual([130, 130]);
    const results = await Promise.all(batches.map(answer));
    for (const result of results) {
      expect(result).toMatchObject({ succeeded: 130, failed: 0, modes: ["batch", "on_demand"] });
    }
    const records = (await s3.jsonl(`${runKey}queries/records/part-00000.jsonl`)).map((record) =>
      QueryRecord.parse(record),
    );
    expect((await answeredRecords()).sort()).toEqual(records.map(({ record_id }) => record_id).sort());
  });

  it("asks on demand for a corpus that is too small for a job", async () => {
    const { batches } = await prepare(12);
    expect(await answer(batches[0])).toMatchObject({ succeeded: 12, failed: 0, modes: ["on_demand"] });
    expect(await answeredRecords()).toHaveLength(12);
  });

  it("refuses an action it does not have", async () => {
    await expect(handler({ action: "stop", run_uri: runUri }, context)).rejects.toMatchObject({
      name: "InvalidEventError",
    });
  });
});
