import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { roleCredentials } from "./role-credentials.ts";

/** Objects and files moved at the same time. */
const TRANSFERS = 4;

export interface S3Location {
  readonly bucket: string;
  /** Key or key prefix; empty for the bucket's root. */
  readonly key: string;
}

export interface S3ObjectSummary {
  readonly key: string;
  readonly bytes: number;
}

/** An S3 URI that is none, or an object that cannot be read as asked. */
export class ObjectStoreError extends Error {
  override readonly name = "ObjectStoreError";
}

/** @throws ObjectStoreError when `uri` does not look like `s3://bucket/key`. */
export function parseS3Uri(uri: string): S3Location {
  const match = /^s3:\/\/(?<bucket>[^/]+)(?:\/(?<key>.*))?$/.exec(uri);
  const { bucket, key } = match?.groups ?? {};
  if (bucket === undefined) throw new ObjectStoreError(`${uri} is not an S3 URI: write s3://bucket/key.`);
  return { bucket, key: key ?? "" };
}

/** `s3://bucket/a/` + `b/c` -> `s3://bucket/a/b/c`, with or without the slash. */
export function joinS3Uri(uri: string, ...parts: string[]): string {
  return [uri.replace(/\/+$/, ""), ...parts].join("/");
}

/**
 * Where SageMaker puts an object of an `S3Prefix` source, relative to the channel's folder: the part of the key after
 * the prefix; an object that the prefix names as a whole keeps its file name.
 */
export function pathBelowPrefix(key: string, prefix: string): string {
  if (key === prefix) return path.posix.basename(key);
  if (prefix === "" || prefix.endsWith("/")) return key.slice(prefix.length);
  if (key.startsWith(`${prefix}/`)) return key.slice(prefix.length + 1);
  return key.slice(prefix.lastIndexOf("/") + 1);
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: TRANSFERS }, worker));
}

/** The files below a folder, relative to it, in a stable order; none when it does not exist. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** S3 of the emulator, as the stubs use it: everything streams, nothing is held in memory. */
export class ObjectStore {
  readonly #client: S3Client;

  /**
   * @param endpoint the emulator's URL; reached in path style
   * @param role ARN of the role that reads and writes: a service's own, handed over with the job
   */
  constructor(endpoint: string, region: string, role: string) {
    this.#client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: roleCredentials(role),
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  /** The objects whose key starts with the URI's key, without the empty ones that stand for folders. */
  async list(uri: string): Promise<S3ObjectSummary[]> {
    const { bucket, key } = parseS3Uri(uri);
    const objects: S3ObjectSummary[] = [];
    for await (const page of paginateListObjectsV2({ client: this.#client }, { Bucket: bucket, Prefix: key })) {
      for (const object of page.Contents ?? []) {
        if (object.Key === undefined || object.Key.endsWith("/")) continue;
        objects.push({ key: object.Key, bytes: object.Size ?? 0 });
      }
    }
    return objects;
  }

  /** The body of one object. @throws ObjectStoreError when it has none. */
  async read(uri: string): Promise<Readable> {
    const { bucket, key } = parseS3Uri(uri);
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (Body === undefined) throw new ObjectStoreError(`${uri} has no body.`);
    return Body as Readable;
  }

  async downloadObject(uri: string, file: string): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true });
    await pipeline(await this.read(uri), createWriteStream(file));
  }

  /**
   * Downloads every object under a prefix as SageMaker lays them out.
   *
   * @returns the number of objects; 0 when there are none
   */
  async downloadPrefix(uri: string, directory: string): Promise<number> {
    const { bucket, key: prefix } = parseS3Uri(uri);
    const objects = await this.list(uri);
    await mkdir(directory, { recursive: true });
    await inParallel(objects, async ({ key }) => {
      const file = path.resolve(directory, pathBelowPrefix(key, prefix));
      if (!file.startsWith(path.resolve(directory) + path.sep)) {
        throw new ObjectStoreError(`The key ${key} would be written outside of ${directory}.`);
      }
      await this.downloadObject(`s3://${bucket}/${key}`, file);
    });
    return objects.length;
  }

  async uploadFile(file: string, uri: string): Promise<void> {
    const { bucket, key } = parseS3Uri(uri);
    const { size } = await stat(file);
    await new Upload({
      client: this.#client,
      params: { Bucket: bucket, Key: key, Body: size === 0 ? "" : createReadStream(file) },
    }).done();
  }

  async uploadText(text: string, uri: string): Promise<void> {
    const { bucket, key } = parseS3Uri(uri);
    await new Upload({ client: this.#client, params: { Bucket: bucket, Key: key, Body: text } }).done();
  }

  /** Uploads the files below a folder under a prefix. */
  async uploadDirectory(directory: string, uri: string): Promise<void> {
    await inParallel(await filesBelow(directory), (file) =>
      this.uploadFile(path.join(directory, file), joinS3Uri(uri, ...file.split(path.sep))),
    );
  }

  destroy(): void {
    this.#client.destroy();
  }
}

/** S3 of the emulator as each role reaches it. */
export class ObjectStores {
  readonly #endpoint: string;
  readonly #region: string;
  readonly #byRole = new Map<string, ObjectStore>();

  constructor(endpoint: string, region: string) {
    this.#endpoint = endpoint;
    this.#region = region;
  }

  /** @param role ARN */
  as(role: string): ObjectStore {
    const existing = this.#byRole.get(role);
    if (existing !== undefined) return existing;
    const store = new ObjectStore(this.#endpoint, this.#region, role);
    this.#byRole.set(role, store);
    return store;
  }

  destroy(): void {
    for (const store of this.#byRole.values()) store.destroy();
  }
}
