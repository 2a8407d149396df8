import path from "node:path";
import { CloudWatchLogStream } from "../cloudwatch-log-stream.ts";
import type { ObjectStores } from "../object-store.ts";

/** What the parts of the SageMaker stub share. */
export interface StubContext {
  readonly region: string;
  readonly accountId: string;
  readonly stores: ObjectStores;
  readonly python: string;
  readonly jobEnvironment: Readonly<Record<string, string>>;
  readonly workDirectory: string;
  readonly logsEndpoint: string | undefined;
  readonly onProgress: (line: string) => void;
}

/** `arn:aws:sagemaker:<region>:<account>:<kind>/<name>`; names are lower case in ARNs, as SageMaker writes them. */
export function sageMakerArn({ region, accountId }: StubContext, kind: string, name: string): string {
  return `arn:aws:sagemaker:${region}:${accountId}:${kind}/${name.toLowerCase()}`;
}

/** A stream of the emulator's CloudWatch Logs that `role` (an ARN) writes, or nothing when its endpoint is not given. */
export function logStream(
  { logsEndpoint, region, onProgress }: StubContext,
  role: string,
  group: string,
  stream: string,
): CloudWatchLogStream | undefined {
  if (logsEndpoint === undefined) return undefined;
  return new CloudWatchLogStream({ endpoint: logsEndpoint, region, role }, group, stream, onProgress);
}

/** The log file of a job or an endpoint variant. */
export function logFilePath(context: StubContext, kind: "training-jobs" | "endpoints", name: string): string {
  return path.join(context.workDirectory, kind, `${name}.log`);
}
