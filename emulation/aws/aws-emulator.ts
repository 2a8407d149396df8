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
