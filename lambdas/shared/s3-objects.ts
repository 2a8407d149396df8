import type { Readable } from "node:stream";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { messageOf, S3ObjectUnavailableError } from "./errors.ts";
import { formatS3Uri, type S3Location } from "./s3-uri.ts";

/** How often a broken download is taken up again where it stopped. */
const MAX_RESUMES = 5;

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

/**
 * Streams an object of any size. A download that breaks is taken up where it stopped, of the same version of the object.
 *
 * @throws S3ObjectUnavailableError when the object is absent or access is denied.
 */
export async function* readObject(s3: S3Client, location: S3Location): AsyncGenerator<Buffer> {
  let offset = 0;
  let etag: string | undefined;
  let total = Number.POSITIVE_INFINITY;
  for (let resumes = 0; ; ) {
    try {
      const answer = await s3.send(
        new GetObjectCommand({
          Bucket: location.bucket,
          Key: location.key,
          ...(offset > 0 ? { Range: `bytes=${offset}-`, IfMatch: etag } : {}),
        }),
      );
      if (offset === 0) {
        etag = answer.ETag;
        total = answer.ContentLength ?? Number.POSITIVE_INFINITY;
      }
      for await (const chunk of answer.Body as Readable) {
        const bytes = chunk as Buffer;
        offset += bytes.length;
        yield bytes;
      }
      if (offset >= total || total === Number.POSITIVE_INFINITY) return;
      throw new Error(`the download of ${formatS3Uri(location)} ended after ${offset} of ${total} bytes`);
    } catch (error) {
      // Before the first byte the SDK has retried what can be retried.
      if (error instanceof S3ServiceException || offset === 0 || resumes >= MAX_RESUMES) {
        throw explained(error, location);
      }
      resumes += 1;
    }
  }
}

/** The whole of a small object as text. */
export async function readText(s3: S3Client, location: S3Location): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of readObject(s3, location)) chunks.push(chunk);
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
