import { FAILURE_PATH, failUntilRedriven, rememberRedrives, type States } from "../states.ts";
import { createStates } from "./create.ts";
import type { DeploymentInputs } from "./inputs.ts";
import { ENDPOINT_SUFFIX, MODEL_NAMES, VARIANT_NAME } from "./names.ts";
import { scaleStates } from "./scale.ts";
import { updateStates } from "./update.ts";

/** The state that begins the deployment. */
export const DEPLOYMENT_START = "BeginDeployment";

/** Where the deployment keeps how often the execution had been redriven when it began. */
const REDRIVES_PATH = "$.deployment.redrives";

/**
 * Creates the endpoint, or updates it in place when it is there. One that is being changed is waited for, one that never came up is
 * replaced. An update that SageMaker rolled back is a failure, although the endpoint is in service. Once it serves the new model, it
 * scales if it shall, and what only the models before the last one needed is deleted.
 *
 * A deployment that failed begins anew when the execution is redriven.
 */
export function deploymentStates(inputs: DeploymentInputs, next: string): States {
  return {
    [DEPLOYMENT_START]: { Type: "Pass", Result: { redrives: 0 }, ResultPath: "$.deployment", Next: "NameEndpoint" },
    NameEndpoint: {
      Type: "Pass",
      Parameters: {
        ...MODEL_NAMES,
        "endpoint.$": `States.Format('{}${ENDPOINT_SUFFIX}', $.parameters.model_name)`,
        "scalable_target.$": `States.Format('endpoint/{}${ENDPOINT_SUFFIX}/variant/${VARIANT_NAME}', $.parameters.model_name)`,
        previous_config: null,
      },
      ResultPath: "$.names",
      Next: "StartPolling",
    },
    StartPolling: { Type: "Pass", Result: { count: 0 }, ResultPath: "$.polls", Next: "ServeAs" },
    ...createStates(inputs, "WaitForEndpoint", "StopScaling"),
    ...updateStates(inputs, "ShouldScale"),
    ...scaleStates(inputs, next),
    EndpointFailed: failure("EndpointFailed", "$.endpoint.FailureReason"),
    EndpointFailedSilently: failure(
      "EndpointFailed",
      "States.Format('SageMaker gave no reason; see the log group /aws/sagemaker/Endpoints/{}', $.names.endpoint)",
    ),
    EndpointRolledBack: failure(
      "EndpointRolledBack",
      "States.Format('the new model did not come up and SageMaker went back to the one before; see the log group /aws/sagemaker/Endpoints/{}', $.names.endpoint)",
    ),
    EndpointTimedOut: failure(
      "EndpointTimedOut",
      "States.Format('the endpoint {} did not come into service in time; see its status in SageMaker', $.names.endpoint)",
    ),
    DeploymentFailed: failUntilRedriven(REDRIVES_PATH, "DeployAgain"),
    DeployAgain: rememberRedrives(REDRIVES_PATH, "NameEndpoint"),
  };
}

function failure(error: string, cause: string) {
  return {
    Type: "Pass",
    Parameters: { Error: error, "Cause.$": cause },
    ResultPath: FAILURE_PATH,
    Next: "DeploymentFailed",
  };
}
