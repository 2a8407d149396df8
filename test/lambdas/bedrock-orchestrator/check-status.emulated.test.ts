import { BedrockClient, GetModelInvocationJobCommand, type ModelInvocationJobStatus } from "@aws-sdk/client-bedrock";
import {
  AccessDeniedException,
  BedrockRuntimeClient,
  InvokeModelCommand,
  ValidationException,
} from "@aws-sdk/client-bedrock-runtime";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CheckRequest, checkStatus } from "../../../lambdas/bedrock-orchestrator/check-status.ts";
import type { QueryJob } from "../../../lambdas/bedrock-orchestrator/create-job.ts";
import type { QueryBatch } from "../../../pipeline/artifacts.ts";
import { type EmulatedS3, startEmulatedS3 } from "../emulated-s3.ts";

const bedrock = mockClient(BedrockClient);
const runtime = mockClient(BedrockRuntimeClient);

let s3: EmulatedS3;
let runNumber = 0;
let run = "";

beforeAll(async () => {
  s3 = await startEmulatedS3();
});
afterAll(() => s3.stop());
beforeEach(() => {
  runNumber += 1;
  run = `runs/${runNumber}/`;
  bedrock.reset();
  runtime.reset();
});

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `r${n + from}`);
const jsonl = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
const answered = (recordId: string) => ({ recordId, modelInput: {}, modelOutput: { content: [] } });
const errored = (recordId: string, errorMessage = "boom", errorCode: number | string = 500) => ({
  recordId,
  modelInput: {},
  error: { errorCode, errorMessage },
});

async function batchOf(records: readonly string[], attempt = 1): Promise<QueryBatch> {
  const key = `${run}queries/input/batch-00000.jsonl`;
  await s3.put(key, jsonl(records.map((recordId) => ({ recordId, modelInput: { prompt: recordId } }))));
  return { batch_index: 0, s3_input_uri: `s3://${s3.bucket}/${key}`, record_count: records.length, attempt };
}

function jobOf(batch: QueryBatch): QueryJob {
  return { mode: "batch", job_arn: "arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/job1", batch };
}

function jobEndsAs(status: ModelInvocationJobStatus, message?: string) {
  bedrock.on(GetModelInvocationJobCommand).resolves({ status, message });
}

function check(job: QueryJob, options: Partial<CheckRequest> = {}) {
  return checkStatus(
    {
      s3: s3.client,
      bedrock: new BedrockClient({ region: "us-east-1" }),
      runtime: new BedrockRuntimeClient({ region: "us-east-1" }),
    },
    {
      run: { bucket: s3.bucket, key: run },
      job,
      modelId: "amazon.nova-lite-v1:0",
      remainingMs: () => 900_000,
      ...options,
    },
  );
}

async function putOutput(values: readonly unknown[], name = "batch-00000.jsonl.out") {
  await s3.put(`${run}queries/output/job1/${name}`, jsonl(values));
}

describe("checkStatus of a batch job", () => {
  it.each(["Submitted", "Validating", "Scheduled", "InProgress", "Stopping"] as const)(
    "waits while it is %s",
    async (status) => {
      jobEndsAs(status);
      expect(await check(jobOf(await batchOf(ids(2))))).toEqual({
        status: "InProgress",
        retry_batch: null,
        succeeded: 0,
        failed: 0,
        failure: null,
      });
    },
  );

  it("is done when every record has an answer, in whatever order and files", async () => {
    jobEndsAs("Completed");
    await putOutput(ids(3).reverse().map(answered));
    await putOutput(ids(2, 3).map(answered), "more.jsonl.out");
    await s3.put(`${run}queries/output/job1/manifest.json.out`, '{"totalRecordCount":5}');
    await s3.put(`${run}queries/output/job10/batch-00000.jsonl.out`, jsonl([errored("r0")]));
    expect(await check(jobOf(await batchOf(ids(5))))).toEqual({
      status: "Completed",
      retry_batch: null,
      succeeded: 5,
      failed: 0,
      failure: null,
    });
  });

  it("asks records that failed, or that an expired job never came to, once more", async () => {
    jobEndsAs("PartiallyCompleted");
    await putOutput([answered("r0"), errored("r1"), answered("r3"), "not a record"]);
    const result = await check(jobOf(await batchOf(ids(5))));
    const retryKey = `${run}queries/input/batch-00000-retry.jsonl`;
    expect(result).toEqual({
      status: "Retry",
      succeeded: 2,
      failed: 3,
      retry_batch: {
        batch_index: 0,
        s3_input_uri: `s3://${s3.bucket}/${retryKey}`,
        record_count: 3,
        attempt: 2,
        first_record_count: 5,
      },
      failure: null,
    });
    expect(await s3.jsonl(retryKey)).toEqual(
      ["r1", "r2", "r4"].map((recordId) => ({ recordId, modelInput: { prompt: recordId } })),
    );
  });

  it("accepts some failures after the retry", async () => {
    jobEndsAs("Completed");
    await putOutput([errored("r0")]);
    const batch = { ...(await batchOf(["r0"], 2)), first_record_count: 100 };
    expect(await check(jobOf(batch))).toEqual({
      status: "Completed",
      retry_batch: null,
      succeeded: 99,
      failed: 1,
      failure: null,
    });
  });

  it("fails when most records failed twice, with the most frequent reason", async () => {
    jobEndsAs("Completed");
    await putOutput([
      answered("r0"),
      errored("r1", "too long", 400),
      errored("r2", "quota", 429),
      errored("r3", "quota", 429),
    ]);
    const batch = { ...(await batchOf(ids(4), 2)), first_record_count: 5 };
    expect(await check(jobOf(batch))).toEqual({
      status: "Failed",
      retry_batch: null,
      succeeded: 2,
      failed: 3,
      failure: expect.stringMatching(
        /^Bedrock answered 2 of the 5 records of batch 0, after 2 attempts\. Most frequent reason, 2 times: 429 quota\. .*bedrock_model_id.*max_query_documents/,
      ),
    });
  });

  it.each(["Failed", "Expired", "Stopped"] as const)(
    "fails with Bedrock's words when it %s without an answer",
    async (status) => {
      jobEndsAs(status, "the model is retired");
      expect(await check(jobOf(await batchOf(ids(2))))).toEqual({
        status: "Failed",
        retry_batch: null,
        succeeded: 0,
        failed: 2,
        failure: expect.stringMatching(new RegExp(`job1 ended as ${status} without an answer: the model is retired`)),
      });
    },
  );

  it("uses the answers of a job that was stopped", async () => {
    jobEndsAs("Stopped");
    await putOutput([answered("r0")]);
    expect(await check(jobOf(await batchOf(ids(2))))).toMatchObject({ status: "Retry", succeeded: 1, failed: 1 });
  });
});

describe("checkStatus on demand", () => {
  const onDemand = (batch: QueryBatch): QueryJob => ({ mode: "on_demand", job_arn: "", batch });
  const body = (value: unknown) => ({
    body: Buffer.from(JSON.stringify(value)) as never,
    contentType: "application/json",
  });

  async function outputs() {
    const keys = await s3.keys(`${run}queries/output/`);
    return (await Promise.all(keys.map((key) => s3.jsonl(key)))).flat() as {
      recordId: string;
      modelOutput?: unknown;
    }[];
  }

  it("asks the model for every record and writes what a job would write", async () => {
    runtime.on(InvokeModelCommand).callsFake((input) => body({ echo: JSON.parse(input.body).prompt }));
    expect(await check(onDemand(await batchOf(ids(30))))).toEqual({
      status: "Completed",
      retry_batch: null,
      succeeded: 30,
      failed: 0,
      failure: null,
    });
    const written = await outputs();
    expect(written).toHaveLength(30);
    for (const record of written) {
      expect(record).toEqual({
        recordId: record.recordId,
        modelInput: { prompt: record.recordId },
        modelOutput: { echo: record.recordId },
      });
    }
    expect(await s3.keys(`${run}queries/output/`)).toEqual([
      `${run}queries/output/on-demand-0-1/batch-00000-0.jsonl.out`,
    ]);
  });

  it("stops before the Lambda limit and goes on where it stopped", async () => {
    runtime.on(InvokeModelCommand).callsFake((input) => body({ echo: JSON.parse(input.body).prompt }));
    const batch = await batchOf(ids(20));
    const statuses: string[] = [];
    while (statuses.at(-1) !== "Completed") {
      const looks = { left: 1 };
      const remainingMs = () => {
        looks.left -= 1;
        return looks.left >= 0 ? 900_000 : 1000;
      };
      statuses.push((await check(onDemand(batch), { remainingMs })).status);
    }
    expect(statuses).toEqual(["InProgress", "InProgress", "Completed"]);
    expect(new Set((await outputs()).map(({ recordId }) => recordId)).size).toBe(20);
    expect(runtime.commandCalls(InvokeModelCommand)).toHaveLength(20);
  });

  it("turns errors of single records into a retry, and then asks only those", async () => {
    const refused = new ValidationException({ message: "input too long", $metadata: { httpStatusCode: 400 } });
    runtime.on(InvokeModelCommand).callsFake((input) => {
      if (JSON.parse(input.body).prompt === "r1") throw refused;
      return body({});
    });
    const first = await check(onDemand(await batchOf(ids(3))));
    expect(first).toMatchObject({
      status: "Retry",
      succeeded: 2,
      failed: 1,
      retry_batch: { record_count: 1, attempt: 2 },
    });
    if (first.retry_batch === null) expect.fail("no retry batch");
    expect(await check(onDemand(first.retry_batch))).toMatchObject({ status: "Completed", succeeded: 2, failed: 1 });
    expect(runtime.commandCalls(InvokeModelCommand)).toHaveLength(4);
  });

  it("says at once that the model may not be used", async () => {
    runtime
      .on(InvokeModelCommand)
      .rejects(new AccessDeniedException({ message: "no access.", $metadata: { httpStatusCode: 403 } }));
    await expect(check(onDemand(await batchOf(ids(50))))).rejects.toMatchObject({
      name: "BedrockAccessDeniedError",
      message: expect.stringContaining("bedrock:InvokeModel"),
    });
    expect(runtime.commandCalls(InvokeModelCommand).length).toBeLessThanOrEqual(8);
  });
});
