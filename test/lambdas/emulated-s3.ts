import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import getPort from "get-port";
import { startProcess, waitUntilReady } from "../../emulation/processes/processes.ts";
import { pythonEnvironment } from "../../emulation/python/environment.ts";
import { listKeys } from "../../lambdas/shared/aws/s3-objects.ts";

/** A bucket of a MiniStack of its own: the S3 protocol for real, which mocks of single commands do not give. */
export interface EmulatedS3 {
  readonly client: S3Client;
  readonly endpoint: string;
  readonly bucket: string;
  put(key: string, body: string | Uint8Array): Promise<void>;
  text(key: string): Promise<string>;
  keys(prefix: string): Promise<string[]>;
  /** The JSON values of a JSONL object. */
  jsonl(key: string): Promise<unknown[]>;
  stop(): Promise<void>;
}

export async function startEmulatedS3(): Promise<EmulatedS3> {
  const { python } = await pythonEnvironment("ministack");
  const port = await getPort();
  const directory = await mkdtemp(path.join(tmpdir(), "lambdas-s3-"));
  const ministack = startProcess({
    name: "MiniStack",
    command: path.join(path.dirname(python), "ministack"),
    env: { PATH: process.env.PATH, HOME: directory, GATEWAY_PORT: String(port), BIND_HOST: "127.0.0.1" },
    cwd: directory,
    logFile: path.join(directory, "ministack.log"),
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await waitUntilReady(ministack, async () => (await fetch(`${endpoint}/_ministack/health`)).ok, 60_000);
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const bucket = "lambda-tests";
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const text = async (key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? "";
  };
  return {
    client,
    endpoint,
    bucket,
    text,
    async put(key, body) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    async keys(prefix) {
      const keys: string[] = [];
      for await (const key of listKeys(client, { bucket, key: prefix })) keys.push(key);
      return keys;
    },
    async jsonl(key) {
      return (await text(key))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    },
    async stop() {
      client.destroy();
      await ministack.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
