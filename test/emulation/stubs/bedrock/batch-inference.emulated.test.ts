import path from "node:path";
import {
  BedrockClient,
  CreateModelInvocationJobCommand,
  type CreateModelInvocationJobCommandInput,
  GetModelInvocationJobCommand,
  type GetModelInvocationJobCommandOutput,
  ListModelInvocationJobsCommand,
  StopModelInvocationJobCommand,
} from "@aws-sdk/client-bedrock";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { paginateListServiceQuotas, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type StartedBedrockStub, startBedrockStub } from "../../../../emulation/stubs/bedrock/server.ts";
import { credentials, type EmulatedAws, eventually, region, startEmulatedAws } from "../emulated-aws.ts";

const MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

const PASSAGES = [
  "Overriding templates In your project, you might want to override a template in another Django application. You can either put template overrides in your project's templates directory or in an application's templates directory.",
  "Session cookies The session framework stores the data on the server side and abstracts the sending of cookies. You can configure the session engine with the SESSION_ENGINE setting.",
  "Custom fields To define a custom model field, write a subclass of Field. The to_python() method converts a value into the correct Python object.",
];

function modelInput(passage: string) {
  return {
    anthropic_version: "bedrock-2023-05-31",
    max_tokens: 1024,
    messages: [
      {
        role: "user",
        content: `Write search queries.\n<passage>\n${passage}\n</passage>\n<styles>\n1. question\n2. keywords\n3. title\n4. claim\n</styles>`,
      },
    ],
  };
}

function passage(index: number) {
  return `${PASSAGES[index % PASSAGES.length]} Note number ${index}.`;
}

function record(index: number) {
  return { recordId: `r${index}`, modelInput: modelInput(passage(index)) };
}

function jsonLines(records: readonly unknown[]): string {
  return records.map((one) => `${JSON.stringify(one)}\n`).join("");
}

interface OutputRecord {
  recordId: string;
  modelInput: unknown;
  modelOutput?: { content: { text: string }[]; usage: { input_tokens: number; output_tokens: number } };
  error?: { errorCode: number; errorMessage: string };
}

describe("batch inference", () => {
  let aws: EmulatedAws;
  let stub: StartedBedrockStub;
  let client: BedrockClient;

  beforeAll(async () => {
    aws = await startEmulatedAws();
    stub = await startBedrockStub({
      s3Endpoint: aws.endpoint,
      passages: Array.from({ length: 300 }, (_, index) => passage(index)),
      workDirectory: path.join(aws.workDirectory, "bedrock"),
      errorShare: 0.1,
      limits: { recordsPerFile: 500 },
      statusMs: 60,
      outcomeOf: ({ jobName }) => {
        if (jobName === "fails") return { status: "Failed", message: "The role cannot read the input." };
        if (jobName === "expires") return { status: "Expired" };
        if (jobName === "partial") return { status: "PartiallyCompleted", processedShare: 0.5 };
        return undefined;
      },
    });
    client = new BedrockClient({ endpoint: stub.url, region, credentials, maxAttempts: 1 });
    await aws.put("in/batch-00000.jsonl", jsonLines(Array.from({ length: 300 }, (_, index) => record(index))));
  });

  afterAll(async () => {
    client?.destroy();
    await stub?.stop();
    await aws?.stop();
  });

  function create(jobName: string, more: Partial<CreateModelInvocationJobCommandInput> = {}) {
    return client.send(
      new CreateModelInvocationJobCommand({
        jobName,
        roleArn: "arn:aws:iam::000000000000:role/BedrockBatch",
        modelId: MODEL,
        inputDataConfig: {
          s3InputDataConfig: { s3InputFormat: "JSONL", s3Uri: `s3://${aws.bucket}/in/batch-00000.jsonl` },
        },
        outputDataConfig: { s3OutputDataConfig: { s3Uri: `s3://${aws.bucket}/out/` } },
        ...more,
      }),
    );
  }

  async function ended(jobArn: string | undefined, seen: string[] = []): Promise<GetModelInvocationJobCommandOutput> {
    return eventually(async () => {
      const job = await client.send(new GetModelInvocationJobCommand({ jobIdentifier: jobArn }));
      if (job.status !== undefined && seen.at(-1) !== job.status) seen.push(job.status);
      return job.endTime === undefined ? undefined : job;
    });
  }

  async function output(jobArn: string | undefined, name = "batch-00000.jsonl"): Promise<OutputRecord[]> {
    const text = await aws.text(`out/${jobArn?.split("/")[1]}/${name}.out`);
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  it("answers every record out of order, fails a share once, and counts them in the manifest", async () => {
    const { jobArn } = await create("whole");
    expect(jobArn).toMatch(/^arn:aws:bedrock:us-east-1:000000000000:model-invocation-job\/[a-z0-9]{12}$/);
    const job = await ended(jobArn);
    expect(job.message).toBeUndefined();

    const records = await output(jobArn);
    const ids = records.map(({ recordId }) => recordId);
    const inOrder = Array.from({ length: 300 }, (_, index) => `r${index}`);
    expect(ids).not.toEqual(inOrder);
    expect([...ids].sort()).toEqual([...inOrder].sort());
    const failed = records.filter(({ error }) => error !== undefined);
    expect(failed.length).toBeGreaterThan(10);
    expect(failed.length).toBeLessThan(60);
    for (const one of failed) expect(one).not.toHaveProperty("modelOutput");
    expect(job).toMatchObject({
      totalRecordCount: 300,
      processedRecordCount: 300,
      successRecordCount: 300 - failed.length,
      errorRecordCount: failed.length,
    });
    const answered = records.filter(({ modelOutput }) => modelOutput !== undefined);
    expect(JSON.parse(await aws.text(`out/${jobArn?.split("/")[1]}/manifest.json.out`))).toEqual({
      totalRecordCount: 300,
      processedRecordCount: 300,
      successRecordCount: answered.length,
      errorRecordCount: failed.length,
      inputTokenCount: answered.reduce((sum, { modelOutput }) => sum + (modelOutput?.usage.input_tokens ?? 0), 0),
      outputTokenCount: answered.reduce((sum, { modelOutput }) => sum + (modelOutput?.usage.output_tokens ?? 0), 0),
    });
    expect(records[0]?.modelInput).toEqual(record(Number(records[0]?.recordId.slice(1))).modelInput);
    const texts = answered.map(({ modelOutput }) => modelOutput?.content[0]?.text ?? "");
    expect(texts.filter((text) => text.startsWith("{")).length).toBeGreaterThan(150);
    expect(texts.filter((text) => text.startsWith("```json\n")).length).toBeGreaterThan(10);
    expect(texts.filter((text) => text.startsWith("Here are")).length).toBeGreaterThan(5);

    const again = failed.map(({ recordId }) => record(Number(recordId.slice(1))));
    const padding = Array.from({ length: 100 }, (_, index) => record(1000 + index));
    await aws.put("in/retry.jsonl", jsonLines([...again, ...padding]));
    const retry = await create("retry", {
      inputDataConfig: { s3InputDataConfig: { s3Uri: `s3://${aws.bucket}/in/retry.jsonl` } },
    });
    expect((await ended(retry.jobArn)).status).toBe("Completed");
    const retried = await output(retry.jobArn, "retry.jsonl");
    const failedIds = new Set(failed.map(({ recordId }) => recordId));
    expect(retried.filter(({ recordId, error }) => failedIds.has(recordId) && error !== undefined)).toEqual([]);
  });

  it("answers a record alike whichever records are with it, and on demand", async () => {
    const answersTo = async (jobName: string, indices: readonly number[]) => {
      await aws.put(`in/${jobName}.jsonl`, jsonLines(indices.map(record)));
      const { jobArn } = await create(jobName, {
        inputDataConfig: { s3InputDataConfig: { s3Uri: `s3://${aws.bucket}/in/${jobName}.jsonl` } },
      });
      expect((await ended(jobArn)).status).toBe("Completed");
      return (await output(jobArn, `${jobName}.jsonl`)).flatMap(({ recordId, modelOutput }) =>
        modelOutput === undefined ? [] : [[recordId, modelOutput.content[0]?.text] as const],
      );
    };
    const runtime = new BedrockRuntimeClient({ endpoint: stub.url, region, credentials, maxAttempts: 1 });
    const onDemand = async (index: number) => {
      const body = JSON.stringify(record(index).modelInput);
      const response = await runtime.send(new InvokeModelCommand({ modelId: MODEL, body }));
      return JSON.parse(Buffer.from(response.body).toString("utf8")).content[0].text;
    };
    const indices = Array.from({ length: 300 }, (_, index) => index);
    const together = new Map(await answersTo("together", indices));
    expect(together.size).toBeLessThan(300);
    const alone = new Map<string, string>();
    for (const index of indices) alone.set(`r${index}`, await onDemand(index));
    expect([...alone].filter(([recordId]) => together.has(recordId))).toEqual(
      [...together].sort(([one], [other]) => Number(one.slice(1)) - Number(other.slice(1))),
    );
    runtime.destroy();

    const ofPassage = (which: number) => indices.filter((index) => index % PASSAGES.length === which).reverse();
    const apart = await Promise.all([0, 1, 2].map((which) => answersTo(`apart-${which}`, ofPassage(which))));
    // What failed was answered on demand since, so that the same records fail again.
    expect(new Map(apart.flat())).toEqual(together);
  });

  it("takes a job through every status, in order", async () => {
    // Asking too late misses one, on a busy machine; of several jobs, one is seen whole.
    let jobs = 0;
    const statuses = async () => {
      const seen: string[] = [];
      jobs += 1;
      await ended((await create(`watched-${jobs}`)).jobArn, seen);
      return seen.filter((status) => status !== "InProgress");
    };
    await expect
      .poll(statuses, { timeout: 120_000, interval: 1 })
      .toEqual(["Submitted", "Validating", "Scheduled", "Completed"]);
  }, 150_000);

  it("gives the same job for the same token, and refuses the token with another input", async () => {
    const clientRequestToken = "execution-1-batch-0";
    const first = await create("token", { clientRequestToken });
    expect(await create("token", { clientRequestToken })).toMatchObject({ jobArn: first.jobArn });
    await expect(create("other", { clientRequestToken })).rejects.toMatchObject({ name: "ConflictException" });
    await ended(first.jobArn);
  });

  it("fails jobs whose input breaks the limits or is no JSONL", async () => {
    const failure = async (name: string, body: string | undefined) => {
      if (body !== undefined) await aws.put(`in/${name}.jsonl`, body);
      const { jobArn } = await create(name, {
        inputDataConfig: { s3InputDataConfig: { s3Uri: `s3://${aws.bucket}/in/${name}.jsonl` } },
      });
      const job = await ended(jobArn);
      expect(job.status).toBe("Failed");
      return job.message;
    };
    const records = (count: number) => Array.from({ length: count }, (_, index) => record(index));
    expect(await failure("few", jsonLines(records(99)))).toBe(
      "Batch job contains less records (99) than the required minimum of: 100",
    );
    expect(await failure("many", jsonLines(records(501)))).toContain("more records (501) than the maximum of: 500");
    expect(await failure("broken", `${jsonLines(records(120))}{"recordId"`)).toContain(
      "Line 121 of broken.jsonl is not JSON",
    );
    expect(await failure("shapeless", jsonLines([{ recordId: "a" }]))).toContain(
      "Line 1 of shapeless.jsonl is not a record",
    );
    expect(await failure("absent", undefined)).toContain("There are no .jsonl files");
  });

  it("gives a record whose request the model refuses an error of its own", async () => {
    const bad = { recordId: "bad", modelInput: { prompt: "hello" } };
    await aws.put("in/mixed.jsonl", jsonLines([bad, ...Array.from({ length: 99 }, (_, index) => record(index))]));
    const { jobArn } = await create("mixed", {
      inputDataConfig: { s3InputDataConfig: { s3Uri: `s3://${aws.bucket}/in/mixed.jsonl` } },
    });
    await ended(jobArn);
    const answered = (await output(jobArn, "mixed.jsonl")).find(({ recordId }) => recordId === "bad");
    expect(answered?.error).toMatchObject({
      errorCode: 400,
      errorMessage: expect.stringContaining("Malformed input request"),
    });
  });

  it("ends as it is told to: failed, expired, partially completed", async () => {
    const failed = await ended((await create("fails")).jobArn);
    expect(failed).toMatchObject({ status: "Failed", message: "The role cannot read the input." });
    expect(await ended((await create("expires")).jobArn)).toMatchObject({ status: "Expired" });
    const partial = await create("partial");
    expect(await ended(partial.jobArn)).toMatchObject({
      status: "PartiallyCompleted",
      totalRecordCount: 300,
      processedRecordCount: 150,
    });
    expect(await output(partial.jobArn)).toHaveLength(150);
  });

  it("stops a job, once", async () => {
    const { jobArn } = await create("stopped");
    await client.send(new StopModelInvocationJobCommand({ jobIdentifier: jobArn }));
    expect((await ended(jobArn)).status).toBe("Stopped");
    await expect(client.send(new StopModelInvocationJobCommand({ jobIdentifier: jobArn }))).rejects.toMatchObject({
      name: "ValidationException",
    });
    const { invocationJobSummaries } = await client.send(
      new ListModelInvocationJobsCommand({ statusEquals: "Stopped" }),
    );
    expect(invocationJobSummaries?.map(({ jobName }) => jobName)).toEqual(["stopped"]);
  });

  it("refuses what Bedrock refuses", async () => {
    await expect(create("under_score")).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("Value 'under_score' at 'jobName' failed to satisfy constraint"),
    });
    await expect(create("ok", { roleArn: "role" })).rejects.toThrow(/'roleArn'/);
    await expect(create("ok", { timeoutDurationInHours: 1 })).rejects.toThrow(/greater than or equal to 24/);
    await expect(create("ok", { modelId: "meta.llama3" })).rejects.toThrow("The provided model identifier is invalid.");
    await expect(
      client.send(new GetModelInvocationJobCommand({ jobIdentifier: "abcdefghijkl" })),
    ).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});

describe("on demand", () => {
  let stub: StartedBedrockStub;

  beforeAll(async () => {
    stub = await startBedrockStub({
      s3Endpoint: "http://127.0.0.1:9",
      workDirectory: path.join(process.env.TMPDIR ?? "/tmp", "bedrock-on-demand"),
      habits: { fencedShare: 0, prefacedShare: 0, brokenShare: 0 },
      limits: { minimumRecords: 120 },
    });
  });

  afterAll(async () => {
    await stub?.stop();
  });

  it("answers InvokeModel over HTTP/2 and HTTP/1.1", async () => {
    const runtime = new BedrockRuntimeClient({ endpoint: stub.url, region, credentials, maxAttempts: 1 });
    const body = JSON.stringify(modelInput(PASSAGES[0] ?? ""));
    const response = await runtime.send(
      new InvokeModelCommand({ modelId: MODEL, contentType: "application/json", body }),
    );
    const message = JSON.parse(Buffer.from(response.body).toString("utf8"));
    expect(message).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" });
    const { queries } = JSON.parse(message.content[0].text);
    expect(queries.map(({ style }: { style: string }) => style)).toEqual(["question", "keywords", "title", "claim"]);
    await expect(
      runtime.send(new InvokeModelCommand({ modelId: MODEL, body: JSON.stringify({ prompt: "hello" }) })),
    ).rejects.toMatchObject({ name: "ValidationException" });
    runtime.destroy();

    const http1 = await fetch(`${stub.url}/model/${encodeURIComponent(MODEL)}/invoke`, {
      method: "POST",
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`,
        "x-amz-date": "20261124T000000Z",
      },
      body,
    });
    expect(await http1.json()).toEqual(message);
  });

  it("lists the batch quotas of several models, in pages", async () => {
    const quotas = new ServiceQuotasClient({ endpoint: stub.url, region, credentials });
    const found = new Map<string | undefined, number | undefined>();
    let pages = 0;
    for await (const page of paginateListServiceQuotas({ client: quotas, pageSize: 10 }, { ServiceCode: "bedrock" })) {
      pages += 1;
      for (const { QuotaName, Value } of page.Quotas ?? []) found.set(QuotaName, Value);
    }
    expect(pages).toBeGreaterThan(1);
    expect(found.get("Minimum number of records per batch inference job for Claude Haiku 4.5")).toBe(120);
    expect(found.get("Records per input file per batch inference job for Claude Haiku 4.5")).toBe(50_000);
    expect(found.get("Batch inference input file size (in GB) for Claude Haiku 4.5")).toBe(1);
    quotas.destroy();
  });
});
