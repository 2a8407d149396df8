import { setTimeout as sleep } from "node:timers/promises";
import getPort from "get-port";
import { type ContainerRuntimeClient, Network } from "testcontainers";
import { type AwsEmulatorName, EMULATOR_CREDENTIALS } from "../aws/aws-emulator.ts";
import { AwsContainer } from "../aws/containers.ts";
import { dockerEngine, gatewayOf, imageOf, obtainImage } from "../images/availability.ts";
import { OpenSearchContainer } from "../opensearch/container.ts";
import { startRecordingProxy } from "../recording/recording-proxy.ts";
import { prepareDomain } from "./domain.ts";
import { startHostRelay } from "./host-relay.ts";
import { networkName, removeLeftBehind, removeOwn } from "./ownership.ts";
import type { Runtime, RuntimeOptions, StartedRuntime } from "./runtime.ts";
import { prepareTrainingEnvironment, REGION, startServiceStubs, WAIT_SCALE } from "./service-stubs.ts";
import { foldersBelow } from "./work-folders.ts";

/** Removes containers when this process is gone, however it ended; the version that testcontainers 11.14.0 asks for. */
const REAPER_IMAGE = "testcontainers/ryuk:0.14.0";

/** The images of one run. */
export interface RuntimeImages {
  readonly aws: string;
  readonly openSearch: string;
}

/**
 * The images that containers would run.
 *
 * @throws ContainersUnavailableError when no engine answers, its network cannot be used or an image cannot be had.
 */
export async function findImages(aws: AwsEmulatorName): Promise<RuntimeImages> {
  const client = await dockerEngine();
  await gatewayOf(client, "bridge");
  return { aws: await imageOf(client, aws), openSearch: await imageOf(client, "opensearch") };
}

/** The AWS emulator and OpenSearch in containers; stubs, training jobs and model servers as processes on this machine. */
export class ContainersRuntime implements Runtime {
  readonly name = "containers";
  readonly aws: AwsEmulatorName;

  constructor(aws: AwsEmulatorName) {
    this.aws = aws;
  }

  async start({
    workDirectory,
    onProgress,
    teardown,
    recorder,
    passages,
    spotInterruptions = 0,
  }: RuntimeOptions): Promise<StartedRuntime> {
    const directory = foldersBelow(workDirectory);
    const client = await dockerEngine();
    const images = await findImages(this.aws);
    await prepareReaper(client, onProgress);
    onProgress("preparing Python and models (from the cache when they are there)");
    const training = await prepareTrainingEnvironment();

    const startedAt = Date.now();
    onProgress(`starting containers of ${images.aws} and ${images.openSearch}`);
    const starts = new Starts(client);
    teardown.add(() => starts.stop());
    const network = await starts.add(new Network({ nextUuid: networkName }).start());
    const address = await gatewayOf(client, network.getId());
    const reachable = async (url: string) => {
      const relay = await startHostRelay(url, address);
      teardown.add(() => relay.stop());
      return relay.url;
    };

    const gatewayPort = await getPort();
    const proxy = await startRecordingProxy(`http://${address}:${gatewayPort}`, recorder.observe);
    teardown.add(() => proxy.stop());
    const { sageMaker, bedrock } = await startServiceStubs({
      gateway: proxy.url,
      observe: recorder.observe,
      training,
      passages,
      directory,
      spotInterruptions,
      onStarted: (stop) => teardown.add(stop),
    });
    const sageMakerUrl = await reachable(sageMaker.url);
    const bedrockUrl = await reachable(bedrock.url);

    const domain = await prepareDomain(workDirectory, ["127.0.0.1", address], recorder.observe);
    const openSearchContainer = new OpenSearchContainer(images.openSearch)
      .withNetwork(network.getName())
      .withHeapMb(512)
      .withSecurity(domain.security)
      .withWorkDirectory(await directory("opensearch"));
    const awsContainer = new AwsContainer(this.aws, images.aws)
      .withNetwork(network.getName())
      .withAddress(address)
      .withPort(gatewayPort)
      .withRegion(REGION)
      .withWaitScale(WAIT_SCALE)
      .withCertificateAuthority(domain.authorityFile)
      .withWorkDirectory(await directory(this.aws))
      .withFunctionGateway(await reachable(proxy.url))
      .withServiceEndpoint("sagemaker", sageMakerUrl)
      .withServiceEndpoint("sagemaker-runtime", sageMakerUrl)
      .withServiceEndpoint("application-autoscaling", sageMakerUrl)
      .withServiceEndpoint("bedrock", bedrockUrl)
      .withServiceEndpoint("bedrock-runtime", bedrockUrl)
      .withServiceEndpoint("service-quotas", bedrockUrl);
    const [openSearch, aws] = await Promise.all([
      starts.add(openSearchContainer.start()),
      starts.add(awsContainer.start()),
    ]);
    const frontDoor = await domain.open(openSearch.url);
    teardown.add(() => frontDoor.stop());
    const openSearchEndpoint = await reachable(frontDoor.url);
    onProgress(`healthy after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);

    return {
      description: `${images.aws} and ${images.openSearch} in containers, SageMaker and Bedrock stubs as processes`,
      aws: {
        region: REGION,
        gateway: aws.endpoint,
        sageMaker: sageMakerUrl,
        bedrock: bedrockUrl,
        credentials: EMULATOR_CREDENTIALS,
      },
      openSearchEndpoint,
      certificateAuthorityFile: domain.authorityFile,
      trainingJobLog: sageMaker.trainingJobLog,
      python: training.python,
      pythonEnvironment: training.hub.environment,
    };
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
