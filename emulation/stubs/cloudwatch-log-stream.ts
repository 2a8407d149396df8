import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
} from "@aws-sdk/client-cloudwatch-logs";

import { roleCredentials } from "./role-credentials.ts";

/** PutLogEvents takes 10,000 events and 1 MiB a call, each event counted with 26 bytes more. */
const MAX_EVENTS = 10_000;
const MAX_BYTES = 1_000_000;
const EVENT_OVERHEAD_BYTES = 26;

/**
 * A log stream in the emulator's CloudWatch Logs. Best effort, as the log files are what counts: the first failure
 * ends the forwarding and is reported once.
 */
export class CloudWatchLogStream {
  readonly #client: CloudWatchLogsClient;
  readonly #group: string;
  readonly #stream: string;
  #sending: Promise<void>;
  #failed = false;
  readonly #report: (message: string) => void;

  constructor(
    { endpoint, region, role }: { readonly endpoint: string; readonly region: string; readonly role: string },
    group: string,
    stream: string,
    report: (message: string) => void,
  ) {
    this.#client = new CloudWatchLogsClient({
      endpoint,
      region,
      credentials: roleCredentials(role),
      maxAttempts: 2,
    });
    this.#group = group;
    this.#stream = stream;
    this.#report = report;
    this.#sending = this.#guarded(() => this.#create());
  }

  /** Queues lines; returns at once. */
  append(lines: readonly string[], seen: Date): void {
    let batch: { message: string; timestamp: number }[] = [];
    let bytes = 0;
    for (const line of lines) {
      const message = line === "" ? " " : line.slice(0, MAX_BYTES / 4);
      const size = Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
      if (batch.length === MAX_EVENTS || bytes + size > MAX_BYTES) {
        this.#queue(batch);
        batch = [];
        bytes = 0;
      }
      batch.push({ message, timestamp: seen.getTime() });
      bytes += size;
    }
    if (batch.length > 0) this.#queue(batch);
  }

  /** Waits for what is queued. */
  async finish(): Promise<void> {
    await this.#sending;
    this.#client.destroy();
  }

  #queue(logEvents: { message: string; timestamp: number }[]): void {
    this.#sending = this.#sending.then(() =>
      this.#guarded(async () => {
        await this.#client.send(
          new PutLogEventsCommand({ logGroupName: this.#group, logStreamName: this.#stream, logEvents }),
        );
      }),
    );
  }

  async #create(): Promise<void> {
    await this.#client.send(new CreateLogGroupCommand({ logGroupName: this.#group })).catch((error: unknown) => {
      if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    });
    await this.#client.send(new CreateLogStreamCommand({ logGroupName: this.#group, logStreamName: this.#stream }));
  }

  async #guarded(send: () => Promise<void>): Promise<void> {
    if (this.#failed) return;
    try {
      await send();
    } catch (error) {
      this.#failed = true;
      this.#report(`CloudWatch Logs does not take ${this.#group}/${this.#stream}: ${String(error)}`);
    }
  }
}
