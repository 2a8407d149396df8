import { uniqueName } from "../states.ts";

/** An endpoint is called after its model: `<model name>-endpoint`. */
export const ENDPOINT_SUFFIX = "-endpoint";
/** Its one variant. */
export const VARIANT_NAME = "AllTraffic";

/** Names of the model and of the configuration that serves it; each deployment has others. */
export const MODEL_NAMES = { "model.$": uniqueName("model"), "config.$": uniqueName("config") };

/** The endpoint, as SageMaker's requests name it. */
export const ENDPOINT_NAME = { "EndpointName.$": "$.names.endpoint" };

/** What scales, as Application Auto Scaling's requests name it. */
export const SCALABLE_TARGET = {
  ServiceNamespace: "sagemaker",
  ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
  "ResourceId.$": "$.names.scalable_target",
};
