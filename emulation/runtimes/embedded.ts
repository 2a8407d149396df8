import getPort from "get-port";
import { EMULATOR_CREDENTIALS } from "../aws/aws-emulator.ts";
import { MiniStack } from "../aws/ministack.ts";
import type { AwsConnection } from "../aws-connection.ts";
import { startRecordingProxy } from "../iam/recording-proxy.ts";
import { OpenSearchNode, prepareOpenSearch } from "../opensearch/node.ts";
import { pythonEnvironment } from "../python/environment.ts";
import { prepareDomain } from "./domain.ts";
import type { Runtime, RuntimeOptions, StartedRuntime } from "./runtime.ts";
import { prepareTrainingEnvironment, REGION, startServiceStubs, WAIT_SCALE } from "./service-stubs.ts";
import { foldersBelow } from "./work-folders.ts";

/** Everything as processes on this machine: no Docker, no account. */
export class EmbeddedRuntime implements Runtime {
  readonly name = "embedded";

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
    const [emulators, training] = await Promise.all([
      pythonEnvironment("emulators"),
      prepareTrainingEnvironment(),
      prepareOpenSearch(),
    ]);

    onProgress("starting OpenSearch");
    const domain = await prepareDomain(workDirectory, ["127.0.0.1"], recorder.observe);
    const openSearch = await node.withSecurity(domain.security).start();
    teardown.add(() => openSearch.stop());
    const frontDoor = await domain.open(openSearch.url);
    teardown.add(() => frontDoor.stop());

    onProgress("starting emulated AWS");
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
    const miniStack = await new MiniStack()
      .withPython(emulators.python)
      .withPort(gatewayPort)
      .withWaitScale(WAIT_SCALE)
      .withCertificateAuthority(domain.authorityFile)
      .withWorkDirectory(await directory("ministack"))
      .withFunctionGateway(proxy.url)
      .withServiceEndpoint("sagemaker", sageMaker.url)
      .withServiceEndpoint("sagemaker-runtime", sageMaker.url)
      .withServiceEndpoint("application-autoscaling", sageMaker.url)
      .withServiceEndpoint("bedrock", bedrock.url)
      .withServiceEndpoint("bedrock-runtime", bedrock.url)
      .withServiceEndpoint("service-quotas", bedrock.url)
      .start();
    teardown.add(() => miniStack.stop());

    const aws: AwsConnection = {
      region: REGION,
      gateway: miniStack.endpoint,
      sageMaker: sageMaker.url,
      bedrock: bedrock.url,
      credentials: EMULATOR_CREDENTIALS,
    };
    return {
      description: "MiniStack 1.5.33, SageMaker and Bedrock stubs, OpenSearch 2.19.1, all as processes",
      aws,
      openSearchEndpoint: frontDoor.url,
      certificateAuthorityFile: domain.authorityFile,
      python: training.python,
      pythonEnvironment: training.hub.environment,
    };
  }
}
