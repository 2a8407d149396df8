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
  mining: { error: "HardNegativeMiningFailed", stage: "Hard-negative mining" },
  scoring: { error: "TeacherScoringFailed", stage: "Teacher scoring" },
  training: { error: "TrainingFailed", stage: "Training" },
  evaluation: { error: "EvaluationFailed", stage: "Evaluation" },
  deployment: { error: "DeploymentFailed", stage: "Deployment" },
  registration: { error: "RegistrationFailed", stage: "Registration" },
} as const satisfies Record<string, FailedStage>;

/**
 * The one path on which an execution fails. Its error names the stage; its cause says what happened in the words of whoever
 * failed: a job's FailureReason and a function's errorMessage are taken out of the JSON that Step Functions wraps them in.
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
        { ...hasJsonCause("FailureReason"), Next: "ReadJobFailure" },
        { ...hasJsonCause("errorMessage"), Next: "ReadFunctionFailure" },
      ],
      Default: "DescribeFailure",
    },
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
