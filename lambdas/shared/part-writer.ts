import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { below, type S3Location } from "./s3-uri.ts";

export interface PartWriterOptions {
  /** The folder. */
  readonly prefix: S3Location;
  /** `part` makes part-00000.jsonl, part-00001.jsonl, ... */
  readonly name: string;
  /** The number of the first part. @default 0 */
  readonly firstPart?: number;
  /** A part is closed once it has this many bytes. @default 64 MiB */
  readonly maxPartBytes?: number;
  /** A part is closed once it has this many lines. @default 50,000 */
  readonly maxPartLines?: number;
}

/** Bytes of one multipart request. Two are held: the one under way and the one being filled. */
const UPLOAD_PART_BYTES = 8 * 1024 * 1024;
/** Lines are collected up to this many characters before they are encoded. */
const ENCODE_CHARACTERS = 512 * 1024;

/** An object that is being written. */
class OpenPart {
  readonly body = new PassThrough({ highWaterMark: 2 * 1024 * 1024 });
  readonly uploaded: Promise<unknown>;
  readonly upload: Upload;
  bytes = 0;
  lines = 0;

  constructor(s3: S3Client, location: S3Location) {
    this.upload = new Upload({
      client: s3,
      params: { Bucket: location.bucket, Key: location.key, Body: this.body, ContentType: "application/x-ndjson" },
      partSize: UPLOAD_PART_BYTES,
      queueSize: 2,
    });
    this.uploaded = this.upload.done();
    // A writer that waits for room in the stream learns of a failed upload by the stream's error.
    this.uploaded.catch((error: Error) => this.body.destroy(error));
    this.body.on("error", () => {});
  }

  async write(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length;
    if (this.body.destroyed) await this.uploaded;
    if (!this.body.write(bytes)) await once(this.body, "drain");
  }
}

/** `part-00012.jsonl` */
export function partName(name: string, number: number): string {
  return `${name}-${String(number).padStart(5, "0")}.jsonl`;
}

/**
 * Writes lines to numbered objects in S3, each by a streaming multipart upload: memory stays bounded whatever is written.
 * Calls may overlap; each `append` lands in one piece.
 */
export class PartWriter {
  readonly #s3: S3Client;
  readonly #options: Required<PartWriterOptions>;
  #nextPart: number;
  #part: OpenPart | undefined;
  #closing: Promise<unknown> = Promise.resolve();
  #pending: string[] = [];
  #pendingCharacters = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(s3: S3Client, options: PartWriterOptions) {
    this.#s3 = s3;
    this.#options = { firstPart: 0, maxPartBytes: 64 * 1024 * 1024, maxPartLines: 50_000, ...options };
    this.#nextPart = this.#options.firstPart;
  }

  /** The number the next part will have; after {@link finish}, one more than the last part's. */
  get nextPart(): number {
    return this.#nextPart;
  }

  /** Appends lines (without their newline). Resolves when there is room for more. */
  append(lines: readonly string[]): Promise<void> {
    const appended = this.#queue.then(() => this.#append(lines));
    this.#queue = appended.catch(() => {});
    return appended;
  }

  async #append(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      this.#part ??= this.#openPart();
      this.#part.lines += 1;
      this.#pending.push(line, "\n");
      this.#pendingCharacters += line.length + 1;
      const full = this.#part.lines >= this.#options.maxPartLines;
      if (full || this.#pendingCharacters >= ENCODE_CHARACTERS) await this.#encode(this.#part);
      if (full || this.#part.bytes >= this.#options.maxPartBytes) await this.#closePart(this.#part);
    }
  }

  #openPart(): OpenPart {
    const location = below(this.#options.prefix, partName(this.#options.name, this.#nextPart));
    this.#nextPart += 1;
    return new OpenPart(this.#s3, location);
  }

  async #encode(part: OpenPart): Promise<void> {
    const text = this.#pending.join("");
    this.#pending = [];
    this.#pendingCharacters = 0;
    if (text !== "") await part.write(Buffer.from(text));
  }

  async #closePart(part: OpenPart): Promise<void> {
    part.body.end();
    this.#part = undefined;
    // The end of one upload overlaps with the filling of the next, no more than that.
    await this.#closing;
    this.#closing = part.uploaded;
    this.#closing.catch(() => {});
  }

  /** Completes every upload. Nothing may be appended afterwards. */
  async finish(): Promise<void> {
    await this.#queue;
    const part = this.#part;
    if (part !== undefined) {
      await this.#encode(part);
      await this.#closePart(part);
    }
    await this.#closing;
  }

  /** Gives up the part that is being written; parts that were completed stay. */
  async abort(): Promise<void> {
    await this.#queue;
    const part = this.#part;
    this.#part = undefined;
    await this.#closing.catch(() => {});
    if (part === undefined) return;
    await part.upload.abort();
    part.body.destroy();
    await part.uploaded.catch(() => {});
  }
}
