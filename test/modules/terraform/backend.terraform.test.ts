import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { App, TerraformStack } from "cdktf";
import { afterEach, describe, expect, it } from "vitest";
import { awsEnvironment } from "../../../emulation/aws/aws-connection.ts";
import { Terraform } from "../../../emulation/terraform/terraform.ts";
import { configureBackend, type S3BackendSettings } from "../../../modules/terraform/backend.ts";
import { startEmulatedAws } from "../../emulation/aws/emulated-aws.ts";
import { temporaryDirectory } from "../stack-fixture.ts";

const S3: S3BackendSettings = { bucket: "states", region: "us-east-1" };

describe("a stack with its state in S3", () => {
  const work = temporaryDirectory();
  afterEach(() => work.remove());

  it("keeps it there, encrypted, and respects a lock", async () => {
    const app = new App({ outdir: work.path, skipValidation: true });
    const stack = new TerraformStack(app, "stack");
    configureBackend(stack, "stack", S3);
    stack.addOverride("output.answer.value", 42);
    app.synth();
    const directory = path.join(work.path, "stacks", "stack");
    const aws = await startEmulatedAws();
    try {
      await aws.s3.send(new CreateBucketCommand({ Bucket: S3.bucket }));
      const { terraform: written } = JSON.parse(await readFile(path.join(directory, "cdk.tf.json"), "utf8"));
      const emulated = { use_path_style: true, skip_credentials_validation: true, skip_metadata_api_check: true };
      await writeFile(
        path.join(directory, "emulator_override.tf.json"),
        JSON.stringify({ terraform: { backend: { s3: { ...written.backend.s3, ...emulated } } } }),
      );
      const environment = awsEnvironment({
        region: S3.region,
        gateway: aws.endpoint,
        sageMaker: aws.endpoint,
        bedrock: aws.endpoint,
        credentials: aws.credentials,
      });
      const terraform = new Terraform({ directory, workDirectory: work.path, environment });
      await terraform.init();
      const lock = { Bucket: S3.bucket, Key: "stack.tfstate.tflock" };
      await aws.s3.send(new PutObjectCommand({ ...lock, Body: JSON.stringify({ ID: "another", Who: "else" }) }));
      await expect(terraform.apply()).rejects.toThrow("Error acquiring the state lock");
      await aws.s3.send(new DeleteObjectCommand(lock));
      await terraform.apply();
      const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: S3.bucket }));
      expect(Contents.map(({ Key }) => Key)).toEqual(["stack.tfstate"]);
      const { Body, ServerSideEncryption } = await aws.s3.send(
        new GetObjectCommand({ Bucket: S3.bucket, Key: "stack.tfstate" }),
      );
      expect(ServerSideEncryption).toBe("AES256");
      expect(JSON.parse((await Body?.transformToString()) ?? "")).toMatchObject({ outputs: { answer: { value: 42 } } });
    } finally {
      await aws.stop();
    }
  }, 120_000);
});
