/** A document of the Amazon States Language. Numbers and booleans may be Terraform expressions, hence `unknown`. */
export type State = Readonly<Record<string, unknown>> & { readonly Type: string };
export type States = Readonly<Record<string, State>>;

/** Seconds of slack over a Lambda function's own timeout, so that Lambda's more telling error comes first. */
const LAMBDA_SLACK = 30;
/** Seconds after which a call of an AWS API that only starts or describes something is given up. */
const API_TIMEOUT = 60;

const BACKOFF = { IntervalSeconds: 2, BackoffRate: 2, MaxAttempts: 6, MaxDelaySeconds: 60, JitterStrategy: "FULL" };

/**
 * Bedrock runs so many batch jobs at a time and no more, over everything in the account: a place becomes free within hours. The
 * waits, 5 minutes at first and an hour at most, last up to 16 hours together.
 */
export const BATCH_QUOTA_RETRY = {
  ErrorEquals: ["ServiceQuotaExceededException"],
  IntervalSeconds: 300,
  BackoffRate: 1.5,
  MaxAttempts: 20,
  MaxDelaySeconds: 3600,
  JitterStrategy: "FULL",
};

/** Faults of Lambda itself, throttling and faults of services that a function called (its error's name is the service's), and OpenSearch with shards or nodes away. */
export const LAMBDA_RETRY = [
  {
    ErrorEquals: [
      "Lambda.ServiceException",
      "Lambda.AWSLambdaException",
      "Lambda.SdkClientException",
      "Lambda.TooManyRequestsException",
      "ThrottlingException",
      "TooManyRequestsException",
      "InternalServerException",
      "ServiceUnavailableException",
      "SlowDown",
      "InternalError",
      "OpenSearchUnavailableError",
    ],
    ...BACKOFF,
  },
];

/** Throttling and faults of SageMaker. A quota that is exceeded stays so: that error goes straight to the user. */
const SAGEMAKER_RETRY = [
  {
    ErrorEquals: [
      "SageMaker.ThrottlingException",
      "SageMaker.InternalServerException",
      "SageMaker.ServiceUnavailableException",
      "SageMaker.AmazonSageMakerException",
      "SageMaker.SdkClientException",
    ],
    ...BACKOFF,
    MaxAttempts: 4,
  },
];

const SDK_RETRY = [
  {
    ErrorEquals: [
      "SageMaker.ThrottlingException",
      "SageMaker.SdkClientException",
      "ApplicationAutoScaling.ConcurrentUpdateException",
      "ApplicationAutoScaling.InternalServiceException",
      "ApplicationAutoScaling.ThrottlingException",
      "ApplicationAutoScaling.SdkClientException",
      "S3.ThrottlingException",
      "S3.SlowDownException",
      "S3.InternalErrorException",
      "S3.SdkClientException",
    ],
    ...BACKOFF,
  },
];

/** A function the state machine calls. */
export interface FunctionReference {
  readonly arn: string;
  /** Seconds after which Lambda ends an invocation. */
  readonly timeout: number;
}

/** Invokes a function and keeps the named fields of what it returns at `resultPath`. */
export function invokeFunction(
  { arn, timeout }: FunctionReference,
  payload: Readonly<Record<string, unknown>>,
  result: { readonly fields: readonly string[]; readonly path: string },
  next: string,
): State {
  return {
    Type: "Task",
    Resource: "arn:aws:states:::lambda:invoke",
    Parameters: { FunctionName: arn, Payload: payload },
    ResultSelector: Object.fromEntries(result.fields.map((field) => [`${field}.$`, `$.Payload.${field}`])),
    ResultPath: result.path,
    TimeoutSeconds: timeout + LAMBDA_SLACK,
    Retry: LAMBDA_RETRY,
    Next: next,
  };
}

/** Runs a SageMaker training job to its end, or until the seconds at `timeoutPath` are over. */
export function runTrainingJob(parameters: object, resultPath: string, timeoutPath: string, next: string): State {
  return {
    Type: "Task",
    Resource: "arn:aws:states:::sagemaker:createTrainingJob.sync",
    Parameters: parameters,
    ResultSelector: {
      "job_name.$": "$.TrainingJobName",
      "artifact_uri.$": "$.ModelArtifacts.S3ModelArtifacts",
    },
    ResultPath: resultPath,
    TimeoutSecondsPath: timeoutPath,
    Retry: SAGEMAKER_RETRY,
    Next: next,
  };
}

/** Calls a SageMaker API through its optimised integration; what it answers is not kept. */
export function callSageMaker(
  action: "createModel" | "createEndpointConfig" | "createEndpoint" | "updateEndpoint",
  parameters: object,
  next: string,
): State {
  return {
    Type: "Task",
    Resource: `arn:aws:states:::sagemaker:${action}`,
    Parameters: parameters,
    ResultPath: null,
    TimeoutSeconds: API_TIMEOUT,
    Retry: SAGEMAKER_RETRY,
    Next: next,
  };
}

/** Calls an API that has no optimised integration. */
export function callSdk(
  action:
    | "s3:getObject"
    | "sagemaker:describeEndpoint"
    | "sagemaker:deleteEndpoint"
    | "applicationautoscaling:deregisterScalableTarget"
    | "applicationautoscaling:registerScalableTarget"
    | "applicationautoscaling:putScalingPolicy",
  parameters: Readonly<Record<string, unknown>>,
  result: { readonly selector?: Readonly<Record<string, string>>; readonly path: string | null },
  next: string,
): State {
  return {
    Type: "Task",
    Resource: `arn:aws:states:::aws-sdk:${action}`,
    Parameters: parameters,
    ...(result.selector === undefined ? {} : { ResultSelector: result.selector }),
    ResultPath: result.path,
    TimeoutSeconds: API_TIMEOUT,
    Retry: SDK_RETRY,
    Next: next,
  };
}

/** Where the pipeline goes on although a task failed; the document stays as it was unless the error is kept at `keepAt`. */
export function goOnAfter(state: State, errors: readonly string[], next: string, keepAt: string | null = null): State {
  return { ...state, Catch: [{ ErrorEquals: errors, ResultPath: keepAt, Next: next }] };
}

/** Where a state finds why it fails the execution: `Error` and `Cause`, as a Catch leaves them. */
export const FAILURE_PATH = "$.failure";

/**
 * Fails the execution where no task fails by itself, and goes on when the execution is redriven: Step Functions judges a Choice
 * without a way out again then, whereas it would enter a Fail state only to fail again. Whoever reads the failure finds it in
 * the state's input, at {@link FAILURE_PATH}.
 *
 * @param redrivesPath where {@link rememberRedrives} left a number; 0 at first. A redrive for an earlier failure counts too, and
 *   lets the work be tried once more at once.
 */
export function failUntilRedriven(redrivesPath: string, next: string): State {
  return {
    Type: "Choice",
    Choices: [
      {
        And: [
          { Variable: REDRIVE_COUNT, IsPresent: true },
          { Variable: REDRIVE_COUNT, NumericGreaterThanPath: redrivesPath },
        ],
        Next: next,
      },
    ],
  };
}

const REDRIVE_COUNT = "$$.Execution.RedriveCount";

/** Keeps how often the execution has been redriven, so that the next failure ends it again. */
export function rememberRedrives(redrivesPath: string, next: string): State {
  return { Type: "Pass", InputPath: REDRIVE_COUNT, ResultPath: redrivesPath, Next: next };
}

/** A name that no other evaluation of this expression gives: `<model name>-<kind>-<8 hex>`. */
export function uniqueName(kind: string): string {
  const random = "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)";
  return `States.Format('{}-${kind}-{}', $.parameters.model_name, ${random})`;
}
