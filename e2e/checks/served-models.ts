import {
  DescribeEndpointCommand,
  ListEndpointConfigsCommand,
  ListModelsCommand,
  type SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import type { StateTiming } from "../../pipeline/execution-history.ts";
import { type Check, Checks } from "./check.ts";

/** The states that make an endpoint scale; in the stub they fail unless the request is right. */
const SCALING_STATES = ["LimitInstances", "ScaleByRequests"];
/** What is served, and the one before it. */
const KEPT = 2;

/**
 * The endpoint scales, and of what the executions made in SageMaker there is left what is served and what was served before.
 *
 * @param executions how many executions have deployed so far.
 */
export async function verifyDeployment(
  client: SageMakerClient,
  endpointName: string,
  executions: number,
  states: readonly StateTiming[],
): Promise<Check[]> {
  const checks = new Checks("deployment");
  const passed = states.filter(({ state, exitedAt }) => SCALING_STATES.includes(state) && exitedAt !== undefined);
  checks.expect(
    "the endpoint scales",
    passed.length === SCALING_STATES.length,
    passed.map(({ state }) => state).join(", "),
  );
  const modelName = endpointName.replace(/-endpoint$/, "");
  const { EndpointConfigName } = await client.send(new DescribeEndpointCommand({ EndpointName: endpointName }));
  const { EndpointConfigs = [] } = await client.send(
    new ListEndpointConfigsCommand({ NameContains: `${modelName}-config-` }),
  );
  const { Models = [] } = await client.send(new ListModelsCommand({ NameContains: `${modelName}-model-` }));
  const configs = EndpointConfigs.map((config) => config.EndpointConfigName ?? "");
  const expected = Math.min(executions, KEPT);
  checks.expect(
    "what is served and what was served before is kept, older models are deleted",
    configs.length === expected && Models.length === expected && configs.includes(EndpointConfigName ?? ""),
    `after ${executions} executions: ${configs.join(", ")}; ${Models.map(({ ModelName }) => ModelName).join(", ")}`,
  );
  return checks.results;
}
