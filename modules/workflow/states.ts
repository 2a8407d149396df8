/** A document of the Amazon States Language. Numbers and booleans may be Terraform expressions, hence `unknown`. */
export type State = Readonly<Record<string, unknown>> & { readonly Type: string };
export type States = Readonly<Record<string, State>>;

/** Field under which a state that caught an error leaves it. */
export const FAILURE_PATH = "$.failure";

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

/** Where a state goes on, and where it goes when it fails. */
export interface Transitions {
  readonly next: string;
  /** State that names the stage; it finds the error at {@link FAILURE_PATH}. */
  readonly onError: string;
}

const catchAll = (next: string) => [{ ErrorEquals: ["States.ALL"], ResultPath: FAILURE_PATH, Next: next }];

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
  { next, onError }: Transitions,
): State {
  return {
    Type: "Task",
    Resource: "arn:aws:states:::lambda:invoke",
    Parameters: { FunctionName: arn, Payload: payload },
    ResultSelector: Object.fromEntries(result.fields.map((field) => [`${field}.$`, `$.Payload.${field}`])),
    ResultPath: result.path,
    TimeoutSeconds: timeout + LAMBDA_SLACK,
    Retry: LAMBDA_RETRY,
    Catch: catchAll(onError),
    Next: next,
  };
}

/** Runs a SageMaker training job to its end, or until the seconds at `timeoutPath` are over. */
export function runTrainingJob(
  parameters: object,
  resultPath: string,
  timeoutPath: string,
  { next, onError }: Transitions,
): State {
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
    Catch: catchAll(onError),
    Next: next,
  };
}

/** Calls a SageMaker API through its optimised integration; what it answers is not kept. */
export function callSageMaker(
  action: "createModel" | "createEndpointConfig" | "createEndpoint" | "updateEndpoint",
  parameters: object,
  { next, onError }: Transitions,
): State {
  return {
    Type: "Task",
    Resource: `arn:aws:states:::sagemaker:${action}`,
    Parameters: parameters,
    ResultPath: null,
    TimeoutSeconds: API_TIMEOUT,
    Retry: SAGEMAKER_RETRY,
    Catch: catchAll(onError),
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
  { next, onError }: Transitions,
): State {
  return {
    Type: "Task",
    Resource: `arn:aws:states:::aws-sdk:${action}`,
    Parameters: parameters,
    ...(result.selector === undefined ? {} : { ResultSelector: result.selector }),
    ResultPath: result.path,
    TimeoutSeconds: API_TIMEOUT,
    Retry: SDK_RETRY,
    Catch: catchAll(onError),
    Next: next,
  };
}

/** A name that no other evaluation of this expression gives: `<model name>-<kind>-<8 hex>`. */
export function uniqueName(kind: string): string {
  const random = "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)";
  return `States.Format('{}-${kind}-{}', $.parameters.model_name, ${random})`;
}
