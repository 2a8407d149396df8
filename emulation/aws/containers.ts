import path from "node:path";
import { fileURLToPath } from "node:url";
import { GenericContainer, Wait } from "testcontainers";
import { startContainer } from "../containers.ts";
import { EMULATOR_CREDENTIALS, type ForwardedService, type StartedAwsEmulator } from "./aws-emulator.ts";

/** The emulators that run in containers. */
export type AwsEmulatorName = "localstack" | "ministack";

const GATEWAY_PORT = 4566;
const EXTENSIONS = fileURLToPath(new URL(".", import.meta.url));
/** Where the extensions are mounted. */
const MOUNTED = "/opt/emulation/aws";
const CERTIFICATE_AUTHORITY = "/opt/emulation/certificate-authority.pem";

/** What is told to the container, whichever emulator it runs. */
interface AwsContainerSettings {
  readonly serviceEndpoints: ReadonlyMap<ForwardedService, string>;
  readonly waitScale: number;
  readonly region: string;
  /** In the container. */
  readonly certificateAuthority: string | undefined;
  readonly functionGateway: string | undefined;
}

/** How one emulator is started with our extensions. */
interface AwsProgram {
  readonly title: string;
  readonly healthPath: string;
  command(settings: AwsContainerSettings): readonly string[] | undefined;
  environment(settings: AwsContainerSettings): Record<string, string>;
}

const PROGRAMS: Readonly<Record<AwsEmulatorName, AwsProgram>> = {
  localstack: {
    title: "LocalStack",
    healthPath: "/_localstack/health",
    // The image's own.
    command: () => undefined,
    environment: ({ serviceEndpoints, waitScale, region, certificateAuthority, functionGateway }) => ({
      PYTHONPATH: `${MOUNTED}/localstack:${MOUNTED}/shared`,
      PYTHONDONTWRITEBYTECODE: "1",
      AWS_DEFAULT_REGION: region,
      LAMBDA_RUNTIME_EXECUTOR: "process",
      PIPELINE_WAIT_SCALE: String(waitScale),
      ...(certificateAuthority === undefined ? {} : { PIPELINE_CERTIFICATE_AUTHORITY: certificateAuthority }),
      ...(functionGateway === undefined ? {} : { PIPELINE_FUNCTION_GATEWAY: functionGateway }),
      ...Object.fromEntries(
        [...serviceEndpoints].map(([service, url]) => [
          `PIPELINE_ENDPOINT_${service.toUpperCase().replaceAll("-", "_")}`,
          url,
        ]),
      ),
      // Nothing of a test run concerns anybody else.
      DISABLE_EVENTS: "1",
      SKIP_SSL_CERT_DOWNLOAD: "1",
      // Its name server would listen on a port of the container that nobody asks.
      DNS_ADDRESS: "0",
    }),
  },
  ministack: {
    title: "MiniStack",
    healthPath: "/_ministack/health",
    command: ({ serviceEndpoints, waitScale, region, certificateAuthority, functionGateway }) => [
      ...["python3", `${MOUNTED}/ministack/launcher.py`, "--bind", "0.0.0.0", "--port", String(GATEWAY_PORT)],
      ...["--region", region, "--wait-scale", String(waitScale)],
      ...(certificateAuthority === undefined ? [] : ["--certificate-authority", certificateAuthority]),
      ...(functionGateway === undefined ? [] : ["--function-gateway", functionGateway]),
      ...[...serviceEndpoints].flatMap(([service, url]) => ["--service-endpoint", `${service}=${url}`]),
    ],
    environment: () => ({ PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1", LOG_LEVEL: "INFO" }),
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
export class AwsContainer {
  readonly #program: AwsProgram;
  readonly #image: string;
  #port: number | undefined;
  #address = "127.0.0.1";
  #waitScale = 1;
  #region = "us-east-1";
  #network: string | undefined;
  #workDirectory: string | undefined;
  #certificateAuthority: string | undefined;
  #functionGateway: string | undefined;
  readonly #serviceEndpoints = new Map<ForwardedService, string>();

  constructor(emulator: AwsEmulatorName, image: string) {
    this.#program = PROGRAMS[emulator];
    this.#image = image;
  }

  /** Port of this machine. @default - a free port */
  withPort(port: number): this {
    this.#port = port;
    return this;
  }

  /** Address of this machine at which it is to be reached. @default "127.0.0.1" */
  withAddress(address: string): this {
    this.#address = address;
    return this;
  }

  /** Where calls to a service go; must be reachable from the container. @default - the service is not there */
  withServiceEndpoint(service: ForwardedService, url: string): this {
    this.#serviceEndpoints.set(service, url);
    return this;
  }

  /** Factor on the waits of state machines (Wait states, delays before retries), not on their timeouts. @default 1 */
  withWaitScale(scale: number): this {
    this.#waitScale = scale;
    return this;
  }

  /** @default "us-east-1" */
  withRegion(region: string): this {
    this.#region = region;
    return this;
  }

  /** Name of the network to join. @default - the engine's bridge */
  withNetwork(network: string): this {
    this.#network = network;
    return this;
  }

  /** PEM file of an authority that the functions trust besides the usual ones. @default - none */
  withCertificateAuthority(file: string): this {
    this.#certificateAuthority = file;
    return this;
  }

  /** Where functions reach the emulator; must be reachable from the container. @default - the emulator itself */
  withFunctionGateway(url: string): this {
    this.#functionGateway = url;
    return this;
  }

  /** An existing folder for the log. Required. */
  withWorkDirectory(directory: string): this {
    this.#workDirectory = directory;
    return this;
  }

  /** @throws ContainerFailedError with the end of the log when it does not start. */
  async start(): Promise<StartedAwsEmulator> {
    if (this.#workDirectory === undefined) throw new TypeError("withWorkDirectory() must be called before start().");
    const settings: AwsContainerSettings = {
      serviceEndpoints: this.#serviceEndpoints,
      waitScale: this.#waitScale,
      region: this.#region,
      certificateAuthority: this.#certificateAuthority === undefined ? undefined : CERTIFICATE_AUTHORITY,
      functionGateway: this.#functionGateway,
    };
    const container = new GenericContainer(this.#image)
      .withExposedPorts(this.#port === undefined ? GATEWAY_PORT : { container: GATEWAY_PORT, host: this.#port })
      .withBindMounts([{ source: EXTENSIONS, target: MOUNTED, mode: "ro" }])
      .withEnvironment(this.#program.environment(settings))
      .withWaitStrategy(
        Wait.forHttp(this.#program.healthPath, GATEWAY_PORT, { abortOnContainerExit: true }).forStatusCode(200),
      );
    const command = this.#program.command(settings);
    if (command !== undefined) container.withCommand([...command]);
    if (this.#certificateAuthority !== undefined) {
      container.withCopyFilesToContainer([
        { source: this.#certificateAuthority, target: CERTIFICATE_AUTHORITY, mode: 0o644 },
      ]);
    }
    if (this.#network !== undefined) container.withNetworkMode(this.#network);
    const logFile = path.join(this.#workDirectory, `${this.#program.title.toLowerCase()}.log`);
    const started = await startContainer({ name: this.#program.title, container, logFile });
    return {
      endpoint: `http://${this.#address}:${started.mappedPort(GATEWAY_PORT)}`,
      logFile,
      credentials: EMULATOR_CREDENTIALS,
      stop: started.stop,
    };
  }
}
