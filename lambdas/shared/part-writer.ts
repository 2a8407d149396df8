import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { below, type S3Location } from "./s3-uri.ts";

/** Bytes of one multipart request. Two are held: the one under way and the one being filled. */
const UPLOAD_PART_BYTES = 8 * 1024 * 1024;
/** Lines are collected up to this many characters before they are encoded. */
const ENCODE_CHARACTERS = 512 * 1024;

/** Writes lines to one object in S3 by a streaming multipart upload: memory stays bounded whatever is written. */
export class LineObject {
  readonly location: S3Location;
  readonly #body = new PassThrough({ highWaterMark: 2 * 1024 * 1024 });
  readonly #upload: Upload;
  readonly #uploaded: Promise<unknown>;
  #pending: string[] = [];
  #pendingCharacters = 0;
  #bytes = 0;
  #lines = 0;

  constructor(s3: S3Client, location: S3Location) {
    this.location = location;
    this.#upload = new Upload({
      client: s3,
      params: { Bucket: location.bucket, Key: location.key, Body: this.#body, ContentType: "application/x-ndjson" },
      partSize: UPLOAD_PART_BYTES,
      queueSize: 2,
    });
    this.#uploaded = this.#upload.done();
    // Whoever writes or ends the object gets the error; until then nobody may be waiting.
    this.#uploaded.catch((error: Error) => this.#body.destroy(error));
    this.#body.on("error", () => {});
  }

  /** Bytes that were encoded so far; up to half a million characters more are waiting. */
  get bytes(): number {
    return this.#bytes;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Takes a line (without its newline). True asks for a {@link flush} before the next one. */
  add(line: string): boolean {
    this.#lines += 1;
    this.#pending.push(line, "\n");
    this.#pendingCharacters += line.length + 1;
    return this.#pendingCharacters >= ENCODE_CHARACTERS;
  }

  /** Hands the collected lines to the upload; resolves when there is room for more. */
  async flush(): Promise<void> {
    const bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#pendingCharacters = 0;
    await this.#write(bytes);
  }

  /** Hands lines that are encoded, each with its newline, to the upload after those that were collected. */
  async write(bytes: Buffer, lines: number): Promise<void> {
    await this.flush();
    this.#lines += lines;
    await this.#write(bytes);
  }

  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.#bytes += bytes.length;
    if (this.#body.destroyed) await this.#uploaded;
    if (this.#body.write(bytes)) return;
    try {
      await Promise.race([once(this.#body, "drain"), this.#uploaded]);
    } catch (error) {
      // The stream only says that nobody reads it any more; the upload says why.
      await this.#uploaded;
      throw error;
    }
  }

  /** Ends the object. The returned promise inside resolves when S3 has it. */
  async end(): Promise<{ uploaded: Promise<unknown> }> {
    await this.flush();
    this.#body.end();
    return { uploaded: this.#uploaded };
  }

  /** Gives the object up; S3 never shows it. */
  async abort(): Promise<void> {
    await this.#upload.abort();
    this.#body.destroy();
    await this.#uploaded.catch(() => {});
  }
}

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

/** `part-00012.jsonl` */
export function partName(name: string, number: number): string {
  return `${name}-${String(number).padStart(5, "0")}.jsonl`;
}

/**
 * Writes lines to numbered objects in S3. Calls may overlap; the lines of one `append` stay together but for the end of
 * a part.
 */
export class PartWriter {
  readonly #s3: S3Client;
  readonly #options: Required<PartWriterOptions>;
  readonly #parts: { location: S3Location; lines: number }[] = [];
  #open: LineObject | undefined;
  #closing: Promise<unknown> = Promise.resolve();
  #queue: Promise<void> = Promise.resolve();

  constructor(s3: S3Client, options: PartWriterOptions) {
    this.#s3 = s3;
    this.#options = { firstPart: 0, maxPartBytes: 64 * 1024 * 1024, maxPartLines: 50_000, ...options };
  }

  /** The parts that were ended, in their order. */
  get parts(): readonly { readonly location: S3Location; readonly lines: number }[] {
    return this.#parts;
  }

  /** After {@link finish}, the number that follows the last part's. */
  get nextPart(): number {
    return this.#options.firstPart + this.#parts.length;
  }

  /** Appends lines (without their newline). Resolves when there is room for more. */
  append(lines: readonly string[]): Promise<void> {
    const appended = this.#queue.then(() => this.#append(lines));
    this.#queue = appended.catch(() => {});
    return appended;
  }

  async #append(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const part = this.#part();
      if (part.add(line)) await part.flush();
      if (part.lines >= this.#options.maxPartLines || part.bytes >= this.#options.maxPartBytes) await this.#end(part);
    }
  }

  /** Appends lines that are encoded, each with its newline; they stay in one part. The bytes must not change any more. */
  appendEncoded(bytes: Buffer, lines: number): Promise<void> {
    const appended = this.#queue.then(async () => {
      if (lines === 0) return;
      const part = this.#part();
      await part.write(bytes, lines);
      await this.#endIfFull(part);
    });
    this.#queue = appended.catch(() => {});
    return appended;
  }

  #part(): LineObject {
    const location = () => below(this.#options.prefix, partName(this.#options.name, this.nextPart));
    this.#open ??= new LineObject(this.#s3, location());
    return this.#open;
  }

  async #endIfFull(part: LineObject): Promise<void> {
    if (part.lines >= this.#options.maxPartLines || part.bytes >= this.#options.maxPartBytes) await this.#end(part);
  }

  async #end(part: LineObject): Promise<void> {
    const { uploaded } = await part.end();
    this.#open = undefined;
    this.#parts.push({ location: part.location, lines: part.lines });
    // The end of one upload overlaps with the filling of the next, no more than that.
    await this.#closing;
    this.#closing = uploaded;
    this.#closing.catch(() => {});
  }

  /** Completes every upload. Nothing may be appended afterwards. */
  async finish(): Promise<void> {
    await this.#queue;
    if (this.#open !== undefined) await this.#end(this.#open);
    await this.#closing;
  }

  /** Gives up the part that is being written; parts that were ended stay. */
  async abort(): Promise<void> {
    await this.#queue;
    await this.#open?.abort();
    this.#open = undefined;
    await this.#closing.catch(() => {});
  }
}
