import { mkdir } from "node:fs/promises";
import path from "node:path";
import {
  type AwsEmulatorSettings,
  EMULATOR_CREDENTIALS,
  type StartedAwsEmulator,
  serviceEndpoints,
} from "../aws/aws-emulator.ts";
import type { NodeSecurity } from "../opensearch/security.ts";
import { startRecordingProxy } from "../recording/recording-proxy.ts";
import { prepareDomain } from "./domain.ts";
import type { RuntimeOptions, StartedRuntime } from "./runtime.ts";
import { REGION, startServiceStubs, type TrainingEnvironment, WAIT_SCALE } from "./service-stubs.ts";

/** Where the AWS emulator and OpenSearch run, and how they are started there: all in which the runtimes differ. */
export interface Place {
  /** One line: what runs where. */
  readonly description: string;
  /** Address of this machine under which what runs there and what runs here find one another. */
  readonly address: string;
  /** Gives a server of this machine's loopback interface a URL that is good there and here. */
  reachable(url: string): Promise<string>;
  /** @param directory an existing folder for its log; what is started is ended by the teardown. */
  startOpenSearch(security: NodeSecurity, directory: string): Promise<{ readonly url: string }>;
  /** @param directory an existing folder for its log; what is started is ended by the teardown. */
  startAws(settings: AwsEmulatorSettings, directory: string): Promise<StartedAwsEmulator>;
}

/** Starts emulated AWS and OpenSearch at a place, with the stubs as processes of this machine. */
export async function startAt(
  place: Place,
  training: TrainingEnvironment,
  { workDirectory, onProgress, teardown, recorder, passages, spotInterruptions = 0 }: RuntimeOptions,
): Promise<StartedRuntime> {
  const startedAt = Date.now();
  const directory = async (name: string) => {
    const folder = path.join(workDirectory, name);
    await mkdir(folder, { recursive: true });
    return folder;
  };
  let gateway = "";
  const proxy = await startRecordingProxy(() => gateway, recorder.observe);
  teardown.add(() => proxy.stop());
  const stubs = await startServiceStubs({
    gateway: proxy.url,
    observe: recorder.observe,
    training,
    passages,
    directory,
    spotInterruptions,
    onStarted: (stop) => teardown.add(stop),
  });
  const sageMaker = await place.reachable(stubs.sageMaker.url);
  const bedrock = await place.reachable(stubs.bedrock.url);

  onProgress(`starting ${place.description}`);
  const addresses = [...new Set(["127.0.0.1", place.address])];
  const domain = await prepareDomain(workDirectory, addresses, recorder.observe);
  const [openSearch, aws] = await Promise.all([
    place.startOpenSearch(domain.security, await directory("opensearch")),
    place.startAws(
      {
        region: REGION,
        waitScale: WAIT_SCALE,
        certificateAuthority: domain.authorityFile,
        functionGateway: await place.reachable(proxy.url),
        serviceEndpoints: serviceEndpoints({ sageMaker, bedrock }),
      },
      await directory("aws"),
    ),
  ]);
  gateway = aws.endpoint;
  const frontDoor = await domain.open(openSearch.url);
  teardown.add(() => frontDoor.stop());
  const openSearchEndpoint = await place.reachable(frontDoor.url);
  onProgress(`healthy after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return {
    description: `${place.description}; SageMaker and Bedrock stubs as processes`,
    aws: { region: REGION, gateway: aws.endpoint, sageMaker, bedrock, credentials: EMULATOR_CREDENTIALS },
    openSearchEndpoint,
    certificateAuthorityFile: domain.authorityFile,
    trainingJobLog: stubs.sageMaker.trainingJobLog,
    python: training.python,
    pythonEnvironment: training.hub.environment,
  };
}
