import path from "node:path";
import { CloudWatchLogStream } from "../cloudwatch-log-stream.ts";
import type { ObjectStore } from "../object-store.ts";

/** What the parts of the SageMaker stub share. */
export interface StubContext {
  readonly region: string;
  readonly accountId: string;
  readonly store: ObjectStore;
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

/** A stream of the emulator's CloudWatch Logs, or nothing when its endpoint is not given. */
export function logStream(context: StubContext, group: string, stream: string): CloudWatchLogStream | undefined {
  if (context.logsEndpoint === undefined) return undefined;
  return new CloudWatchLogStream(context.logsEndpoint, context.region, group, stream, context.onProgress);
}

/** The log file of a job or an endpoint variant. */
export function logFilePath(context: StubContext, kind: "training-jobs" | "endpoints", name: string): string {
  return path.join(context.workDirectory, kind, `${name}.log`);
}
