import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { startMiniStack } from "../../../emulation/aws/ministack.ts";
import { pythonEnvironment } from "../../../emulation/python/environment.ts";

export const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
export const region = "us-east-1";

/** A real MiniStack with one bucket, and a folder for the stub under test. */
export interface EmulatedAws {
  readonly endpoint: string;
  readonly bucket: string;
  readonly workDirectory: string;
  readonly python: string;
  put(key: string, body: string | Uint8Array): Promise<void>;
  text(key: string): Promise<string>;
  bytes(key: string): Promise<Uint8Array>;
  keys(prefix: string): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startEmulatedAws(): Promise<EmulatedAws> {
  const workDirectory = await mkdtemp(path.join(tmpdir(), "stubs-"));
  const { python } = await pythonEnvironment("ministack");
  const aws = await startMiniStack({ python });
  const bucket = "finetuning-data";
  const s3 = new S3Client({ endpoint: aws.endpoint, region, credentials, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const bytes = async (key: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  };
  return {
    endpoint: aws.endpoint,
    bucket,
    workDirectory,
    python,
    bytes,
    async put(key, body) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    async text(key) {
      return Buffer.from(await bytes(key)).toString("utf8");
    },
    async keys(prefix) {
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      return (Contents ?? []).map(({ Key }) => Key ?? "").sort();
    },
    async stop() {
      s3.destroy();
      await aws.stop();
      await rm(workDirectory, { recursive: true, force: true });
    },
  };
}

/** Polls until `probe` gives something. */
export async function eventually<T>(probe: () => Promise<T | undefined>, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Nothing after ${timeoutMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
