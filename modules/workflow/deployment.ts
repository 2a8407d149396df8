import { type Network, vpcConfig } from "../access/placement.ts";
import { SERVING_ENVIRONMENT, SPARSE_SERVING_ENVIRONMENT } from "../jobs/serving-environment.ts";
import { withFieldsIf } from "../terraform/json.ts";
import type { ExecutionTags } from "../terraform/tags.ts";
import { FAILED_STAGES } from "./failure.ts";
import {
  callSageMaker,
  callSdk,
  type FunctionReference,
  invokeFunction,
  type State,
  type States,
  uniqueName,
} from "./states.ts";

/** What the deployment of the model needs. */
export interface DeploymentInputs {
  readonly servingRoleArn: string;
  readonly network: Network;
  readonly tags: ExecutionTags;
  /** Seconds between two looks at the endpoint; may be a Terraform expression. */
  readonly pollSeconds: number;
  /** Deletes the models of earlier executions. */
  readonly deleteSuperseded: FunctionReference;
  readonly next: string;
}

/** The state that begins the deployment. */
export const DEPLOYMENT_START = "NameEndpoint";

/** An endpoint is called after its model: `<model name>-endpoint`. */
export const ENDPOINT_SUFFIX = "-endpoint";
/** Its one variant. */
export const VARIANT_NAME = "AllTraffic";

/** Looks at the endpoint before giving up: two hours at the default of 30 seconds. */
export const MAX_ENDPOINT_POLLS = 240;

/** What scales. */
const SCALABLE_TARGET = {
  ServiceNamespace: "sagemaker",
  ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
  "ResourceId.$": "$.names.scalable_target",
};
const INSTANCE_LIMITS = {
  ...SCALABLE_TARGET,
  "MinCapacity.$": "$.parameters.initial_instance_count",
  "MaxCapacity.$": "$.parameters.max_instance_count",
};
const SCALING_POLICY_NAME = "requests-per-instance";
/** Seconds after an instance was added or removed until the next one may be. */
const SCALE_OUT_COOLDOWN = 60;
const SCALE_IN_COOLDOWN = 300;

/** SageMaker's words for an endpoint that is not there; it has no error code of its own. */
const NOT_FOUND = "*Could not find endpoint*";
const FAILED_STATUSES = ["Failed", "OutOfService", "UpdateRollbackFailed"];

/**
 * Creates the endpoint, or updates it in place when it is there. One that is being changed is waited for, one that never came up is
 * replaced. An update that SageMaker rolled back is a failure, although the endpoint is in service. Once it serves the new model, it
 * scales if it shall, and what only the models before the last one needed is deleted.
 */
export function deploymentStates(inputs: DeploymentInputs): States {
  const { servingRoleArn, network, tags, pollSeconds, next } = inputs;
  const onError = FAILED_STAGES.deployment.error;
  const instances = "$.endpoint.ProductionVariants[0].DesiredInstanceCount";
  const description = { path: "$.endpoint" };
  const endpointName = { "EndpointName.$": "$.names.endpoint" };
  const status = (value: string) => ({ Variable: "$.endpoint.EndpointStatus", StringEquals: value });
  const isFailed = { Or: FAILED_STATUSES.map(status) };
  const pollsSpent = { Variable: "$.polls.count", NumericGreaterThanEquals: MAX_ENDPOINT_POLLS };
  const countPoll = (after: string) => ({
    Type: "Pass" as const,
    Parameters: { "count.$": "States.MathAdd($.polls.count, 1)" },
    ResultPath: "$.polls",
    Next: after,
  });
  const failure = (error: string, cause: Readonly<Record<string, string>>) => ({
    Type: "Pass" as const,
    Parameters: { Error: error, ...cause },
    ResultPath: "$.failure",
    Next: onError,
  });
  const createModel = (environment: Readonly<Record<string, string>>, isolated: boolean) =>
    callSageMaker(
      "createModel",
      withFieldsIf(
        {
          "ModelName.$": "$.names.model",
          ExecutionRoleArn: servingRoleArn,
          PrimaryContainer: {
            "Image.$": "$.images.serving",
            "ModelDataUrl.$": "$.training.artifact_uri",
            Environment: environment,
          },
          EnableNetworkIsolation: isolated,
          Tags: tags.list,
        },
        network.given,
        vpcConfig(network),
      ),
      { next: "CreateEndpointConfig", onError },
    );
  return {
    NameEndpoint: {
      Type: "Pass",
      Parameters: {
        "endpoint.$": `States.Format('{}${ENDPOINT_SUFFIX}', $.parameters.model_name)`,
        "model.$": uniqueName("model"),
        "config.$": uniqueName("config"),
        "scalable_target.$": `States.Format('endpoint/{}${ENDPOINT_SUFFIX}/variant/${VARIANT_NAME}', $.parameters.model_name)`,
        previous_config: null,
      },
      ResultPath: "$.names",
      Next: "StartPolling",
    },
    StartPolling: { Type: "Pass", Result: { count: 0 }, ResultPath: "$.polls", Next: "ServeAs" },
    ServeAs: {
      Type: "Choice",
      Choices: [{ Variable: "$.parameters.model_type", StringEquals: "sparse", Next: "CreateSparseModel" }],
      Default: "CreateModel",
    },
    // SageMaker brings the model to the container, which needs nothing else.
    CreateModel: createModel(SERVING_ENVIRONMENT, true),
    // The container installs what the artifact's code requires from PyPI.
    CreateSparseModel: createModel(SPARSE_SERVING_ENVIRONMENT, false),
    CreateEndpointConfig: callSageMaker(
      "createEndpointConfig",
      {
        "EndpointConfigName.$": "$.names.config",
        ProductionVariants: [
          {
            VariantName: VARIANT_NAME,
            "ModelName.$": "$.names.model",
            "InstanceType.$": "$.parameters.inference_instance_type",
            "InitialInstanceCount.$": "$.parameters.initial_instance_count",
            InitialVariantWeight: 1,
          },
        ],
        Tags: tags.list,
      },
      { next: "DescribeEndpoint", onError },
    ),
    DescribeEndpoint: withNotFound(
      callSdk("sagemaker:describeEndpoint", endpointName, description, { next: "EndpointBeforeUpdate", onError }),
      "EndpointMissing",
    ),
    EndpointMissing: {
      Type: "Choice",
      Choices: [
        {
          And: [
            { Variable: "$.failure.Cause", IsPresent: true },
            { Variable: "$.failure.Cause", StringMatches: NOT_FOUND },
          ],
          Next: "CreateEndpoint",
        },
      ],
      Default: onError,
    },
    EndpointBeforeUpdate: {
      Type: "Choice",
      Choices: [
        { ...status("InService"), Next: "RememberConfig" },
        { ...pollsSpent, Next: "EndpointTimedOut" },
        { ...isFailed, Next: "DeleteFailedEndpoint" },
      ],
      Default: "WaitBeforeUpdate",
    },
    DeleteFailedEndpoint: callSdk(
      "sagemaker:deleteEndpoint",
      endpointName,
      { path: null },
      {
        next: "WaitBeforeUpdate",
        onError,
      },
    ),
    WaitBeforeUpdate: { Type: "Wait", Seconds: pollSeconds, Next: "CountPollBeforeUpdate" },
    CountPollBeforeUpdate: countPoll("DescribeEndpoint"),
    CreateEndpoint: callSageMaker(
      "createEndpoint",
      { ...endpointName, "EndpointConfigName.$": "$.names.config", Tags: tags.list },
      { next: "WaitForEndpoint", onError },
    ),
    RememberConfig: {
      Type: "Pass",
      InputPath: "$.endpoint.EndpointConfigName",
      ResultPath: "$.names.previous_config",
      Next: "StopScaling",
    },
    // SageMaker refuses to change the instance type of what scales.
    StopScaling: withFirstCatch(
      callSdk(
        "applicationautoscaling:deregisterScalableTarget",
        SCALABLE_TARGET,
        { path: null },
        { next: "InstancesDuringUpdate", onError },
      ),
      { ErrorEquals: ["ApplicationAutoScaling.ObjectNotFoundException"], Next: "InstancesDuringUpdate" },
    ),
    // What has grown under load keeps its instances; otherwise there are as many as the parameters say.
    InstancesDuringUpdate: {
      Type: "Choice",
      Choices: [
        {
          And: [
            { Variable: instances, IsPresent: true },
            { Variable: instances, NumericGreaterThanPath: "$.parameters.initial_instance_count" },
            { Variable: instances, NumericLessThanEqualsPath: "$.parameters.max_instance_count" },
          ],
          Next: "UpdateGrownEndpoint",
        },
      ],
      Default: "UpdateEndpoint",
    },
    UpdateGrownEndpoint: callSageMaker(
      "updateEndpoint",
      { ...endpointName, "EndpointConfigName.$": "$.names.config", RetainAllVariantProperties: true },
      { next: "WaitForEndpoint", onError },
    ),
    UpdateEndpoint: callSageMaker(
      "updateEndpoint",
      { ...endpointName, "EndpointConfigName.$": "$.names.config" },
      { next: "WaitForEndpoint", onError },
    ),
    WaitForEndpoint: { Type: "Wait", Seconds: pollSeconds, Next: "CountEndpointPoll" },
    CountEndpointPoll: countPoll("CheckEndpoint"),
    CheckEndpoint: callSdk("sagemaker:describeEndpoint", endpointName, description, {
      next: "EndpointStatus",
      onError,
    }),
    EndpointStatus: {
      Type: "Choice",
      Choices: [
        {
          And: [
            status("InService"),
            {
              Variable: "$.endpoint.EndpointConfigName",
              StringEqualsPath: "$.names.config",
            },
          ],
          Next: "ShouldScale",
        },
        { ...status("InService"), Next: "EndpointRolledBack" },
        {
          And: [isFailed, { Variable: "$.endpoint.FailureReason", IsPresent: true }],
          Next: "EndpointFailed",
        },
        { ...isFailed, Next: "EndpointFailedSilently" },
        { ...pollsSpent, Next: "EndpointTimedOut" },
      ],
      Default: "WaitForEndpoint",
    },
    ShouldScale: {
      Type: "Choice",
      Choices: [
        {
          Variable: "$.parameters.max_instance_count",
          NumericGreaterThanPath: "$.parameters.initial_instance_count",
          Next: "LimitInstances",
        },
      ],
      Default: "HasSuperseded",
    },
    // Tags are taken of a new target only, and refused of one that is there, as when the request is repeated.
    LimitInstances: withFirstCatch(
      callSdk(
        "applicationautoscaling:registerScalableTarget",
        { ...INSTANCE_LIMITS, Tags: tags.object },
        { path: null },
        { next: "ScaleByRequests", onError },
      ),
      { ErrorEquals: ["ApplicationAutoScaling.ValidationException"], Next: "LimitTaggedInstances" },
    ),
    LimitTaggedInstances: callSdk(
      "applicationautoscaling:registerScalableTarget",
      INSTANCE_LIMITS,
      { path: null },
      { next: "ScaleByRequests", onError },
    ),
    ScaleByRequests: callSdk(
      "applicationautoscaling:putScalingPolicy",
      {
        ...SCALABLE_TARGET,
        PolicyName: SCALING_POLICY_NAME,
        PolicyType: "TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration: {
          "TargetValue.$": "$.parameters.target_requests_per_minute",
          PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
          ScaleOutCooldown: SCALE_OUT_COOLDOWN,
          ScaleInCooldown: SCALE_IN_COOLDOWN,
        },
      },
      { path: null },
      { next: "HasSuperseded", onError },
    ),
    HasSuperseded: {
      Type: "Choice",
      Choices: [{ Variable: "$.names.previous_config", IsNull: true, Next: next }],
      Default: "DeleteSuperseded",
    },
    // The endpoint serves the new model, so what cannot be deleted, which costs nothing, does not make the execution fail.
    DeleteSuperseded: invokeFunction(
      inputs.deleteSuperseded,
      { "model_name.$": "$.parameters.model_name", "previous_config_name.$": "$.names.previous_config" },
      { fields: ["deleted_configs"], path: "$.superseded" },
      { next, onError: next },
    ),
    EndpointFailed: failure("EndpointFailed", { "Cause.$": "$.endpoint.FailureReason" }),
    EndpointFailedSilently: failure("EndpointFailed", {
      "Cause.$":
        "States.Format('SageMaker gave no reason; see the log group /aws/sagemaker/Endpoints/{}', $.names.endpoint)",
    }),
    EndpointRolledBack: failure("EndpointRolledBack", {
      "Cause.$":
        "States.Format('the new model did not come up and SageMaker went back to the one before; see the log group /aws/sagemaker/Endpoints/{}', $.names.endpoint)",
    }),
    EndpointTimedOut: failure("EndpointTimedOut", {
      "Cause.$":
        "States.Format('the endpoint {} did not come into service in time; see its status in SageMaker', $.names.endpoint)",
    }),
  };
}

/** Goes on at what a task's other Catch would take for a failure; the document stays as it was. */
function withFirstCatch(state: State, catcher: { ErrorEquals: string[]; Next: string }): State {
  return { ...state, Catch: [{ ...catcher, ResultPath: null }, ...(state.Catch as object[])] };
}

/** Sends the errors that may mean "not there" to a state that tells them from others. */
function withNotFound(state: State, next: string): State {
  return { ...state, Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: next }] };
}
