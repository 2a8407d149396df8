import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { HttpRequest } from "@smithy/core/protocols";
import type { BuildHandler } from "@smithy/types";
import { messageOf } from "./errors.ts";
import { logger } from "./logger.ts";
import { below, formatS3Uri, type S3Location } from "./s3-uri.ts";

/** Bytes of one multipart request. */
const UPLOAD_PART_BYTES = 5 * 1024 * 1024;
/** One is filled while the others are under way: three on their way are as fast as validation is, over S3's round trips (docs/scaling.md). */
const PART_BUFFERS = 4;
const MAX_BYTES_A_CHARACTER = 3;
const NEWLINE = 0x0a;
const CONTENT_TYPE = "application/x-ndjson";

/**
 * Leaves the body out of the signature, as the AWS CLI does: TLS guards it on its way and S3 checks its CRC-32, so that another
 * hash of every byte would be for nothing.
 */
function unsignedBody<Input extends object, Output extends object>(
  next: BuildHandler<Input, Output>,
): BuildHandler<Input, Output> {
  return (args) => {
    if (HttpRequest.isInstance(args.request)) args.request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
    return next(args);
  };
}

/**
 * The memory that uploads are made from: a few buffers that are used again and again. (The SDK's Upload makes a new one for each
 * part, which the garbage collector comes for each time: half of the processor time of writing.)
 */
class PartBuffers {
  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];
  #made = 0;

  /** Resolves when there is a free one. */
  async take(): Promise<Buffer> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made === PART_BUFFERS) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#made += 1;
    return Buffer.allocUnsafeSlow(UPLOAD_PART_BYTES);
  }

  giveBack(buffer: Buffer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }
}

/** Writes lines to one object in S3 by a multipart upload: memory stays bounded whatever is written. */
export class LineObject {
  readonly location: S3Location;
  readonly #s3: S3Client;
  readonly #buffers: PartBuffers;
  readonly #target: { readonly Bucket: string; readonly Key: string };
  readonly #cancelled = new AbortController();
  readonly #parts: Promise<CompletedPart>[] = [];
  #uploadId: Promise<string | undefined> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #buffer: Buffer | undefined;
  #filled = 0;
  #pending = "";
  #bytes = 0;
  #lines = 0;

  /** @param buffers those of the writer that the object belongs to. @default - its own */
  constructor(s3: S3Client, location: S3Location, buffers = new PartBuffers()) {
    this.location = location;
    this.#s3 = s3;
    this.#buffers = buffers;
    this.#target = { Bucket: location.bucket, Key: location.key };
  }

  /** Bytes of all lines but those that wait for a {@link flush}. */
  get bytes(): number {
    return this.#bytes;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Takes a line (without its newline). True asks for a {@link flush} before the next one. */
  add(line: string): boolean {
    this.#lines += 1;
    const buffer = this.#buffer;
    const most = (line.length + 1) * MAX_BYTES_A_CHARACTER;
    if (this.#pending !== "" || buffer === undefined || most > buffer.length - this.#filled) {
      this.#pending += `${line}\n`;
      return true;
    }
    const written = buffer.write(line, this.#filled) + 1;
    this.#filled += written;
    this.#bytes += written;
    buffer[this.#filled - 1] = NEWLINE;
    return false;
  }

  /** Hands the lines that wait to the upload; resolves when there is room for more. */
  async flush(): Promise<void> {
    if (this.#pending === "") return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = "";
    await this.#write(bytes);
  }

  /** Hands lines that are encoded, each with its newline, to the upload after those that were collected; copies them. */
  async write(bytes: Buffer, lines: number): Promise<void> {
    await this.flush();
    this.#lines += lines;
    await this.#write(bytes);
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      const copied = bytes.copy(await this.#room(), this.#filled, offset);
      offset += copied;
      this.#filled += copied;
      this.#bytes += copied;
    }
  }

  /** The buffer that is being filled, which has room. */
  async #room(): Promise<Buffer> {
    if (this.#buffer !== undefined && this.#filled === this.#buffer.length) this.#sendPart(this.#buffer);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#buffer ??= await this.#buffers.take();
    return this.#buffer;
  }

  #sendPart(buffer: Buffer): void {
    const Body = buffer.subarray(0, this.#filled);
    const PartNumber = this.#parts.length + 1;
    this.#buffer = undefined;
    this.#filled = 0;
    const part = this.#uploadPart(PartNumber, Body).finally(() => this.#buffers.giveBack(buffer));
    // Whoever writes or ends the object gets the error; until then nobody may be waiting.
    part.catch((error) => {
      this.#failure ??= { error };
    });
    this.#parts.push(part);
  }

  async #uploadPart(PartNumber: number, Body: Buffer): Promise<CompletedPart> {
    this.#uploadId ??= this.#createUpload();
    const command = new UploadPartCommand({ ...this.#target, UploadId: await this.#uploadId, PartNumber, Body });
    command.middlewareStack.add(unsignedBody, { step: "build" });
    const { ETag, ChecksumCRC32 } = await this.#s3.send(command, { abortSignal: this.#cancelled.signal });
    return { PartNumber, ETag, ChecksumCRC32 };
  }

  async #createUpload(): Promise<string | undefined> {
    const { UploadId } = await this.#s3.send(
      new CreateMultipartUploadCommand({ ...this.#target, ContentType: CONTENT_TYPE, ChecksumAlgorithm: "CRC32" }),
    );
    return UploadId;
  }

  /** Ends the object. The returned promise inside resolves when S3 has it. */
  async end(): Promise<{ uploaded: Promise<void> }> {
    await this.flush();
    const uploaded = this.#complete();
    uploaded.catch(() => {});
    return { uploaded };
  }

  async #complete(): Promise<void> {
    const last = this.#buffer ?? (await this.#buffers.take());
    if (this.#parts.length === 0) {
      const Body = last.subarray(0, this.#filled);
      const command = new PutObjectCommand({ ...this.#target, ContentType: CONTENT_TYPE, Body });
      command.middlewareStack.add(unsignedBody, { step: "build" });
      await this.#s3.send(command).finally(() => this.#buffers.giveBack(last));
      return;
    }
    if (this.#filled > 0) this.#sendPart(last);
    else this.#buffers.giveBack(last);
    try {
      const Parts = await Promise.all(this.#parts);
      const UploadId = await this.#uploadId;
      await this.#s3.send(
        new CompleteMultipartUploadCommand({ ...this.#target, UploadId, MultipartUpload: { Parts } }),
      );
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  /** Gives the object up; S3 never shows it. */
  async abort(): Promise<void> {
    this.#cancelled.abort();
    await Promise.allSettled(this.#parts);
    const UploadId = await this.#uploadId?.catch(() => undefined);
    if (UploadId === undefined) return;
    try {
      await this.#s3.send(new AbortMultipartUploadCommand({ ...this.#target, UploadId }));
    } catch (error) {
      // The bucket's lifecycle rule ends it too.
      logger.warn("an upload could not be given up", { uri: formatS3Uri(this.location), reason: messageOf(error) });
    }
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
  readonly #buffers = new PartBuffers();
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

  /** Appends lines that are encoded, each with its newline; they stay in one part. Resolves when they were copied and there is room for more. */
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
    this.#open ??= new LineObject(this.#s3, location(), this.#buffers);
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
