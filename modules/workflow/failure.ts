import { FAILURE_PATH, type State, type States } from "./states.ts";

/** A stage as the failure path names it. */
export interface FailedStage {
  /** Id of the state that tasks of the stage go to when they fail; also the execution's error. */
  readonly error: string;
  /** The stage in words, at the beginning of the execution's cause. */
  readonly stage: string;
}

/** The stages by the state their tasks catch to. */
export const FAILED_STAGES = {
  resolveParameters: { error: "ParameterResolutionFailed", stage: "Resolving the parameters" },
  extraction: { error: "DataExtractionFailed", stage: "Data extraction" },
  validation: { error: "CorpusValidationFailed", stage: "Corpus validation" },
  queries: { error: "QueryGenerationFailed", stage: "Query generation" },
  planning: { error: "JobPlanningFailed", stage: "Planning the jobs" },
  mining: { error: "HardNegativeMiningFailed", stage: "Hard-negative mining" },
  scoring: { error: "TeacherScoringFailed", stage: "Teacher scoring" },
  training: { error: "TrainingFailed", stage: "Training" },
  evaluation: { error: "EvaluationFailed", stage: "Evaluation" },
  deployment: { error: "DeploymentFailed", stage: "Deployment" },
  registration: { error: "RegistrationFailed", stage: "Registration" },
} as const satisfies Record<string, FailedStage>;

/**
 * The one path on which an execution fails. Its error names the stage; its cause says what happened in the words of whoever
 * failed: a job's FailureReason and a function's errorMessage are taken out of the JSON that Step Functions wraps them in. What to
 * change is said for a job that was stopped at a limit.
 */
export function failureStates(): States {
  const named = Object.fromEntries(
    Object.values(FAILED_STAGES).map(({ error, stage }): [string, State] => [
      error,
      {
        Type: "Pass",
        Parameters: {
          error,
          stage,
          "failure.$": FAILURE_PATH,
          // Step Functions gives some errors, such as a timeout, without a cause.
          without_cause: { Error: "Unknown", Cause: "no cause was reported" },
        },
        Next: "CompleteFailure",
      },
    ]),
  );
  const hasJsonCause = (field: string) => ({ Variable: "$.failure.Cause", StringMatches: `{*"${field}":*}` });
  // SageMaker gives no reason for a job that it stopped at a limit, only this status.
  const stoppedAs = (status: string) => ({ Variable: "$.failure.Cause", StringMatches: `{*"${status}"*}` });
  const stopped = (error: string, cause: string): State => ({
    Type: "Pass",
    Result: { Error: error, Cause: cause },
    ResultPath: "$.failure",
    Next: "DescribeFailure",
  });
  return {
    ...named,
    CompleteFailure: {
      Type: "Pass",
      Parameters: {
        "error.$": "$.error",
        "stage.$": "$.stage",
        "failure.$": "States.JsonMerge($.without_cause, $.failure, false)",
      },
      Next: "FailureSource",
    },
    FailureSource: {
      Type: "Choice",
      Choices: [
        { ...stoppedAs("MaxWaitTimeExceeded"), Next: "NoSpotInstance" },
        { ...stoppedAs("MaxRuntimeExceeded"), Next: "JobTooLong" },
        { ...hasJsonCause("FailureReason"), Next: "ReadJobFailure" },
        { ...hasJsonCause("errorMessage"), Next: "ReadFunctionFailure" },
      ],
      Default: "DescribeFailure",
    },
    NoSpotInstance: stopped(
      "MaxWaitTimeExceeded",
      "there was no spot instance for long enough. Start again with a larger spot_wait_seconds, another instance type, or use_spot_instances = false",
    ),
    JobTooLong: stopped(
      "MaxRuntimeExceeded",
      "the job reached its time limit. Start again with a larger max_job_runtime_seconds, or a faster instance type",
    ),
    ReadJobFailure: {
      Type: "Pass",
      Parameters: { "report.$": "States.StringToJson($.failure.Cause)", "Error.$": "$.failure.Error" },
      ResultPath: "$.failure",
      Next: "TakeFailureReason",
    },
    TakeFailureReason: {
      Type: "Pass",
      Parameters: { "Error.$": "$.failure.Error", "Cause.$": "$.failure.report.FailureReason" },
      ResultPath: "$.failure",
      Next: "DescribeFailure",
    },
    ReadFunctionFailure: {
      Type: "Pass",
      Parameters: { "report.$": "States.StringToJson($.failure.Cause)", "Error.$": "$.failure.Error" },
      ResultPath: "$.failure",
      Next: "TakeErrorMessage",
    },
    TakeErrorMessage: {
      Type: "Pass",
      Parameters: { "Error.$": "$.failure.Error", "Cause.$": "$.failure.report.errorMessage" },
      ResultPath: "$.failure",
      Next: "DescribeFailure",
    },
    DescribeFailure: {
      Type: "Pass",
      Parameters: {
        "error.$": "$.error",
        "cause.$": "States.Format('{} failed with {}: {}', $.stage, $.failure.Error, $.failure.Cause)",
      },
      Next: "PipelineFailed",
    },
    PipelineFailed: { Type: "Fail", ErrorPath: "$.error", CausePath: "$.cause" },
  };
}
