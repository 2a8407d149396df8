import { callSageMaker, callSdk, goOnAfter, type States } from "../states.ts";
import type { DeploymentInputs } from "./inputs.ts";
import { ENDPOINT_NAME, SCALABLE_TARGET } from "./names.ts";
import { describeEndpoint, HAS_FAILED, hasStatus, POLLS_SPENT, waitAndCount } from "./polling.ts";

const INSTANCES = "$.endpoint.ProductionVariants[0].DesiredInstanceCount";

/** Updates the endpoint in place, and waits until the endpoint, a new one too, serves the new model. */
export function updateStates({ pollSeconds }: DeploymentInputs, next: string): States {
  const update = { ...ENDPOINT_NAME, "EndpointConfigName.$": "$.names.config" };
  return {
    // SageMaker refuses to change the instance type of what scales. An endpoint that never scaled has no target.
    StopScaling: goOnAfter(
      callSdk(
        "applicationautoscaling:deregisterScalableTarget",
        SCALABLE_TARGET,
        { path: null },
        "InstancesDuringUpdate",
      ),
      ["ApplicationAutoScaling.ObjectNotFoundException"],
      "InstancesDuringUpdate",
    ),
    // What has grown under load keeps its instances; otherwise there are as many as the parameters say.
    InstancesDuringUpdate: {
      Type: "Choice",
      Choices: [
        {
          And: [
            { Variable: INSTANCES, IsPresent: true },
            { Variable: INSTANCES, NumericGreaterThanPath: "$.parameters.initial_instance_count" },
            { Variable: INSTANCES, NumericLessThanEqualsPath: "$.parameters.max_instance_count" },
          ],
          Next: "UpdateGrownEndpoint",
        },
      ],
      Default: "UpdateEndpoint",
    },
    UpdateGrownEndpoint: callSageMaker(
      "updateEndpoint",
      { ...update, RetainAllVariantProperties: true },
      "WaitForEndpoint",
    ),
    UpdateEndpoint: callSageMaker("updateEndpoint", update, "WaitForEndpoint"),
    ...waitAndCount("WaitForEndpoint", "CountEndpointPoll", pollSeconds, "CheckEndpoint"),
    CheckEndpoint: describeEndpoint("EndpointStatus"),
    EndpointStatus: {
      Type: "Choice",
      Choices: [
        {
          And: [
            hasStatus("InService"),
            { Variable: "$.endpoint.EndpointConfigName", StringEqualsPath: "$.names.config" },
          ],
          Next: next,
        },
        { ...hasStatus("InService"), Next: "EndpointRolledBack" },
        {
          And: [HAS_FAILED, { Variable: "$.endpoint.FailureReason", IsPresent: true }],
          Next: "EndpointFailed",
        },
        { ...HAS_FAILED, Next: "EndpointFailedSilently" },
        { ...POLLS_SPENT, Next: "EndpointTimedOut" },
      ],
      Default: "WaitForEndpoint",
    },
  };
}
