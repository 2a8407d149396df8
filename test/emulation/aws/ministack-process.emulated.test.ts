/** MiniStack as a process: it is alone, and leaves nothing behind. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { afterEach, describe, expect, it } from "vitest";
import { type MiniStackOptions, startMiniStack } from "../../../emulation/aws/ministack.ts";
import { ProcessFailedError } from "../../../emulation/processes/processes.ts";
import { type EmulatedAws, emulatorsPython, startEmulatedAws } from "./emulated-aws.ts";

const TIMEOUT_MS = 60_000;
const started: EmulatedAws[] = [];
const directories: string[] = [];

async function workDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "ministack-process-test-"));
  directories.push(directory);
  return directory;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((aws) => aws.stop()));
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function areAlive(...pids: number[]): Promise<boolean[]> {
  const states = pids.map((pid) => execa("ps", ["-o", "stat=", "-p", String(pid)], { reject: false }));
  // A process that has ended but that nobody waited for is a zombie.
  return (await Promise.all(states)).map(({ stdout }) => stdout !== "" && !stdout.startsWith("Z"));
}

describe("MiniStack as a process", () => {
  async function start(options: Partial<MiniStackOptions> = {}): Promise<EmulatedAws> {
    const aws = await startEmulatedAws(options);
    started.push(aws);
    return aws;
  }

  it(
    "runs beside another one without sharing anything",
    async () => {
      const [one, other] = await Promise.all([start(), start()]);
      expect(one.endpoint).not.toBe(other.endpoint);
      await one.s3.send(new CreateBucketCommand({ Bucket: "mine" }));
      expect((await one.s3.send(new ListBucketsCommand({}))).Buckets).toHaveLength(1);
      expect((await other.s3.send(new ListBucketsCommand({}))).Buckets).toHaveLength(0);
    },
    TIMEOUT_MS,
  );

  it(
    "ends with its functions and leaves only its log, even with work under way",
    async () => {
      const directory = await workDirectory();
      const aws = await start({ workDirectory: directory });
      await aws.deploy("idle", "exports.handler = async () => process.pid", { Timeout: 60 });
      await aws.deploy(
        "busy",
        `const { writeFileSync } = require("node:fs");
       exports.handler = async ({ file }) => { writeFileSync(file, String(process.pid)); for (;;); }`,
        { Timeout: 60 },
      );
      const { Payload } = await aws.lambda.send(new InvokeCommand({ FunctionName: "idle" }));
      const idle = Number(Buffer.from(Payload ?? []).toString());
      const file = path.join(directory, "pid");
      await aws.startExecution(
        {
          StartAt: "Busy",
          States: {
            Busy: {
              Type: "Task",
              Resource: "arn:aws:states:::lambda:invoke",
              Parameters: { FunctionName: "busy", "Payload.$": "$" },
              End: true,
            },
          },
        },
        { file },
      );
      await expect.poll(() => existsSync(file)).toBe(true);
      const busy = Number(await readFile(file, "utf8"));
      expect(await areAlive(idle, busy)).toEqual([true, true]);

      const before = Date.now();
      await aws.stop();

      expect(Date.now() - before).toBeLessThan(9_000);
      expect(await areAlive(idle, busy)).toEqual([false, false]);
      expect((await readdir(directory)).sort()).toEqual(["ministack.log", "pid"]);
      await expect(fetch(aws.endpoint)).rejects.toThrow();
    },
    TIMEOUT_MS,
  );

  it(
    "takes its functions with it when it is killed",
    async () => {
      const aws = await start();
      await aws.deploy("idle", "exports.handler = async () => [process.pid, process.ppid]");
      const { Payload } = await aws.lambda.send(new InvokeCommand({ FunctionName: "idle" }));
      const [pid = 0, parent = 0] = JSON.parse(Buffer.from(Payload ?? []).toString()) as number[];
      process.kill(parent, "SIGKILL");
      await expect.poll(() => areAlive(pid)).toEqual([false]);
    },
    TIMEOUT_MS,
  );

  it(
    "ends when the process that started it is killed",
    async () => {
      const script = path.join(await workDirectory(), "start.ts");
      const options = { python: await emulatorsPython(), workDirectory: path.dirname(script) };
      await writeFile(
        script,
        `import { startMiniStack } from ${JSON.stringify(path.resolve("emulation/aws/ministack.ts"))};
       startMiniStack(${JSON.stringify(options)}).then(({ endpoint }) => console.log(endpoint));`,
      );
      const harness = execa(process.execPath, ["--import", "tsx", script], { reject: false, cleanup: true });
      const endpoint = await new Promise<string>((resolve) => {
        harness.stdout?.once("data", (text) => resolve(String(text).trim()));
      });
      expect((await fetch(endpoint)).status).toBeLessThan(500);
      harness.kill("SIGKILL");
      await expect
        .poll(
          () =>
            fetch(endpoint).then(
              () => "answers",
              () => "is gone",
            ),
          { timeout: 10_000 },
        )
        .toBe("is gone");
    },
    TIMEOUT_MS,
  );

  it(
    "says why it does not start",
    async () => {
      const failed = startMiniStack({ python: "false" });
      await expect(failed).rejects.toThrow(ProcessFailedError);
      const port = Number(new URL((await start()).endpoint).port);
      const taken = startMiniStack({ python: await emulatorsPython(), port });
      await expect(taken).rejects.toThrow(/already in use/);
    },
    TIMEOUT_MS,
  );
});
