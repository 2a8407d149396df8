import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from "testcontainers";
import { z } from "zod";
import { canListen } from "../processes/listening.ts";

/** Containers cannot be used here; the message says why, in words that follow "because". */
export class ContainersUnavailableError extends Error {
  override readonly name = "ContainersUnavailableError";
}

const NetworkDetails = z.object({
  IPAM: z.object({ Config: z.array(z.object({ Gateway: z.string().optional(), Subnet: z.string().optional() })) }),
});

/** @throws ContainersUnavailableError when no Docker engine answers. */
export async function dockerEngine(): Promise<ContainerRuntimeClient> {
  try {
    return await getContainerRuntimeClient();
  } catch (cause) {
    throw new ContainersUnavailableError("no Docker engine answers", { cause });
  }
}

/**
 * The address of this machine in a network of the engine: containers and programs of this machine reach a server there
 * under one and the same URL.
 *
 * @param network name or id.
 * @throws ContainersUnavailableError when the engine runs on another machine, a virtual one included (Docker Desktop).
 */
export async function gatewayOf(client: ContainerRuntimeClient, network: string): Promise<string> {
  const [configuration] = NetworkDetails.parse(await client.network.getById(network).inspect()).IPAM.Config;
  // The default bridge names its gateway only once a container was in it; it is the first address then as well.
  const gateway = configuration?.Gateway ?? configuration?.Subnet?.replace(/\.\d+\/\d+$/, ".1");
  // A bridge without containers is in no list of interfaces.
  if (gateway === undefined || !(await canListen(0, gateway))) {
    throw new ContainersUnavailableError(
      "the engine's network does not end on this machine (as with Docker Desktop), so that containers cannot reach the stubs",
    );
  }
  return gateway;
}

/** Whether an image is there. */
export async function imageExists(client: ContainerRuntimeClient, reference: string): Promise<boolean> {
  return client.image.exists(ImageName.fromString(reference));
}

/** Whether an image is there, or could be pulled now. */
export async function obtainImage(client: ContainerRuntimeClient, reference: string): Promise<boolean> {
  if (await imageExists(client, reference)) return true;
  try {
    await client.image.pull(ImageName.fromString(reference), { force: false, platform: undefined });
  } catch {
    return false;
  }
  return imageExists(client, reference);
}
