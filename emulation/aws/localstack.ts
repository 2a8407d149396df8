import path from "node:path";
import { fileURLToPath } from "node:url";
import { LocalstackContainer } from "@testcontainers/localstack";
import { Wait } from "testcontainers";
import { type StartedContainer, startContainer } from "../containers/started-container.ts";
import {
  type AwsEmulatorSettings,
  EMULATOR_CREDENTIALS,
  emulatorEnvironment,
  FORWARDED_SERVICES,
  type StartedAwsEmulator,
} from "./aws-emulator.ts";

/** Later versions do not start without an account's token. */
export const LOCALSTACK_VERSION = "4.14.0";

const GATEWAY_PORT = 4566;
const EXTENSIONS = fileURLToPath(new URL("./", import.meta.url));
/** Where the extensions are mounted. */
const MOUNTED = "/opt/emulation/aws";
/** The folder of our plugin's entry points. */
const PLUGIN = "/opt/emulation/plugin";
const CERTIFICATE_AUTHORITY = "/opt/emulation/certificate-authority.pem";

/** The files by which LocalStack finds our plugin: those of an installed Python distribution. */
function distribution(): { content: string; target: string }[] {
  const providers = FORWARDED_SERVICES.map(
    (service) => `${service}:default = pipeline_emulation.forwarding:${service.replaceAll("-", "_")}`,
  );
  const entryPoints = [
    "[localstack.aws.provider]",
    ...providers,
    "[localstack.lambda.runtime_executor]",
    "process = pipeline_emulation.functions:ProcessExecutorPlugin",
    "[localstack.hooks.on_infra_start]",
    "pipeline_emulation = pipeline_emulation.hooks:install",
    "",
  ].join("\n");
  const files = {
    METADATA: "Metadata-Version: 2.1\nName: pipeline_emulation\nVersion: 1\n",
    "entry_points.txt": entryPoints,
  };
  return Object.entries(files).map(([name, content]) => ({
    content,
    target: `${PLUGIN}/pipeline_emulation-1.dist-info/${name}`,
  }));
}

/**
 * LocalStack 4.14.0 in a container, with what the pipeline needs in addition: the calls of state machines and functions to
 * SageMaker and Bedrock reach other servers, and Node functions run in processes of the container. Our extensions are
 * mounted into the image, not part of it.
 *
 * @example
 * const started = await new PipelineLocalStack(image, { serviceEndpoints: { sagemaker: stub.url } }).start();
 */
export class PipelineLocalStack extends LocalstackContainer {
  constructor(image: string, settings: AwsEmulatorSettings) {
    super(image);
    const { certificateAuthority } = settings;
    const inside =
      certificateAuthority === undefined ? settings : { ...settings, certificateAuthority: CERTIFICATE_AUTHORITY };
    this.withBindMounts([{ source: EXTENSIONS, target: MOUNTED, mode: "ro" }])
      .withCopyContentToContainer(distribution())
      .withCopyFilesToContainer(
        certificateAuthority === undefined
          ? []
          : [{ source: certificateAuthority, target: CERTIFICATE_AUTHORITY, mode: 0o644 }],
      )
      .withEnvironment({
        ...emulatorEnvironment(inside, "node"),
        PYTHONPATH: [`${MOUNTED}/localstack`, `${MOUNTED}/shared`, PLUGIN].join(":"),
        PYTHONDONTWRITEBYTECODE: "1",
        LAMBDA_RUNTIME_EXECUTOR: "process",
        // Nothing of a local run concerns anybody else.
        DISABLE_EVENTS: "1",
        SKIP_SSL_CERT_DOWNLOAD: "1",
        // Its name server would listen on a port that nobody asks.
        DNS_ADDRESS: "0",
      })
      .withWaitStrategy(
        Wait.forHttp("/_localstack/health", GATEWAY_PORT, { abortOnContainerExit: true }).forStatusCode(200),
      );
  }
}

/** Where a container of LocalStack runs. */
export interface LocalStackPlace {
  readonly image: string;
  /** Address of this machine at which the container is reached. */
  readonly address: string;
  /** An existing folder for the log. */
  readonly workDirectory: string;
  /** Name of the network to join. @default - the engine's bridge */
  readonly network?: string;
}

/**
 * Starts LocalStack in a container and waits until it answers.
 *
 * @throws ContainerFailedError with the end of the log when it does not start.
 */
export async function startLocalStack(
  { image, address, workDirectory, network }: LocalStackPlace,
  settings: AwsEmulatorSettings,
): Promise<StartedAwsEmulator> {
  const container = new PipelineLocalStack(image, settings);
  if (network !== undefined) container.withNetworkMode(network);
  const logFile = path.join(workDirectory, "localstack.log");
  const started: StartedContainer = await startContainer({ name: "LocalStack", container, logFile });
  return {
    endpoint: `http://${address}:${started.mappedPort(GATEWAY_PORT)}`,
    logFile,
    credentials: EMULATOR_CREDENTIALS,
    stop: started.stop,
  };
}
