import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { ContainerRuntimeClient } from "testcontainers";

const OWNER_LABEL = "org.opensearch-finetuning.owner";
const NETWORK_PREFIX = "opensearch-finetuning";
const NETWORK_NAME = /^opensearch-finetuning_(\d+)_(.+)_[0-9a-f-]{36}$/;

/** A process of a machine: it has to remove what it started. */
interface Owner {
  readonly pid: number;
  readonly host: string;
}

const SELF: Owner = { pid: process.pid, host: hostname() };

/** Labels of every container of this process. */
export const OWNER_LABELS: Readonly<Record<string, string>> = { [OWNER_LABEL]: `${SELF.pid}@${SELF.host}` };

/** A new name for a network of this process. */
export function networkName(): string {
  return `${NETWORK_PREFIX}_${SELF.pid}_${SELF.host}_${randomUUID()}`;
}

function isSelf({ pid, host }: Owner): boolean {
  return pid === SELF.pid && host === SELF.host;
}

function isGone({ pid, host }: Owner): boolean {
  if (host !== SELF.host) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

async function removeOf(client: ContainerRuntimeClient, included: (owner: Owner) => boolean): Promise<number> {
  const { dockerode } = client.container;
  let removed = 0;
  const remove = async (step: Promise<unknown>) => {
    await step.then(
      () => {
        removed += 1;
      },
      (error: { statusCode?: number }) => {
        // Removed by somebody else meanwhile.
        if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
      },
    );
  };
  const containers = await dockerode.listContainers({ all: true, filters: { label: [OWNER_LABEL] } });
  for (const { Id, Labels } of containers) {
    const [pid, host = ""] = (Labels[OWNER_LABEL] ?? "").split("@");
    if (included({ pid: Number(pid), host })) await remove(dockerode.getContainer(Id).remove({ force: true, v: true }));
  }
  for (const { Id, Name } of await dockerode.listNetworks({ filters: { name: [NETWORK_PREFIX] } })) {
    const [, pid, host = ""] = NETWORK_NAME.exec(Name) ?? [];
    if (pid !== undefined && included({ pid: Number(pid), host })) await remove(dockerode.getNetwork(Id).remove());
  }
  return removed;
}

/** Removes all containers and networks of this process, also such as are just being started. */
export async function removeOwn(client: ContainerRuntimeClient): Promise<void> {
  await removeOf(client, isSelf);
}

/**
 * Removes containers and networks of processes that were killed before they could do so.
 *
 * @returns how many.
 */
export async function removeLeftBehind(client: ContainerRuntimeClient): Promise<number> {
  return removeOf(client, isGone);
}
