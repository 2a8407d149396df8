import { mkdir } from "node:fs/promises";
import path from "node:path";
import getPort from "get-port";
import { MiniStack } from "../aws/ministack.ts";
import type { AwsConnection } from "../aws-connection.ts";
import { BEDROCK_FAILURE_MESSAGE, FAILING_BEDROCK_JOB } from "../failing-executions.ts";
import { prepareHubCache } from "../fixtures/hub-cache.ts";
import { startFrontDoor } from "../opensearch/front-door.ts";
import { OpenSearchNode, prepareOpenSearch } from "../opensearch/node.ts";
import { pythonEnvironment } from "../python/environment.ts";
import { startBedrockStub } from "../stubs/bedrock/server.ts";
import { startSageMakerStub } from "../stubs/sagemaker/server.ts";
import type { Runtime, RuntimeOptions, StartedRuntime } from "./runtime.ts";

const REGION = "us-east-1";
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test", sessionToken: "test" };
/** The state machine waits a minute between two looks at a Bedrock job; here the jobs take seconds. */
const WAIT_SCALE = 0.03;

/** Threads that wait for one another by spinning bring each other to a stand on a machine whose cores are shared. */
const SHARED_CORES = { OMP_WAIT_POLICY: "PASSIVE" };

/** Everything as processes on this machine: no Docker, no account. */
export class EmbeddedRuntime implements Runtime {
  readonly name = "embedded";

  async start({
    workDirectory,
    onProgress,
    bedrockErrorShare = 0.02,
    spotInterruptions = 0,
  }: RuntimeOptions): Promise<StartedRuntime> {
    const stops: (() => Promise<void>)[] = [];
    const stop = async () => {
      for (const stopOne of stops.splice(0).reverse()) await stopOne();
    };
    const directory = async (name: string) => {
      const made = path.join(workDirectory, name);
      await mkdir(made, { recursive: true });
      return made;
    };
    try {
      onProgress("preparing Python, models and OpenSearch (from the cache when they are there)");
      const node = new OpenSearchNode().withHeapMb(512).withWorkDirectory(await directory("opensearch"));
      const [emulators, { training, hub }] = await Promise.all([
        pythonEnvironment("emulators"),
        pythonEnvironment("training").then(async (made) => ({
          training: made,
          hub: await prepareHubCache(made.python),
        })),
        prepareOpenSearch(),
      ]);

      onProgress("starting OpenSearch");
      const openSearch = await node.start();
      stops.push(() => openSearch.stop());
      const frontDoor = await startFrontDoor({
        target: openSearch.url,
        region: REGION,
        credentials: CREDENTIALS,
        connectorCredentials: CREDENTIALS,
      });
      stops.push(() => frontDoor.stop());

      onProgress("starting emulated AWS");
      const gatewayPort = await getPort();
      const gateway = `http://127.0.0.1:${gatewayPort}`;
      const sageMaker = await startSageMakerStub({
        s3Endpoint: gateway,
        python: training.python,
        workDirectory: await directory("sagemaker"),
        jobEnvironment: { ...hub.environment, ...SHARED_CORES },
        spotInterruptions,
      });
      stops.push(() => sageMaker.stop());
      const bedrock = await startBedrockStub({
        s3Endpoint: gateway,
        workDirectory: await directory("bedrock"),
        errorShare: bedrockErrorShare,
        outcomeOf: ({ jobName }) =>
          jobName.includes(FAILING_BEDROCK_JOB) ? { status: "Failed", message: BEDROCK_FAILURE_MESSAGE } : undefined,
      });
      stops.push(() => bedrock.stop());
      const miniStack = await new MiniStack()
        .withPython(emulators.python)
        .withPort(gatewayPort)
        .withWaitScale(WAIT_SCALE)
        .withWorkDirectory(await directory("ministack"))
        .withServiceEndpoint("sagemaker", sageMaker.url)
        .withServiceEndpoint("sagemaker-runtime", sageMaker.url)
        .withServiceEndpoint("bedrock", bedrock.url)
        .withServiceEndpoint("bedrock-runtime", bedrock.url)
        .withServiceEndpoint("service-quotas", bedrock.url)
        .start();
      stops.push(() => miniStack.stop());

      const aws: AwsConnection = {
        region: REGION,
        gateway: miniStack.endpoint,
        sageMaker: sageMaker.url,
        bedrock: bedrock.url,
        credentials: CREDENTIALS,
      };
      return {
        description: "MiniStack 1.5.33, SageMaker and Bedrock stubs, OpenSearch 2.19.1, all as processes",
        aws,
        openSearchEndpoint: frontDoor.url,
        python: training.python,
        pythonEnvironment: hub.environment,
        stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  }
}
