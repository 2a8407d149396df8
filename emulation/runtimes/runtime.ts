import type { AwsConnection } from "../aws/aws-connection.ts";
import type { Teardown } from "../processes/teardown.ts";
import type { CallRecorder } from "../recording/call-recorder.ts";

/** What every runtime is told. */
export interface RuntimeOptions {
  /** Logs, sockets and data of the run; the runtime writes nowhere else but into the cache. */
  readonly workDirectory: string;
  /** Called with a line for people about what is being made or started. */
  readonly onProgress: (line: string) => void;
  /** Is told how to end everything that is started, as it is started: a start may be interrupted as well. */
  readonly teardown: Teardown;
  /** Keeps what roles ask of AWS. */
  readonly recorder: CallRecorder;
  /** The corpus of the run, which the stand-in language model knows. */
  readonly passages: readonly string[];
  /** How often each job on spot instances is interrupted. @default 0 */
  readonly spotInterruptions?: number;
}

/** Emulated AWS and a real OpenSearch, running. */
export interface StartedRuntime {
  /** One line: what runs where. */
  readonly description: string;
  readonly aws: AwsConnection;
  /** The domain's front door: SigV4 is verified here, as Amazon OpenSearch Service does. */
  readonly openSearchEndpoint: string;
  /** File with the certificate, in PEM, of who issued the domain's. */
  readonly certificateAuthorityFile: string;
  /** The file that a training job's output goes to. */
  readonly trainingJobLog: (jobName: string) => string;
  /** Python of the training environment, with the model hub's variables: for checks that load the artifact. */
  readonly python: string;
  readonly pythonEnvironment: Readonly<Record<string, string>>;
}

/** A way to run the emulators: processes, or containers. */
export interface Runtime {
  readonly name: "embedded" | "containers";
  /** What a failed start leaves behind is ended by the teardown. */
  start(options: RuntimeOptions): Promise<StartedRuntime>;
}
