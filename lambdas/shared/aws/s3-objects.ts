import type { Readable } from "node:stream";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { messageOf, S3ObjectUnavailableError } from "../lambda/errors.ts";
import { formatS3Uri, type S3Location } from "./s3-uri.ts";

/** How often a broken download is taken up again where it stopped. */
const MAX_RESUMES = 5;
/** Over a connection of its own, which gives 85 to 90 MB/s: large enough that its first byte's delay does not matter. */
const RANGE_BYTES = 2 * 1024 * 1024;
const PARALLEL_RANGES = 4;
/** What is handed out at once: strings that are made of it are small enough for V8 to keep them among what is young. */
const CHUNK_BYTES = 64 * 1024;

function explained(error: unknown, location: S3Location): unknown {
  if (!(error instanceof S3ServiceException)) return error;
  const uri = formatS3Uri(location);
  const status = error.$metadata.httpStatusCode;
  if (error.name === "NoSuchKey" || error.name === "NoSuchBucket" || status === 404) {
    return new S3ObjectUnavailableError(`${uri} does not exist; check the address (${error.name}).`, { cause: error });
  }
  if (status === 403) {
    return new S3ObjectUnavailableError(
      `Access to ${uri} was denied (${messageOf(error)}). Allow this function's role s3:GetObject on the object and s3:ListBucket on its bucket, and kms:Decrypt on its key if it has one. S3 also answers so when the object does not exist and listing is not allowed.`,
      { cause: error },
    );
  }
  return error;
}

interface ObjectVersion {
  readonly etag: string | undefined;
  readonly bytes: number;
}

/** Bytes `from` to `to` (included) of an object, of `version` or, when it is the first request, of what is there. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly version: ObjectVersion | undefined;
}

/** Streams a part of an object. A download that breaks is taken up where it stopped. */
async function* readSpan(
  s3: S3Client,
  location: S3Location,
  span: Span,
  signal: AbortSignal,
  found: (version: ObjectVersion, whole: boolean) => void = () => {},
): AsyncGenerator<Buffer> {
  let { version } = span;
  let offset = span.from;
  let end = span.to + 1;
  for (let resumes = 0; ; ) {
    try {
      const answer = await s3.send(
        new GetObjectCommand({
          Bucket: location.bucket,
          Key: location.key,
          Range: `bytes=${offset}-${end - 1}`,
          ...(version === undefined ? {} : { IfMatch: version.etag }),
        }),
        { abortSignal: signal },
      );
      if (version === undefined) {
        const total = /\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1] ?? answer.ContentLength;
        version = { etag: answer.ETag, bytes: Number(total ?? Number.POSITIVE_INFINITY) };
        // A server that knows no ranges answers with the whole object.
        const whole = answer.ContentRange === undefined;
        end = whole ? version.bytes : Math.min(end, version.bytes);
        found(version, whole);
      }
      for await (const chunk of answer.Body as Readable) {
        const bytes = chunk as Buffer;
        offset += bytes.length;
        yield bytes;
      }
      if (offset >= end || end === Number.POSITIVE_INFINITY) return;
      throw new Error(`the download of ${formatS3Uri(location)} ended after ${offset} of ${end} bytes`);
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === "InvalidRange" && span.from === 0) return;
      // Before the first byte the SDK has retried what can be retried.
      if (error instanceof S3ServiceException || offset === span.from || resumes >= MAX_RESUMES || signal.aborted) {
        throw explained(error, location);
      }
      resumes += 1;
    }
  }
}

/** A range of an object that is read ahead. */
interface ReadAhead {
  readonly buffer: Buffer;
  /** Resolves to how much of `buffer` it fills. */
  readonly bytes: Promise<number>;
}

async function fill(buffer: Buffer, chunks: AsyncIterable<Buffer>): Promise<number> {
  let filled = 0;
  for await (const chunk of chunks) filled += chunk.copy(buffer, filled);
  return filled;
}

/**
 * Streams an object of any size, all of one version: a large one over several connections, whose ranges wait in memory for their
 * turn. That memory is a few buffers which are used again and again, so that what came is the caller's only until it asks for
 * more. A download that breaks is taken up where it stopped.
 *
 * @throws S3ObjectUnavailableError when the object is absent or access is denied.
 */
export async function* readObject(s3: S3Client, location: S3Location): AsyncGenerator<Buffer> {
  const reading = new AbortController();
  const ahead: ReadAhead[] = [];
  const free: Buffer[] = [];
  let version: ObjectVersion = { etag: undefined, bytes: 0 };
  let next = RANGE_BYTES;
  const readAhead = () => {
    for (; ahead.length < PARALLEL_RANGES - 1 && next < version.bytes; next += RANGE_BYTES) {
      const to = Math.min(next + RANGE_BYTES, version.bytes) - 1;
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(RANGE_BYTES);
      const bytes = fill(buffer, readSpan(s3, location, { from: next, to, version }, reading.signal));
      // Whoever comes to it gets the error; until then nobody may be waiting.
      bytes.catch(() => {});
      ahead.push({ buffer, bytes });
    }
  };
  try {
    const first = { from: 0, to: RANGE_BYTES - 1, version: undefined };
    const begun = (found: ObjectVersion, whole: boolean) => {
      version = found;
      if (whole) next = found.bytes;
      readAhead();
    };
    yield* readSpan(s3, location, first, reading.signal, begun);
    for (let range = ahead.shift(); range !== undefined; range = ahead.shift()) {
      const bytes = await range.bytes;
      readAhead();
      for (let start = 0; start < bytes; start += CHUNK_BYTES) {
        yield range.buffer.subarray(start, Math.min(start + CHUNK_BYTES, bytes));
      }
      free.push(range.buffer);
    }
  } finally {
    reading.abort();
  }
}

/** The whole of a small object as text. */
export async function readText(s3: S3Client, location: S3Location): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of readObject(s3, location)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** Writes a small JSON document. */
export async function writeJson(s3: S3Client, location: S3Location, value: unknown): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: location.bucket,
      Key: location.key,
      Body: `${JSON.stringify(value, null, 2)}\n`,
      ContentType: "application/json",
    }),
  );
}

/** The keys below a prefix, in UTF-8 order as S3 lists them. */
export async function* listKeys(s3: S3Client, prefix: S3Location): AsyncGenerator<string> {
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: prefix.bucket, Prefix: prefix.key, ContinuationToken: token }),
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

/** Deletes objects, 1,000 a request (the most S3 takes). */
export async function deleteObjects(s3: S3Client, bucket: string, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += 1000) {
    const answer = await s3.send(
      new DeleteObjectsCommand({
        Bucket: bucket,
        Delete: { Objects: keys.slice(start, start + 1000).map((Key) => ({ Key })), Quiet: true },
      }),
    );
    const [failed] = answer.Errors ?? [];
    if (failed !== undefined) {
      throw new Error(`s3://${bucket}/${failed.Key} could not be deleted: ${failed.Code} ${failed.Message}`);
    }
  }
}
