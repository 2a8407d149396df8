/** Services that the AWS emulators lack, or do not have well enough, and the stub that answers each. The list's only home. */
const STUB_OF_SERVICE = {
  sagemaker: "sageMaker",
  "sagemaker-runtime": "sageMaker",
  "application-autoscaling": "sageMaker",
  bedrock: "bedrock",
  "bedrock-runtime": "bedrock",
  "service-quotas": "bedrock",
} as const;

/** botocore's name of a service that an emulator forwards to a stub. */
export type ForwardedService = keyof typeof STUB_OF_SERVICE;

export const FORWARDED_SERVICES = Object.keys(STUB_OF_SERVICE) as readonly ForwardedService[];

/** Service -> URL that answers it. A service that is not named does not exist. */
export type ServiceEndpoints = Readonly<Partial<Record<ForwardedService, string>>>;

/** Where each service is answered. @param stubs URLs as the emulator reaches them. */
export function serviceEndpoints(stubs: { readonly sageMaker: string; readonly bedrock: string }): ServiceEndpoints {
  return Object.fromEntries(FORWARDED_SERVICES.map((service) => [service, stubs[STUB_OF_SERVICE[service]]]));
}

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

/** What an emulator is told, wherever it runs. */
export interface AwsEmulatorSettings {
  /** URLs that the emulator can reach. @default - none of the services exists */
  readonly serviceEndpoints?: ServiceEndpoints;
  /** Factor on the waits of state machines (Wait states, delays before retries), not on their timeouts. @default 1 */
  readonly waitScale?: number;
  /** @default "us-east-1" */
  readonly region?: string;
  /** PEM file of an authority that the functions trust besides the usual ones. @default - none */
  readonly certificateAuthority?: string;
  /** Where functions reach the emulator. @default - the emulator itself */
  readonly functionGateway?: string;
}

/**
 * The settings as the variables that our extensions of both emulators read (`aws/shared/emulator_settings.py`).
 *
 * @param node the Node executable that runs the functions.
 */
export function emulatorEnvironment(settings: AwsEmulatorSettings, node: string): Record<string, string> {
  const {
    serviceEndpoints = {},
    waitScale = 1,
    region = "us-east-1",
    certificateAuthority,
    functionGateway,
  } = settings;
  return {
    AWS_DEFAULT_REGION: region,
    PIPELINE_SERVICE_ENDPOINTS: JSON.stringify(serviceEndpoints),
    PIPELINE_WAIT_SCALE: String(waitScale),
    PIPELINE_NODE: node,
    ...(certificateAuthority === undefined ? {} : { PIPELINE_CERTIFICATE_AUTHORITY: certificateAuthority }),
    ...(functionGateway === undefined ? {} : { PIPELINE_FUNCTION_GATEWAY: functionGateway }),
  };
}
