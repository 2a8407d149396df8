import type { ContainerRuntimeClient } from "testcontainers";
import { ContainersUnavailableError, dockerEngine, gatewayOf, imageExists, obtainImage } from "../containers/engine.ts";
import { type ContainerProgram, LOCALSTACK_IMAGES, OPENSEARCH_IMAGES } from "./references.ts";

/** The images of one run. */
export interface RuntimeImages {
  readonly localStack: string;
  readonly openSearch: string;
}

/**
 * The images that containers would run.
 *
 * @throws ContainersUnavailableError when no engine answers, its network cannot be used or an image cannot be had.
 */
export async function findImages(): Promise<RuntimeImages> {
  const client = await dockerEngine();
  await gatewayOf(client, "bridge");
  return { localStack: await imageOf(client, LOCALSTACK_IMAGES), openSearch: await imageOf(client, OPENSEARCH_IMAGES) };
}

/**
 * The image of a program: the one that its variable names, else the project's own, else the one that `npm run emulation:images`
 * made; one that is there goes before one that has to be pulled.
 *
 * @throws ContainersUnavailableError when there is none.
 */
async function imageOf(
  client: ContainerRuntimeClient,
  { published, own, variable }: ContainerProgram,
): Promise<string> {
  const named = process.env[variable];
  if (named !== undefined) {
    if (await obtainImage(client, named)) return named;
    throw new ContainersUnavailableError(`${named} of ${variable} is not there and cannot be pulled`);
  }
  for (const candidate of [published, own]) if (await imageExists(client, candidate)) return candidate;
  if (await obtainImage(client, published)) return published;
  throw new ContainersUnavailableError(
    `${published} cannot be pulled and there is no ${own} ("npm run emulation:images" makes it)`,
  );
}
