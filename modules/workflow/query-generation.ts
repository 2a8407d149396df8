import {
  BATCH_QUOTA_RETRY,
  FAILURE_PATH,
  type FunctionReference,
  invokeFunction,
  LAMBDA_RETRY,
  type State,
} from "./states.ts";

/** What the loop over Bedrock's jobs needs. */
export interface QueryGenerationInputs {
  readonly orchestrator: FunctionReference;
  readonly bedrockRoleArn: string;
  /** Seconds between two looks at a job; may be a Terraform expression. */
  readonly pollSeconds: number;
  readonly next: string;
  readonly onError: string;
}

/** Jobs that run at the same time; Bedrock allows 20 for each model unless a quota says otherwise. */
export const QUERY_JOB_CONCURRENCY = 4;

const ON_DEMAND = { Variable: "$.job.mode", StringEquals: "on_demand" };
const IN_PROGRESS = { Variable: "$.check.status", StringEquals: "InProgress" };

/** Runs one Bedrock job for each batch: creates it, looks at it until it ends, and sends what failed in it a second time. */
export function generateQueries(inputs: QueryGenerationInputs): State {
  const { orchestrator, onError, next } = inputs;
  const failed = "QueryJobFailed";
  return {
    Type: "Map",
    ItemsPath: "$.queries.batches",
    MaxConcurrency: QUERY_JOB_CONCURRENCY,
    ItemSelector: {
      "batch.$": "$$.Map.Item.Value",
      "run_uri.$": "$.run.uri",
      "bedrock_model_id.$": "$.parameters.bedrock_model_id",
    },
    ItemProcessor: {
      ProcessorConfig: { Mode: "INLINE" },
      StartAt: "CreateQueryJob",
      States: {
        CreateQueryJob: {
          ...invokeFunction(
            orchestrator,
            {
              action: "create_job",
              "run_uri.$": "$.run_uri",
              "batch.$": "$.batch",
              "bedrock_model_id.$": "$.bedrock_model_id",
              role_arn: inputs.bedrockRoleArn,
              "entered_time.$": "$$.State.EnteredTime",
              "execution_name.$": "$$.Execution.Name",
            },
            { fields: ["mode", "job_arn", "batch"], path: "$.job" },
            { next: "QueryJobMode", onError: failed },
          ),
          Retry: [BATCH_QUOTA_RETRY, ...LAMBDA_RETRY],
        },
        // On demand, the function does the work while it looks, so there is nothing to wait for.
        QueryJobMode: {
          Type: "Choice",
          Choices: [{ ...ON_DEMAND, Next: "CheckQueryJob" }],
          Default: "WaitForQueryJob",
        },
        WaitForQueryJob: { Type: "Wait", Seconds: inputs.pollSeconds, Next: "CheckQueryJob" },
        CheckQueryJob: invokeFunction(
          orchestrator,
          {
            action: "check_status",
            "run_uri.$": "$.run_uri",
            "job.$": "$.job",
            "bedrock_model_id.$": "$.bedrock_model_id",
          },
          { fields: ["status", "retry_batch", "succeeded", "failed"], path: "$.check" },
          { next: "QueryJobStatus", onError: failed },
        ),
        QueryJobStatus: {
          Type: "Choice",
          Choices: [
            { Variable: "$.check.status", StringEquals: "Retry", Next: "TakeFailedRecords" },
            { And: [IN_PROGRESS, ON_DEMAND], Next: "CheckQueryJob" },
            { ...IN_PROGRESS, Next: "WaitForQueryJob" },
          ],
          Default: "SummariseQueryJob",
        },
        TakeFailedRecords: {
          Type: "Pass",
          InputPath: "$.check.retry_batch",
          ResultPath: "$.batch",
          Next: "CreateQueryJob",
        },
        SummariseQueryJob: {
          Type: "Pass",
          Parameters: {
            "batch_index.$": "$.batch.batch_index",
            "succeeded.$": "$.check.succeeded",
            "failed.$": "$.check.failed",
          },
          End: true,
        },
        QueryJobFailed: {
          Type: "Pass",
          Parameters: {
            "failure.$": FAILURE_PATH,
            without_cause: { Error: "Unknown", Cause: "no cause was reported" },
          },
          Next: "CompleteQueryJobFailure",
        },
        CompleteQueryJobFailure: {
          Type: "Pass",
          Parameters: { "failure.$": "States.JsonMerge($.without_cause, $.failure, false)" },
          Next: "QueryJobGivenUp",
        },
        QueryJobGivenUp: { Type: "Fail", ErrorPath: "$.failure.Error", CausePath: "$.failure.Cause" },
      },
    },
    ResultPath: "$.query_jobs",
    Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: FAILURE_PATH, Next: onError }],
    Next: next,
  };
}
