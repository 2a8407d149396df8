import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import type { ContainerRuntimeClient } from "testcontainers";
import { describe, expect, it } from "vitest";
import { networkName, OWNER_LABELS, removeLeftBehind, removeOwn } from "../../../emulation/containers/ownership.ts";

/** The engine's lists, and what is removed from them. */
function engine(owners: readonly string[], networks: readonly string[]) {
  const removed: string[] = [];
  const item = (id: string) => ({ remove: async () => void removed.push(id) });
  const dockerode = {
    listContainers: async () =>
      owners.map((owner) => ({ Id: owner, Labels: { [Object.keys(OWNER_LABELS)[0] ?? ""]: owner } })),
    listNetworks: async () => networks.map((name) => ({ Id: name, Name: name })),
    getContainer: item,
    getNetwork: item,
  };
  return { client: { container: { dockerode } } as unknown as ContainerRuntimeClient, removed };
}

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid ?? 0;
}

describe("containers and networks", () => {
  it("of a process that is gone are removed; those of a living one or of another machine stay", async () => {
    const gone = await deadProcess();
    const left = `${gone}@${hostname()}`;
    const { client, removed } = engine(
      [left, `${process.ppid}@${hostname()}`, `${gone}@elsewhere`],
      [networkName(), networkName().replace(`_${process.pid}_`, `_${gone}_`), "opensearch-finetuning_of_somebody"],
    );
    expect(await removeLeftBehind(client)).toBe(2);
    expect(removed).toEqual([left, expect.stringContaining(`_${gone}_`)]);
  });

  it("of this process are removed at its end, nobody else's", async () => {
    const own = Object.values(OWNER_LABELS)[0] ?? "";
    const { client, removed } = engine([own, `${process.ppid}@${hostname()}`], [networkName()]);
    await removeOwn(client);
    expect(removed).toEqual([own, expect.stringContaining(`_${process.pid}_`)]);
  });
});
