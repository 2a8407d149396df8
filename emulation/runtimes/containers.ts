import { setTimeout as sleep } from "node:timers/promises";
import { type ContainerRuntimeClient, Network } from "testcontainers";
import { startLocalStack } from "../aws/localstack.ts";
import { dockerEngine, gatewayOf, obtainImage } from "../containers/engine.ts";
import { startHostRelay } from "../containers/host-relay.ts";
import { networkName, removeLeftBehind, removeOwn } from "../containers/ownership.ts";
import { findImages } from "../images/available.ts";
import { startContainerNode } from "../opensearch/container.ts";
import type { Runtime, RuntimeOptions, StartedRuntime } from "./runtime.ts";
import { prepareTrainingEnvironment } from "./service-stubs.ts";
import { type Place, startAt } from "./start.ts";

/** Removes containers when this process is gone, however it ended; the version that testcontainers 11.14.0 asks for. */
const REAPER_IMAGE = "testcontainers/ryuk:0.14.0";

/** LocalStack and OpenSearch in containers; stubs, training jobs and model servers as processes on this machine. */
export class ContainersRuntime implements Runtime {
  readonly name = "containers";

  async start(options: RuntimeOptions): Promise<StartedRuntime> {
    const { onProgress, teardown } = options;
    const client = await dockerEngine();
    const images = await findImages();
    await prepareReaper(client, onProgress);
    onProgress("preparing Python and models (from the cache when they are there)");
    const training = await prepareTrainingEnvironment(onProgress);

    const starts = new Starts(client);
    teardown.add(() => starts.stop());
    const started = await starts.add(new Network({ nextUuid: networkName }).start());
    const network = started.getName();
    const address = await gatewayOf(client, started.getId());
    const place = {
      description: `${images.localStack} and ${images.openSearch} in containers`,
      address,
      reachable: async (url) => {
        const relay = await startHostRelay(url, address);
        teardown.add(() => relay.stop());
        return relay.url;
      },
      startOpenSearch: (security, workDirectory) =>
        starts.add(startContainerNode({ image: images.openSearch, heapMb: 512, security, workDirectory, network })),
      startAws: (settings, workDirectory) =>
        starts.add(startLocalStack({ image: images.localStack, address, workDirectory, network }, settings)),
    } satisfies Place;
    return startAt(place, training, options);
  }
}

/** A start never ends when its container is removed just as files are copied into it: the engine's answer is lost. */
const STOP_LIMIT_MS = 5_000;

/** What is being started in the engine, or was: all of it is removed, whether or not its start has ended. */
class Starts {
  readonly #client: ContainerRuntimeClient;
  readonly #starting: Promise<unknown>[] = [];

  constructor(client: ContainerRuntimeClient) {
    this.#client = client;
  }

  add<T>(start: Promise<T>): Promise<T> {
    this.#starting.push(start);
    return start;
  }

  async stop(): Promise<void> {
    // Ends what a start waits for; afterwards nothing new can come.
    await removeOwn(this.#client);
    const settled = new AbortController();
    const limit = sleep(STOP_LIMIT_MS, undefined, { signal: settled.signal });
    await Promise.race([Promise.allSettled(this.#starting), limit]).finally(() => settled.abort());
    await removeOwn(this.#client);
  }
}

/** Lets Ryuk clean up where its image can be had; else this start cleans up after earlier runs that were killed. */
async function prepareReaper(client: ContainerRuntimeClient, onProgress: (line: string) => void): Promise<void> {
  if (process.env.TESTCONTAINERS_RYUK_DISABLED === undefined && !(await obtainImage(client, REAPER_IMAGE))) {
    process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
  }
  const removed = await removeLeftBehind(client);
  if (removed > 0) onProgress(`removed ${removed} containers and networks of runs that were killed`);
}
