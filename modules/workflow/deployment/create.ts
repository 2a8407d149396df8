import { vpcConfig } from "../../access/placement.ts";
import { SERVING_ENVIRONMENT, SPARSE_SERVING_ENVIRONMENT } from "../../jobs/serving-environment.ts";
import { withFieldsIf } from "../../terraform/json.ts";
import { callSageMaker, callSdk, FAILURE_PATH, goOnAfter, type State, type States } from "../states.ts";
import type { DeploymentInputs } from "./inputs.ts";
import { ENDPOINT_NAME, VARIANT_NAME } from "./names.ts";
import { describeEndpoint, HAS_FAILED, hasStatus, POLLS_SPENT, waitAndCount } from "./polling.ts";

/** SageMaker's words for an endpoint that is not there; it has no error code of its own. */
const NOT_FOUND = "*Could not find endpoint*";

/** Creates model and configuration, and then the endpoint, unless there is one that is in service: that goes on to `update`. */
export function createStates(inputs: DeploymentInputs, created: string, update: string): States {
  const { tags } = inputs;
  return {
    ServeAs: {
      Type: "Choice",
      Choices: [{ Variable: "$.parameters.model_type", StringEquals: "sparse", Next: "CreateSparseModel" }],
      Default: "CreateModel",
    },
    // SageMaker brings the model to the container, which needs nothing else.
    CreateModel: createModel(inputs, SERVING_ENVIRONMENT, true),
    // The container installs what the artifact's code requires from PyPI.
    CreateSparseModel: createModel(inputs, SPARSE_SERVING_ENVIRONMENT, false),
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
      "DescribeEndpoint",
    ),
    // Which error means "not there" shows in its words only.
    DescribeEndpoint: goOnAfter(
      describeEndpoint("EndpointBeforeUpdate"),
      ["States.ALL"],
      "EndpointMissing",
      FAILURE_PATH,
    ),
    EndpointMissing: {
      Type: "Choice",
      Choices: [
        {
          And: [
            { Variable: `${FAILURE_PATH}.Cause`, IsPresent: true },
            { Variable: `${FAILURE_PATH}.Cause`, StringMatches: NOT_FOUND },
          ],
          Next: "CreateEndpoint",
        },
      ],
      Default: "DeploymentFailed",
    },
    EndpointBeforeUpdate: {
      Type: "Choice",
      Choices: [
        { ...hasStatus("InService"), Next: "RememberConfig" },
        { ...POLLS_SPENT, Next: "EndpointTimedOut" },
        { ...HAS_FAILED, Next: "DeleteFailedEndpoint" },
      ],
      Default: "WaitBeforeUpdate",
    },
    DeleteFailedEndpoint: callSdk("sagemaker:deleteEndpoint", ENDPOINT_NAME, { path: null }, "WaitBeforeUpdate"),
    ...waitAndCount("WaitBeforeUpdate", "CountPollBeforeUpdate", inputs.pollSeconds, "DescribeEndpoint"),
    CreateEndpoint: callSageMaker(
      "createEndpoint",
      { ...ENDPOINT_NAME, "EndpointConfigName.$": "$.names.config", Tags: tags.list },
      created,
    ),
    RememberConfig: {
      Type: "Pass",
      InputPath: "$.endpoint.EndpointConfigName",
      ResultPath: "$.names.previous_config",
      Next: update,
    },
  };
}

function createModel(
  { servingRoleArn, network, tags }: DeploymentInputs,
  environment: Readonly<Record<string, string>>,
  isolated: boolean,
): State {
  const request = {
    "ModelName.$": "$.names.model",
    ExecutionRoleArn: servingRoleArn,
    PrimaryContainer: {
      "Image.$": "$.images.serving",
      "ModelDataUrl.$": "$.training.artifact_uri",
      Environment: environment,
    },
    EnableNetworkIsolation: isolated,
    Tags: tags.list,
  };
  return callSageMaker("createModel", withFieldsIf(request, network.given, vpcConfig(network)), "CreateEndpointConfig");
}
