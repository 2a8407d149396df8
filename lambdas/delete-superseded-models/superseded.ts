import {
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointConfigCommand,
  paginateListEndpointConfigs,
  type SageMakerClient,
  SageMakerServiceException,
} from "@aws-sdk/client-sagemaker";

/** What follows the prefix in the names that the state machine gives to configurations. */
const UNIQUE_ENDING = /^[0-9a-f]{8}$/;

/** SageMaker's words for a model that is not there; it has no error code of its own. */
const NOT_FOUND = /Could not find model/;

/**
 * Deletes the endpoint configurations of a model, and the models they name, that are older than the one that the endpoint had
 * before: that one stays, to go back to. What is younger stays too: it is served, or another execution is about to deploy it. What
 * a failed deployment left is deleted once it is old enough.
 *
 * @param previousConfigName the configuration that the endpoint had before the present one. Without it, nothing is deleted.
 * @returns names of the deleted configurations.
 */
export async function deleteSuperseded(
  client: SageMakerClient,
  modelName: string,
  previousConfigName: string,
): Promise<string[]> {
  const superseded = await olderConfigs(client, `${modelName}-config-`, previousConfigName);
  for (const EndpointConfigName of superseded) {
    const { ProductionVariants = [] } = await client.send(new DescribeEndpointConfigCommand({ EndpointConfigName }));
    // The models first: a configuration that is still there is found again after a failure.
    for (const { ModelName } of ProductionVariants) await deleteModel(client, ModelName);
    await client.send(new DeleteEndpointConfigCommand({ EndpointConfigName }));
  }
  return superseded;
}

async function olderConfigs(client: SageMakerClient, prefix: string, previous: string): Promise<string[]> {
  const created = new Map<string, number>();
  for await (const page of paginateListEndpointConfigs({ client }, { NameContains: prefix })) {
    for (const { EndpointConfigName, CreationTime } of page.EndpointConfigs ?? []) {
      if (EndpointConfigName === undefined || CreationTime === undefined) continue;
      const isOurs =
        EndpointConfigName.startsWith(prefix) && UNIQUE_ENDING.test(EndpointConfigName.slice(prefix.length));
      if (isOurs) created.set(EndpointConfigName, CreationTime.getTime());
    }
  }
  const limit = created.get(previous);
  return limit === undefined ? [] : [...created].filter(([, time]) => time < limit).map(([name]) => name);
}

async function deleteModel(client: SageMakerClient, ModelName: string | undefined): Promise<void> {
  if (ModelName === undefined) return;
  try {
    await client.send(new DeleteModelCommand({ ModelName }));
  } catch (error) {
    if (!(error instanceof SageMakerServiceException) || !NOT_FOUND.test(error.message)) throw error;
  }
}
