/** What holds of every emulator that runs as a process: it is alone, and leaves nothing behind. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { afterEach, describe, expect, it } from "vitest";
import type { EmulatorProcess } from "../../../emulation/aws/emulator-process.ts";
import { ProcessFailedError } from "../../../emulation/processes/processes.ts";
import { pythonEnvironment } from "../../../emulation/python/environment.ts";
import { connectToEmulatedAws, type EmulatedAws } from "./emulated-aws.ts";
import { LOCALSTACK_PROCESS, MINISTACK_PROCESS, type ProcessForm } from "./emulator-processes.ts";

/** LocalStack takes half a minute to start when it was never started before. */
const TIMEOUT_MS = 120_000;
const started: EmulatedAws[] = [];
const directories: string[] = [];

async function workDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "emulator-process-test-"));
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

describe.each<ProcessForm>([MINISTACK_PROCESS, LOCALSTACK_PROCESS])(
  "$name",
  ({ create, className, file: source, environment, unavailableBecause }) => {
    const available = unavailableBecause === undefined;
    describe.skipIf(!available)(available ? "on its own" : `left out: ${unavailableBecause}`, () => {
      async function start(configure = (emulator: EmulatorProcess) => emulator): Promise<EmulatedAws> {
        const aws = connectToEmulatedAws(await configure(await create()).start());
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
          const aws = await start((emulator) => emulator.withWorkDirectory(directory));
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
          expect((await readdir(directory)).sort()).toEqual([`${className.toLowerCase()}.log`, "pid"]);
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
          const { python } = await pythonEnvironment(environment);
          await writeFile(
            script,
            `import { ${className} } from ${JSON.stringify(path.resolve(source))};
       new ${className}().withPython(${JSON.stringify(python)}).withWorkDirectory(${JSON.stringify(path.dirname(script))})
         .start().then(({ endpoint }) => console.log(endpoint));`,
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
          const failed = (await create()).withPython("/bin/false").start();
          await expect(failed).rejects.toThrow(ProcessFailedError);
          const port = Number(new URL((await start()).endpoint).port);
          const taken = (await create()).withPort(port).start();
          await expect(taken).rejects.toThrow(/already in use/);
        },
        TIMEOUT_MS,
      );
    });
  },
);
