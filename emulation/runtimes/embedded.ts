import getPort from "get-port";
import type { AwsConnection } from "../aws/aws-connection.ts";
import { type AwsEmulatorName, EMULATOR_CREDENTIALS } from "../aws/aws-emulator.ts";
import { LocalStack } from "../aws/localstack.ts";
import { MiniStack } from "../aws/ministack.ts";
import { LOCALSTACK_VERSION, MINISTACK_VERSION } from "../images/references.ts";
import { OpenSearchNode, prepareOpenSearch } from "../opensearch/node.ts";
import { OPENSEARCH_VERSION } from "../opensearch/recipe.ts";
import { pythonEnvironment } from "../python/environment.ts";
import { startRecordingProxy } from "../recording/recording-proxy.ts";
import { prepareDomain } from "./domain.ts";
import type { Runtime, RuntimeOptions, StartedRuntime } from "./runtime.ts";
import { prepareTrainingEnvironment, REGION, startServiceStubs, WAIT_SCALE } from "./service-stubs.ts";
import { foldersBelow } from "./work-folders.ts";

const EMULATORS = {
  ministack: { title: `MiniStack ${MINISTACK_VERSION}`, process: () => new MiniStack() },
  localstack: { title: `LocalStack ${LOCALSTACK_VERSION}`, process: () => new LocalStack() },
} as const;

/** Everything as processes on this machine: no Docker, no account. */
export class EmbeddedRuntime implements Runtime {
  readonly name = "embedded";
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
    onProgress("preparing Python, models and OpenSearch (from the cache when they are there)");
    const node = new OpenSearchNode().withHeapMb(512).withWorkDirectory(await directory("opensearch"));
    const [emulator, training] = await Promise.all([
      pythonEnvironment(this.aws),
      prepareTrainingEnvironment(),
      prepareOpenSearch(),
    ]);

    const startedAt = Date.now();
    onProgress("starting OpenSearch");
    const domain = await prepareDomain(workDirectory, ["127.0.0.1"], recorder.observe);
    const openSearch = await node.withSecurity(domain.security).start();
    teardown.add(() => openSearch.stop());
    const frontDoor = await domain.open(openSearch.url);
    teardown.add(() => frontDoor.stop());

    const { title, process: awsProcess } = EMULATORS[this.aws];
    onProgress(`starting ${title}`);
    const gatewayPort = await getPort();
    const proxy = await startRecordingProxy(`http://127.0.0.1:${gatewayPort}`, recorder.observe);
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
    const awsEmulator = await awsProcess()
      .withPython(emulator.python)
      .withPort(gatewayPort)
      .withRegion(REGION)
      .withWaitScale(WAIT_SCALE)
      .withCertificateAuthority(domain.authorityFile)
      .withWorkDirectory(await directory(this.aws))
      .withFunctionGateway(proxy.url)
      .withServiceEndpoint("sagemaker", sageMaker.url)
      .withServiceEndpoint("sagemaker-runtime", sageMaker.url)
      .withServiceEndpoint("application-autoscaling", sageMaker.url)
      .withServiceEndpoint("bedrock", bedrock.url)
      .withServiceEndpoint("bedrock-runtime", bedrock.url)
      .withServiceEndpoint("service-quotas", bedrock.url)
      .start();
    teardown.add(() => awsEmulator.stop());
    onProgress(`healthy after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);

    const aws: AwsConnection = {
      region: REGION,
      gateway: awsEmulator.endpoint,
      sageMaker: sageMaker.url,
      bedrock: bedrock.url,
      credentials: EMULATOR_CREDENTIALS,
    };
    return {
      description: `${title}, SageMaker and Bedrock stubs, OpenSearch ${OPENSEARCH_VERSION}, all as processes`,
      aws,
      openSearchEndpoint: frontDoor.url,
      certificateAuthorityFile: domain.authorityFile,
      trainingJobLog: sageMaker.trainingJobLog,
      python: training.python,
      pythonEnvironment: training.hub.environment,
    };
  }
}
