/** The emulators that a run can be made on. */
export type AwsEmulatorName = "localstack" | "ministack";

/** A service that an emulator does not have, or not well enough; answered by a server of the harness. */
export type ForwardedService =
  | "sagemaker"
  | "sagemaker-runtime"
  | "application-autoscaling"
  | "bedrock"
  | "bedrock-runtime"
  | "service-quotas";

/** A running AWS emulator. */
export interface StartedAwsEmulator {
  /** Base URL of its AWS API, e.g. `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  readonly logFile: string;
  /** With these it can be called; account 000000000000. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
  /** Ends it with the functions it runs. Its state is gone then. */
  stop(): Promise<void>;
}

/** Of both emulators. The access key stands for account 000000000000. */
export const EMULATOR_CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test", sessionToken: "test" };

/** What every emulator is told, wherever it runs. */
export interface AwsEmulatorSettings {
  readonly serviceEndpoints: ReadonlyMap<ForwardedService, string>;
  readonly waitScale: number;
  readonly region: string;
  /** As the emulator sees it. */
  readonly certificateAuthority: string | undefined;
  readonly functionGateway: string | undefined;
}

/** How an emulator is set up, wherever it runs; `start()` starts it. */
export abstract class AwsEmulator {
  protected port: number | undefined;
  protected workDirectory: string | undefined;
  readonly #serviceEndpoints = new Map<ForwardedService, string>();
  #waitScale = 1;
  #region = "us-east-1";
  #certificateAuthority: string | undefined;
  #functionGateway: string | undefined;

  /** Port of this machine. @default - a free port */
  withPort(port: number): this {
    this.port = port;
    return this;
  }

  /** Where calls to a service go; must be reachable from the emulator. @default - the service is not there */
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

  /** PEM file of an authority that the functions trust besides the usual ones. @default - none */
  withCertificateAuthority(file: string): this {
    this.#certificateAuthority = file;
    return this;
  }

  /** Where functions reach the emulator; must be reachable from it. @default - the emulator itself */
  withFunctionGateway(url: string): this {
    this.#functionGateway = url;
    return this;
  }

  /** An existing folder for the log; a container needs one. @default - a temporary folder, removed by `stop()` */
  withWorkDirectory(directory: string): this {
    this.workDirectory = directory;
    return this;
  }

  /** What was set, for a program on this machine. */
  protected get settings(): AwsEmulatorSettings {
    return {
      serviceEndpoints: this.#serviceEndpoints,
      waitScale: this.#waitScale,
      region: this.#region,
      certificateAuthority: this.#certificateAuthority,
      functionGateway: this.#functionGateway,
    };
  }

  abstract start(): Promise<StartedAwsEmulator>;
}
