import path from "node:path";
import { fileURLToPath } from "node:url";
import { GenericContainer, Wait } from "testcontainers";
import { startContainer } from "../runtimes/started-container.ts";
import {
  AwsEmulator,
  type AwsEmulatorName,
  type AwsEmulatorSettings,
  EMULATOR_CREDENTIALS,
  type StartedAwsEmulator,
} from "./aws-emulator.ts";
import { LOCALSTACK_HEALTH_PATH, localStackEnvironment } from "./localstack.ts";
import { MINISTACK_ENVIRONMENT, MINISTACK_HEALTH_PATH, miniStackArguments } from "./ministack.ts";

const GATEWAY_PORT = 4566;
const EXTENSIONS = fileURLToPath(new URL(".", import.meta.url));
/** Where the extensions are mounted. */
const MOUNTED = "/opt/emulation/aws";
const CERTIFICATE_AUTHORITY = "/opt/emulation/certificate-authority.pem";

/** How one emulator is started with our extensions. */
interface AwsProgram {
  readonly title: string;
  readonly healthPath: string;
  command(settings: AwsEmulatorSettings): readonly string[] | undefined;
  environment(settings: AwsEmulatorSettings): Record<string, string>;
}

const PROGRAMS: Readonly<Record<AwsEmulatorName, AwsProgram>> = {
  localstack: {
    title: "LocalStack",
    healthPath: LOCALSTACK_HEALTH_PATH,
    // The image's own.
    command: () => undefined,
    environment: (settings) => ({ ...localStackEnvironment(settings, MOUNTED), PYTHONDONTWRITEBYTECODE: "1" }),
  },
  ministack: {
    title: "MiniStack",
    healthPath: MINISTACK_HEALTH_PATH,
    command: (settings) => ["python3", ...miniStackArguments(settings, MOUNTED, GATEWAY_PORT), "--bind", "0.0.0.0"],
    environment: () => ({ ...MINISTACK_ENVIRONMENT, PYTHONUNBUFFERED: "1" }),
  },
};

/**
 * An AWS emulator in a container, with what the pipeline needs in addition: the calls of state machines and functions to
 * SageMaker and Bedrock reach other servers, and Node functions run in processes of the container. Our extensions are
 * mounted into the image, not part of it.
 *
 * @example
 * const aws = await new AwsContainer("localstack", image).withServiceEndpoint("sagemaker", stub.url).start();
 */
export class AwsContainer extends AwsEmulator {
  readonly #program: AwsProgram;
  readonly #image: string;
  #address = "127.0.0.1";
  #network: string | undefined;

  constructor(emulator: AwsEmulatorName, image: string) {
    super();
    this.#program = PROGRAMS[emulator];
    this.#image = image;
  }

  /** Address of this machine at which it is to be reached. @default "127.0.0.1" */
  withAddress(address: string): this {
    this.#address = address;
    return this;
  }

  /** Name of the network to join. @default - the engine's bridge */
  withNetwork(network: string): this {
    this.#network = network;
    return this;
  }

  /** @throws ContainerFailedError with the end of the log when it does not start. */
  async start(): Promise<StartedAwsEmulator> {
    if (this.workDirectory === undefined) throw new TypeError("withWorkDirectory() must be called before start().");
    const { certificateAuthority } = this.settings;
    const settings: AwsEmulatorSettings = {
      ...this.settings,
      certificateAuthority: certificateAuthority === undefined ? undefined : CERTIFICATE_AUTHORITY,
    };
    const container = new GenericContainer(this.#image)
      .withExposedPorts(this.port === undefined ? GATEWAY_PORT : { container: GATEWAY_PORT, host: this.port })
      .withBindMounts([{ source: EXTENSIONS, target: MOUNTED, mode: "ro" }])
      .withEnvironment(this.#program.environment(settings))
      .withWaitStrategy(
        Wait.forHttp(this.#program.healthPath, GATEWAY_PORT, { abortOnContainerExit: true }).forStatusCode(200),
      );
    const command = this.#program.command(settings);
    if (command !== undefined) container.withCommand([...command]);
    if (certificateAuthority !== undefined) {
      container.withCopyFilesToContainer([
        { source: certificateAuthority, target: CERTIFICATE_AUTHORITY, mode: 0o644 },
      ]);
    }
    if (this.#network !== undefined) container.withNetworkMode(this.#network);
    const logFile = path.join(this.workDirectory, `${this.#program.title.toLowerCase()}.log`);
    const started = await startContainer({ name: this.#program.title, container, logFile });
    return {
      endpoint: `http://${this.#address}:${started.mappedPort(GATEWAY_PORT)}`,
      logFile,
      credentials: EMULATOR_CREDENTIALS,
      stop: started.stop,
    };
  }
}
