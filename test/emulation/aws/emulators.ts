import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ServiceEndpoints } from "../../../emulation/aws/aws-emulator.ts";
import { startLocalStack } from "../../../emulation/aws/localstack.ts";
import { dockerEngine, gatewayOf } from "../../../emulation/containers/engine.ts";
import { type StartedRelay, startHostRelay } from "../../../emulation/containers/host-relay.ts";
import { containerImages } from "../container-images.ts";
import { connectToEmulatedAws, type EmulatedAws, startEmulatedAws } from "./emulated-aws.ts";

/** An AWS emulator that tests can be run against. */
export interface Emulator {
  readonly name: string;
  readonly available: boolean;
  readonly unavailableBecause: string | undefined;
  /** @param services servers on this machine that stand for services. */
  start(services: ServiceEndpoints): Promise<EmulatedAws>;
}

const WAIT_SCALE = 0.05;

const MINISTACK: Emulator = {
  name: "MiniStack as a process",
  available: true,
  unavailableBecause: undefined,
  start: (serviceEndpoints) => startEmulatedAws({ serviceEndpoints, waitScale: WAIT_SCALE }),
};

async function localStack(): Promise<Emulator> {
  const { images, reason } = await containerImages();
  return {
    name: "LocalStack in a container",
    available: images !== undefined,
    unavailableBecause: reason,
    async start(services) {
      const workDirectory = await mkdtemp(path.join(tmpdir(), "localstack-"));
      const address = await gatewayOf(await dockerEngine(), "bridge");
      const relays = new Map<string, StartedRelay>();
      for (const url of new Set(Object.values(services))) relays.set(url, await startHostRelay(url, address));
      const serviceEndpoints = Object.fromEntries(
        Object.entries(services).map(([service, url]) => [service, relays.get(url)?.url]),
      ) as ServiceEndpoints;
      const place = { image: images?.localStack ?? "", address, workDirectory };
      const aws = connectToEmulatedAws(await startLocalStack(place, { serviceEndpoints, waitScale: WAIT_SCALE }));
      return {
        ...aws,
        async stop() {
          await aws.stop();
          for (const relay of relays.values()) await relay.stop();
          await rm(workDirectory, { recursive: true, force: true });
        },
      };
    },
  };
}

/** All that can be tested here, and what cannot with the reason. */
export const emulators: readonly Emulator[] = [MINISTACK, await localStack()];
