import { z } from "zod";
import { matching } from "../wire/validation.ts";

// Patterns and limits are those of the service's API model (botocore `bedrock` 2023-04-20).

const jobName = matching(/[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}/, { min: 1, max: 63 });
const s3Uri = matching(
  /s3:\/\/[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:\/[-!_*'().a-z0-9A-Z]+(?:\/[-!_*'().a-z0-9A-Z]+)*)?\/?/,
  {
    min: 1,
    max: 1024,
  },
);

export const CreateModelInvocationJobInput = z.looseObject({
  jobName,
  roleArn: matching(/arn:aws(-[^:]+)?:iam::([0-9]{12})?:role\/.+/, { max: 2048 }),
  clientRequestToken: matching(/[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}/, { min: 1, max: 256 }).optional(),
  modelId: z.string().min(1).max(2048),
  inputDataConfig: z.object({
    s3InputDataConfig: z.object({
      s3InputFormat: z.literal("JSONL").optional(),
      s3Uri,
      s3BucketOwner: matching(/[0-9]{12}/, { max: 12 }).optional(),
    }),
  }),
  outputDataConfig: z.object({
    s3OutputDataConfig: z.object({
      s3Uri,
      s3EncryptionKeyId: z.string().min(1).max(2048).optional(),
      s3BucketOwner: matching(/[0-9]{12}/, { max: 12 }).optional(),
    }),
  }),
  timeoutDurationInHours: z.number().int().min(24).max(168).optional(),
  modelInvocationType: z
    .literal("InvokeModel", { error: "The emulator runs modelInvocationType InvokeModel only." })
    .optional(),
  tags: z
    .array(
      z.object({
        key: matching(/[a-zA-Z0-9\s._:/=+@-]*/, { min: 1, max: 128 }),
        value: matching(/[a-zA-Z0-9\s._:/=+@-]*/, { max: 256 }),
      }),
    )
    .max(200)
    .optional(),
});
export type CreateModelInvocationJobInput = z.infer<typeof CreateModelInvocationJobInput>;

export const InvocationJobStatus = z.enum([
  "Submitted",
  "Validating",
  "Scheduled",
  "InProgress",
  "Completed",
  "PartiallyCompleted",
  "Failed",
  "Stopping",
  "Stopped",
  "Expired",
]);
export type InvocationJobStatus = z.infer<typeof InvocationJobStatus>;

export const ListModelInvocationJobsInput = z.object({
  statusEquals: InvocationJobStatus.optional(),
  nameContains: jobName.optional(),
  submitTimeAfter: z.coerce.date().optional(),
  submitTimeBefore: z.coerce.date().optional(),
  maxResults: z.coerce.number().int().min(1).max(1000).default(100),
  nextToken: z.string().max(2048).optional(),
  sortOrder: z.enum(["Ascending", "Descending"]).default("Descending"),
});

/** A line of a batch's input; `modelInput` is not looked into before the model runs. */
export const BatchRecord = z.looseObject({
  recordId: z.string().optional(),
  modelInput: z.record(z.string(), z.unknown()),
});
export type BatchRecord = z.infer<typeof BatchRecord>;

export const ListServiceQuotasInput = z.object({
  ServiceCode: matching(/[a-zA-Z][a-zA-Z0-9-]{1,63}/, { min: 1, max: 63 }),
  MaxResults: z.number().int().min(1).max(100).default(100),
  NextToken: z.string().max(2048).optional(),
});
