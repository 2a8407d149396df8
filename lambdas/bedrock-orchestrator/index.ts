import { BedrockClient } from "@aws-sdk/client-bedrock";
import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { S3Client } from "@aws-sdk/client-s3";
import { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { z } from "zod";
import { QueryBatch } from "../../pipeline/artifacts.ts";
import { S3Prefix, S3Uri } from "../shared/aws/s3-uri.ts";
import { lambdaHandler } from "../shared/lambda/handler.ts";
import { publishCounts } from "../shared/lambda/metrics.ts";
import { readBatchLimits } from "./batch-limits.ts";
import { checkStatus } from "./check-status.ts";
import { createJob, QueryJob } from "./create-job.ts";
import { prepareInput } from "./prepare-input.ts";

const clients = {
  s3: new S3Client({}),
  bedrock: new BedrockClient({}),
  // Requests of minutes are no answers any more, and throttling is the rule with a new account.
  runtime: new BedrockRuntimeClient({
    maxAttempts: 8,
    retryMode: "adaptive",
    requestHandler: { requestTimeout: 45_000 },
  }),
};
const quotas = new ServiceQuotasClient({});

const Event = z.discriminatedUnion("action", [
  z.object({
    action: z.literal("prepare_input"),
    run_uri: S3Prefix,
    corpus_uri: S3Prefix,
    document_count: z.number().int().nonnegative(),
    max_documents: z.number().int().positive(),
    queries_per_document: z.number().int().min(1).max(10),
    sample_query_uri: z.union([z.literal("").transform(() => null), S3Uri]),
    bedrock_model_id: z.string().min(1),
  }),
  z.object({
    action: z.literal("create_job"),
    run_uri: S3Prefix,
    batch: QueryBatch,
    bedrock_model_id: z.string().min(1),
    role_arn: z.string().min(1),
    entered_time: z.string().min(1),
    execution_name: z.string().min(1),
  }),
  z.object({
    action: z.literal("check_status"),
    run_uri: S3Prefix,
    job: QueryJob,
    bedrock_model_id: z.string().min(1),
  }),
]);

/** Stage 2, three states of it, told apart by `action`: prepare_input, create_job, check_status. */
export const handler = lambdaHandler("bedrock-orchestrator", Event, async (event, context) => {
  const run = event.run_uri;
  const modelId = event.bedrock_model_id;
  const remainingMs = () => context.getRemainingTimeInMillis();
  switch (event.action) {
    case "prepare_input": {
      const prepared = await prepareInput(clients.s3, {
        run,
        corpus: event.corpus_uri,
        documentCount: event.document_count,
        maxDocuments: event.max_documents,
        queriesPerDocument: event.queries_per_document,
        sampleQueries: event.sample_query_uri,
        modelId,
        limits: await readBatchLimits(quotas, modelId),
        remainingMs,
      });
      publishCounts({ QueryRecords: prepared.record_count });
      return prepared;
    }
    case "create_job": {
      const { minRecords } = await readBatchLimits(quotas, modelId);
      return createJob(clients.bedrock, {
        run,
        batch: event.batch,
        modelId,
        roleArn: event.role_arn,
        enteredTime: event.entered_time,
        executionName: event.execution_name,
        minRecords,
      });
    }
    case "check_status": {
      const status = await checkStatus(clients, { run, job: event.job, modelId, remainingMs });
      if (status.status === "Completed") {
        publishCounts({ QueryRecordsSucceeded: status.succeeded, QueryRecordsFailed: status.failed });
      }
      return status;
    }
  }
});
