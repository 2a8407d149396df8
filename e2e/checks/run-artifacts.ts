import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import type { z } from "zod";

/** An artifact that is not there, or does not have the contract's shape. */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
}

/** Reads what one execution wrote below one folder of the data bucket, always through the contract's schemas. */
export class RunArtifacts {
  readonly bucket: string;
  readonly prefix: string;
  readonly #s3: S3Client;

  /** @param root `runs` for the intermediates, `results` for the model and its evaluation. */
  constructor(s3: S3Client, bucket: string, root: "runs" | "results", executionName: string) {
    this.#s3 = s3;
    this.bucket = bucket;
    this.prefix = `${root}/${executionName}/`;
  }

  /** Keys below `folder`, relative to the prefix, in order. */
  async list(folder: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2(
      { client: this.#s3 },
      { Bucket: this.bucket, Prefix: this.prefix + folder },
    )) {
      for (const { Key } of page.Contents ?? []) if (Key) keys.push(Key.slice(this.prefix.length));
    }
    return keys.sort();
  }

  /**
   * The one key below `folder` that ends in `suffix`.
   *
   * @throws ArtifactError when there is none or more than one.
   */
  async find(folder: string, suffix: string): Promise<string> {
    const keys = (await this.list(folder)).filter((key) => key.endsWith(suffix));
    const [key] = keys;
    if (key === undefined || keys.length > 1) {
      throw new ArtifactError(`expected one ${suffix} below ${folder}, found ${keys.length}: ${keys.join(", ")}`);
    }
    return key;
  }

  /** The artifact's bytes as a stream. */
  async open(key: string): Promise<Readable> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: this.prefix + key }));
    if (!(Body instanceof Readable)) throw new ArtifactError(`${key} has no body`);
    return Body;
  }

  /** A JSON artifact. */
  async json<T>(key: string, schema: z.ZodType<T>): Promise<T> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.open(key)) chunks.push(chunk);
    return parse(key, Buffer.concat(chunks).toString("utf8"), schema);
  }

  /** The lines of one or more JSONL artifacts. */
  async *lines<T>(keys: readonly string[], schema: z.ZodType<T>): AsyncGenerator<T> {
    for (const key of keys) {
      let number = 0;
      for await (const line of createInterface({ input: await this.open(key), crlfDelay: Number.POSITIVE_INFINITY })) {
        number += 1;
        yield parse(`${key}:${number}`, line, schema);
      }
    }
  }

  /** Downloads an artifact. */
  async download(key: string, file: string): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true });
    await pipeline(await this.open(key), createWriteStream(file));
  }
}

function parse<T>(where: string, text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ArtifactError(`${where} does not have the contract's shape`, { cause });
  }
}
