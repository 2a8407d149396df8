import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ForwardedService } from "../../../emulation/aws/aws-emulator.ts";
import { AwsContainer } from "../../../emulation/aws/containers.ts";
import { dockerEngine, gatewayOf } from "../../../emulation/images/availability.ts";
import { type StartedRelay, startHostRelay } from "../../../emulation/runtimes/host-relay.ts";
import { containerImages } from "../container-images.ts";
import { connectToEmulatedAws, type EmulatedAws } from "./emulated-aws.ts";
import { LOCALSTACK_PROCESS, MINISTACK_PROCESS, type ProcessForm } from "./emulator-processes.ts";

/** An AWS emulator that tests can be run against. */
export interface Emulator {
  readonly name: string;
  readonly available: boolean;
  readonly unavailableBecause: string | undefined;
  /** @param services servers on this machine that stand for services. */
  start(services: Partial<Record<ForwardedService, string>>): Promise<EmulatedAws>;
}

const WAIT_SCALE = 0.05;

function asProcess({ name, unavailableBecause, create }: ProcessForm): Emulator {
  return {
    name,
    available: unavailableBecause === undefined,
    unavailableBecause,
    async start(services) {
      const emulator = (await create()).withWaitScale(WAIT_SCALE);
      for (const [service, url] of Object.entries(services)) {
        emulator.withServiceEndpoint(service as ForwardedService, url);
      }
      return connectToEmulatedAws(await emulator.start());
    },
  };
}

async function containerised(name: "localstack" | "ministack"): Promise<Emulator> {
  const { images, reason } = await containerImages(name);
  return {
    name: name === "localstack" ? "LocalStack in a container" : "MiniStack in a container",
    available: images !== undefined,
    unavailableBecause: reason,
    async start(services) {
      const directory = await mkdtemp(path.join(tmpdir(), `${name}-`));
      const address = await gatewayOf(await dockerEngine(), "bridge");
      const container = new AwsContainer(name, images?.aws ?? "")
        .withAddress(address)
        .withWaitScale(WAIT_SCALE)
        .withWorkDirectory(directory);
      const relays = new Map<string, StartedRelay>();
      for (const [service, url] of Object.entries(services)) {
        const relay = relays.get(url) ?? (await startHostRelay(url, address));
        relays.set(url, relay);
        container.withServiceEndpoint(service as ForwardedService, relay.url);
      }
      const aws = connectToEmulatedAws(await container.start());
      return {
        ...aws,
        async stop() {
          await aws.stop();
          for (const relay of relays.values()) await relay.stop();
          await rm(directory, { recursive: true, force: true });
        },
      };
    },
  };
}

/** All that can be tested here, and what cannot with the reason. */
export const emulators: readonly Emulator[] = [
  asProcess(MINISTACK_PROCESS),
  asProcess(LOCALSTACK_PROCESS),
  await containerised("ministack"),
  await containerised("localstack"),
];
