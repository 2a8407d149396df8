import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectToEmulatedAws, type EmulatedAws } from "./emulated-aws.ts";
import { LOCALSTACK_PROCESS } from "./emulator-processes.ts";

const { unavailableBecause, create } = LOCALSTACK_PROCESS;

describe.skipIf(unavailableBecause !== undefined)(`LocalStack as a process ${unavailableBecause ?? ""}`, () => {
  let directory: string;
  let aws: EmulatedAws;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "localstack-test-"));
    aws = connectToEmulatedAws(await (await create()).withWorkDirectory(directory).start());
  });

  afterAll(async () => {
    await aws?.stop();
    await rm(directory, { recursive: true });
  });

  it("puts objects below its own folder, which it shares with no other LocalStack", async () => {
    await aws.s3.send(new CreateBucketCommand({ Bucket: "mine" }));
    const written = await readdir(directory, { recursive: true });
    expect(written.filter((file) => path.basename(file) === "mine")).toHaveLength(1);
  }, 120_000);
});
