import { BedrockClient, CreateModelInvocationJobCommand } from "@aws-sdk/client-bedrock";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { type CreateJobRequest, createJob, jobIdentity } from "../../../lambdas/bedrock-orchestrator/create-job.ts";

const bedrock = mockClient(BedrockClient);
const client = new BedrockClient({ region: "us-east-1" });
const ARN = "arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/abc123";
const request: CreateJobRequest = {
  run: { bucket: "bucket", key: "runs/x/" },
  batch: {
    batch_index: 3,
    s3_input_uri: "s3://bucket/runs/x/queries/input/batch-00003.jsonl",
    record_count: 100,
    attempt: 1,
  },
  modelId: "us.amazon.nova-lite-v1:0",
  roleArn: "arn:aws:iam::000000000000:role/bedrock",
  enteredTime: "2026-11-24T12:00:00.000Z",
  executionName: "_my execution: ünïcode! with a name that goes on and on",
  minRecords: 100,
};

beforeEach(() => {
  bedrock.reset();
  bedrock.on(CreateModelInvocationJobCommand).resolves({ jobArn: ARN });
});

describe("createJob", () => {
  it("starts a job that reads the batch and writes to the run's output", async () => {
    expect(await createJob(client, request)).toEqual({ mode: "batch", job_arn: ARN, batch: request.batch });
    const [call] = bedrock.commandCalls(CreateModelInvocationJobCommand);
    expect(call?.args[0].input).toMatchObject({
      modelId: request.modelId,
      roleArn: request.roleArn,
      inputDataConfig: { s3InputDataConfig: { s3InputFormat: "JSONL", s3Uri: request.batch.s3_input_uri } },
      outputDataConfig: { s3OutputDataConfig: { s3Uri: "s3://bucket/runs/x/queries/output/" } },
    });
    expect(call?.args[0].input.jobName).toMatch(/^[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}$/);
    expect(call?.args[0].input.jobName?.length).toBeLessThanOrEqual(63);
    expect(call?.args[0].input.clientRequestToken).toMatch(/^[a-zA-Z0-9]{1,256}$/);
  });

  it("asks for the same job when the state is retried, for another one otherwise", () => {
    const same = jobIdentity({ ...request });
    expect(same).toEqual(jobIdentity(request));
    const others = [
      jobIdentity({ ...request, enteredTime: "2026-11-24T12:00:01.000Z" }),
      jobIdentity({ ...request, batch: { ...request.batch, attempt: 2 } }),
      jobIdentity({ ...request, run: { bucket: "bucket", key: "runs/y/" } }),
    ];
    expect(new Set([same, ...others].map(({ token }) => token)).size).toBe(4);
    expect(new Set([same, ...others].map(({ name }) => name)).size).toBe(4);
  });

  it("starts no job for fewer records than Bedrock takes", async () => {
    const batch = { ...request.batch, record_count: 99 };
    expect(await createJob(client, { ...request, batch })).toEqual({ mode: "on_demand", job_arn: "", batch });
    expect(bedrock.calls()).toHaveLength(0);
  });

  it("keeps the name of Bedrock's errors for the state machine's retry", async () => {
    bedrock
      .on(CreateModelInvocationJobCommand)
      .rejects(Object.assign(new Error("slow down"), { name: "ThrottlingException" }));
    await expect(createJob(client, request)).rejects.toMatchObject({ name: "ThrottlingException" });
  });
});
