import type { DefinitionInputs } from "./definition-inputs.ts";
import {
  BATCH_QUOTA_RETRY,
  FAILURE_PATH,
  failUntilRedriven,
  invokeFunction,
  LAMBDA_RETRY,
  rememberRedrives,
  type State,
  type States,
} from "./states.ts";

/** Jobs that run at the same time; Bedrock allows 20 for each model unless a quota says otherwise. */
export const QUERY_JOB_CONCURRENCY = 4;

const ON_DEMAND = { Variable: "$.job.mode", StringEquals: "on_demand" };
const IN_PROGRESS = { Variable: "$.check.status", StringEquals: "InProgress" };

/** Has Bedrock write queries for sampled documents. */
export function queryStates(inputs: DefinitionInputs, next: string): States {
  const orchestrator = inputs.functions["bedrock-orchestrator"];
  return {
    PrepareQueries: invokeFunction(
      orchestrator,
      {
        action: "prepare_input",
        "run_uri.$": "$.run.uri",
        "corpus_uri.$": "$.corpus.corpus_uri",
        "document_count.$": "$.corpus.document_count",
        "max_documents.$": "$.parameters.max_query_documents",
        "queries_per_document.$": "$.parameters.queries_per_document",
        "sample_query_uri.$": "$.parameters.sample_query_uri",
        "bedrock_model_id.$": "$.parameters.bedrock_model_id",
      },
      { fields: ["batches", "record_count", "records_uri", "output_uri"], path: "$.queries" },
      "GenerateQueries",
    ),
    GenerateQueries: runBedrockJobs(inputs, next),
  };
}

/** Runs one Bedrock job for each batch: creates it, looks at it until it ends, and sends what failed in it a second time. */
function runBedrockJobs({ functions, bedrockRoleArn, queryPollSeconds }: DefinitionInputs, next: string): State {
  const orchestrator = functions["bedrock-orchestrator"];
  return {
    Type: "Map",
    ItemsPath: "$.queries.batches",
    MaxConcurrency: QUERY_JOB_CONCURRENCY,
    ItemSelector: {
      "batch.$": "$$.Map.Item.Value",
      "run_uri.$": "$.run.uri",
      "bedrock_model_id.$": "$.parameters.bedrock_model_id",
      redrives: 0,
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
              role_arn: bedrockRoleArn,
              "entered_time.$": "$$.State.EnteredTime",
              "execution_name.$": "$$.Execution.Name",
            },
            { fields: ["mode", "job_arn", "batch"], path: "$.job" },
            "QueryJobMode",
          ),
          Retry: [BATCH_QUOTA_RETRY, ...LAMBDA_RETRY],
        },
        // On demand, the function does the work while it looks, so there is nothing to wait for.
        QueryJobMode: {
          Type: "Choice",
          Choices: [{ ...ON_DEMAND, Next: "CheckQueryJob" }],
          Default: "WaitForQueryJob",
        },
        WaitForQueryJob: { Type: "Wait", Seconds: queryPollSeconds, Next: "CheckQueryJob" },
        CheckQueryJob: invokeFunction(
          orchestrator,
          {
            action: "check_status",
            "run_uri.$": "$.run_uri",
            "job.$": "$.job",
            "bedrock_model_id.$": "$.bedrock_model_id",
          },
          { fields: ["status", "retry_batch", "succeeded", "failed", "failure"], path: "$.check" },
          "QueryJobStatus",
        ),
        QueryJobStatus: {
          Type: "Choice",
          Choices: [
            { Variable: "$.check.status", StringEquals: "Retry", Next: "TakeFailedRecords" },
            { Variable: "$.check.status", StringEquals: "Failed", Next: "QueryJobFailed" },
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
          Parameters: { Error: "QueryJobFailed", "Cause.$": "$.check.failure" },
          ResultPath: FAILURE_PATH,
          Next: "QueryGenerationFailed",
        },
        // What the other jobs wrote is there already, so a redrive has only this batch's job run anew.
        QueryGenerationFailed: failUntilRedriven("$.redrives", "AskBatchAgain"),
        AskBatchAgain: rememberRedrives("$.redrives", "CreateQueryJob"),
      },
    },
    ResultPath: "$.query_jobs",
    Next: next,
  };
}
