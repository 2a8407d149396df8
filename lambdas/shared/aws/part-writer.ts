import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { below, type S3Location } from "./s3-uri.ts";

/** Bytes of one multipart request: the fewest that S3 takes. */
const UPLOAD_PART_BYTES = 5 * 1024 * 1024;
/** Requests of one object that are under way together; each holds its bytes in memory. */
const PARALLEL_UPLOADS = 3;
/** Bytes that wait for a request before `append` does. */
const WAITING_BYTES = 1024 * 1024;

/** Writes lines to one object in S3. Memory stays bounded whatever is written. */
export class LineObject {
  readonly location: S3Location;
  readonly #body = new PassThrough({ highWaterMark: WAITING_BYTES });
  readonly #uploaded: Promise<unknown>;
  #bytes = 0;
  #lines = 0;

  constructor(s3: S3Client, location: S3Location) {
    this.location = location;
    const params = {
      Bucket: location.bucket,
      Key: location.key,
      Body: this.#body,
      ContentType: "application/x-ndjson",
    };
    const upload = new Upload({ client: s3, params, partSize: UPLOAD_PART_BYTES, queueSize: PARALLEL_UPLOADS });
    this.#uploaded = upload.done();
    // Whoever appends to or ends the object gets the error; until then nobody may be waiting.
    this.#uploaded.catch(() => {});
    this.#body.on("error", () => {});
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Appends lines (without their newline). Resolves when there is room for more. */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    this.#bytes += bytes.length;
    this.#lines += lines.length;
    if (this.#body.write(bytes)) return;
    // An upload that fails reads no further: what waited for that alone would wait for ever.
    await Promise.race([once(this.#body, "drain").catch(() => this.#uploaded), this.#uploaded]);
  }

  /** Ends the object. Resolves when S3 has it. */
  async end(): Promise<void> {
    this.#body.end();
    await this.#uploaded;
  }

  /** Gives the object up, unless it was ended: S3 never shows it. */
  async abort(): Promise<void> {
    if (!this.#body.writableEnded) this.#body.destroy(new Error("the object was given up"));
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

/** Writes lines to numbered objects in S3. Appends may overlap: their lines come one append after the other. */
export class PartWriter {
  readonly #s3: S3Client;
  readonly #options: Required<PartWriterOptions>;
  readonly #parts: { location: S3Location; lines: number }[] = [];
  #open: LineObject | undefined;
  #closing: Promise<void> = Promise.resolve();
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
    const { prefix, name, maxPartLines, maxPartBytes } = this.#options;
    for (let start = 0; start < lines.length; ) {
      this.#open ??= new LineObject(this.#s3, below(prefix, partName(name, this.nextPart)));
      const part = this.#open;
      let end = start;
      for (let bytes = part.bytes; end < lines.length && bytes < maxPartBytes; end += 1) {
        if (part.lines + end - start === maxPartLines) break;
        bytes += Buffer.byteLength(lines[end] ?? "") + 1;
      }
      await part.append(lines.slice(start, end));
      start = end;
      if (part.lines >= maxPartLines || part.bytes >= maxPartBytes) await this.#end(part);
    }
  }

  async #end(part: LineObject): Promise<void> {
    this.#open = undefined;
    this.#parts.push({ location: part.location, lines: part.lines });
    const uploaded = part.end();
    uploaded.catch(() => {});
    // The end of one upload overlaps with the filling of the next, no more than that.
    await this.#closing;
    this.#closing = uploaded;
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
