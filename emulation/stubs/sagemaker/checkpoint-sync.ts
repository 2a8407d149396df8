import { stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { filesBelow, joinS3Uri, type ObjectStore } from "../object-store.ts";

/** Keeps `CheckpointConfig.S3Uri` and the job's checkpoint folder alike, as SageMaker does while a job runs. */
export class CheckpointSync {
  readonly #store: ObjectStore;
  readonly #directory: string;
  readonly #uri: string;
  readonly #uploaded = new Map<string, string>();
  #restored: ReadonlyMap<string, string> = new Map();
  readonly #ended = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(store: ObjectStore, directory: string, uri: string) {
    this.#store = store;
    this.#directory = directory;
    this.#uri = uri;
  }

  /** Brings the checkpoints of an earlier job, if there are any, before the script starts. */
  async restore(): Promise<void> {
    await this.#store.downloadPrefix(joinS3Uri(this.#uri, ""), this.#directory);
    for (const file of await filesBelow(this.#directory)) this.#uploaded.set(file, await this.#version(file));
    this.#restored = new Map(this.#uploaded);
  }

  /** Whether the script has written or changed a file since the job began. */
  async hasNews(): Promise<boolean> {
    for (const file of await filesBelow(this.#directory)) {
      if (this.#restored.get(file) !== (await this.#version(file))) return true;
    }
    return false;
  }

  /** Uploads new and changed files every `intervalMs` until `finish`. */
  start(intervalMs: number): void {
    this.#running = this.#loop(intervalMs);
  }

  /** Uploads nothing more. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  /** Uploads what is left. */
  async finish(): Promise<void> {
    await this.stop();
    await this.#upload();
  }

  async #loop(intervalMs: number): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await sleep(intervalMs, undefined, { ref: false, signal: this.#ended.signal }).catch(() => undefined);
      // A file may be moved or deleted while it is read; the next round sees what became of it.
      await this.#upload().catch(() => undefined);
    }
  }

  async #upload(): Promise<void> {
    for (const file of await filesBelow(this.#directory)) {
      const version = await this.#version(file);
      if (this.#uploaded.get(file) === version) continue;
      await this.#store.uploadFile(path.join(this.#directory, file), joinS3Uri(this.#uri, ...file.split(path.sep)));
      this.#uploaded.set(file, version);
    }
  }

  async #version(file: string): Promise<string> {
    const { size, mtimeMs } = await stat(path.join(this.#directory, file));
    return `${size}:${mtimeMs}`;
  }
}
