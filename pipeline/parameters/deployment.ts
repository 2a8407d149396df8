import { instanceType, integer, type Parameter } from "./parameter.ts";

export const DEPLOYMENT_PARAMETERS = {
  inference_instance_type: instanceType("ml.g5.xlarge", "Instance behind the endpoint.", "ml.g5.xlarge"),
  initial_instance_count: integer(1, 1, 4, "Instances behind the endpoint."),
  max_instance_count: integer(
    0,
    0,
    20,
    "Most instances behind the endpoint: it scales by its requests, never below initial_instance_count. 0 keeps their number.",
  ),
  target_requests_per_minute: integer(
    600,
    1,
    1_000_000,
    "Requests a minute for each instance, at which an endpoint with a max_instance_count scales.",
  ),
} as const satisfies Record<string, Parameter>;
