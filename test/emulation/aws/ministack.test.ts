import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { afterEach, describe, expect, it } from "vitest";
import { MiniStack } from "../../../emulation/aws/ministack.ts";
import { ProcessFailedError } from "../../../emulation/processes.ts";
import { type EmulatedAws, emulatorsPython, startEmulatedAws } from "./emulated-aws.ts";

const started: EmulatedAws[] = [];
const directories: string[] = [];

async function start(...configure: Parameters<typeof startEmulatedAws>): Promise<EmulatedAws> {
  const aws = await startEmulatedAws(...configure);
  started.push(aws);
  return aws;
}

async function workDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "ministack-test-"));
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

describe("MiniStack", () => {
  it("runs beside another one without sharing anything", async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.endpoint).not.toBe(other.endpoint);
    await one.s3.send(new CreateBucketCommand({ Bucket: "mine" }));
    expect((await one.s3.send(new ListBucketsCommand({}))).Buckets).toHaveLength(1);
    expect((await other.s3.send(new ListBucketsCommand({}))).Buckets).toHaveLength(0);
  });

  it("ends with its functions and leaves only its log, even with work under way", async () => {
    const directory = await workDirectory();
    const aws = await start((miniStack) => miniStack.withWorkDirectory(directory));
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
  });

  it("takes its functions with it when it is killed", async () => {
    const aws = await start();
    await aws.deploy("idle", "exports.handler = async () => [process.pid, process.ppid]");
    const { Payload } = await aws.lambda.send(new InvokeCommand({ FunctionName: "idle" }));
    const [pid = 0, parent = 0] = JSON.parse(Buffer.from(Payload ?? []).toString()) as number[];
    process.kill(parent, "SIGKILL");
    await expect.poll(() => areAlive(pid)).toEqual([false]);
  });

  it("ends when the process that started it is killed", async () => {
    const script = path.join(await workDirectory(), "start.ts");
    const module = path.resolve("emulation/aws/ministack.ts");
    await writeFile(
      script,
      `import { MiniStack } from ${JSON.stringify(module)};
       new MiniStack().withPython(${JSON.stringify(await emulatorsPython())}).withWorkDirectory(${JSON.stringify(path.dirname(script))})
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
  });

  it("says why it does not start", async () => {
    const failed = new MiniStack().withPython("/bin/false").start();
    await expect(failed).rejects.toThrow(ProcessFailedError);
    const port = new URL((await start()).endpoint).port;
    const taken = new MiniStack()
      .withPython(await emulatorsPython())
      .withPort(Number(port))
      .start();
    await expect(taken).rejects.toThrow(/already in use/);
  });

  it("answers 400 at once for Service Quotas, which it does not have", async () => {
    const aws = await start();
    const response = await fetch(aws.endpoint, {
      method: "POST",
      headers: {
        "x-amz-target": "ServiceQuotasV20190624.ListServiceQuotas",
        authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/servicequotas/aws4_request",
      },
      body: "{}",
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("Unsupported service");
  });

  it("describes a metric alarm with all that was put in it, as Terraform expects", async () => {
    const aws = await start();
    const query = async (parameters: Record<string, string>) => {
      const response = await fetch(aws.endpoint, {
        method: "POST",
        headers: { authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request" },
        body: new URLSearchParams({ Version: "2010-08-01", ...parameters }),
      });
      return response.text();
    };
    await query({
      Action: "PutMetricAlarm",
      AlarmName: "failed & late",
      MetricName: "ExecutionsFailed",
      Namespace: "AWS/States",
      Statistic: "Sum",
      Period: "300",
      EvaluationPeriods: "1",
      Threshold: "0",
      ComparisonOperator: "GreaterThanThreshold",
      TreatMissingData: "notBreaching",
      "AlarmActions.member.1": "arn:aws:sns:us-east-1:000000000000:topic",
      "Dimensions.member.1.Name": "StateMachineArn",
      "Dimensions.member.1.Value": "arn:a<b",
    });
    const described = await query({ Action: "DescribeAlarms" });
    for (const part of [
      "<AlarmName>failed &amp; late</AlarmName>",
      "<Statistic>Sum</Statistic>",
      "<Period>300</Period>",
      "<Threshold>0.0</Threshold>",
      "<ActionsEnabled>true</ActionsEnabled>",
      "<TreatMissingData>notBreaching</TreatMissingData>",
      "<AlarmActions><member>arn:aws:sns:us-east-1:000000000000:topic</member></AlarmActions>",
      "<Dimensions><member><Name>StateMachineArn</Name><Value>arn:a&lt;b</Value></member></Dimensions>",
    ]) {
      expect(described).toContain(part);
    }
  });
});

describe("a request that is sent again", () => {
  const credential = "Credential=test/20260101/us-east-1/iam/aws4_request";
  const headers = (invocation: string, attempt: number) => ({
    "content-type": "application/x-www-form-urlencoded",
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=00`,
    "amz-sdk-invocation-id": invocation,
    "amz-sdk-request": `attempt=${attempt}; max=3`,
  });
  const createRole = async ({ endpoint }: EmulatedAws, name: string, invocation: string, attempt: number) => {
    const body = new URLSearchParams({ Action: "CreateRole", RoleName: name, AssumeRolePolicyDocument: "{}" });
    const response = await fetch(endpoint, { method: "POST", headers: headers(invocation, attempt), body });
    return { status: response.status, body: await response.text() };
  };

  it("is answered as before when it had succeeded", async () => {
    const aws = await start();
    const first = await createRole(aws, "reader", "call-1", 1);
    expect(first).toMatchObject({ status: 200, body: expect.stringContaining("<RoleName>reader</RoleName>") });
    expect(await createRole(aws, "reader", "call-1", 2)).toEqual(first);
    expect(await createRole(aws, "reader", "call-2", 1)).toMatchObject({ status: 409 });
  });

  it("is carried out again when it had failed", async () => {
    const aws = await start();
    await createRole(aws, "reader", "call-1", 1);
    expect(await createRole(aws, "reader", "call-2", 1)).toMatchObject({ status: 409 });
    const body = new URLSearchParams({ Action: "DeleteRole", RoleName: "reader" });
    await fetch(aws.endpoint, { method: "POST", headers: headers("call-3", 1), body });
    expect(await createRole(aws, "reader", "call-2", 2)).toMatchObject({ status: 200 });
  });

  it("waits for the answer of the first, which nobody reads", async () => {
    const aws = await start();
    const abandoned = new AbortController();
    const body = new URLSearchParams({ Action: "CreateRole", RoleName: "reader", AssumeRolePolicyDocument: "{}" });
    const first = fetch(aws.endpoint, {
      method: "POST",
      headers: headers("call-1", 1),
      body,
      signal: abandoned.signal,
    });
    first.catch(() => undefined);
    const second = createRole(aws, "reader", "call-1", 2);
    abandoned.abort();
    expect(await second).toMatchObject({ status: 200 });
  });
});

describe("launcher.py", () => {
  it("refuses a service it does not know", async () => {
    const launcher = path.resolve("emulation/aws/ministack/launcher.py");
    const { exitCode, stderr } = await execa(
      await emulatorsPython(),
      [launcher, "--port", "1", "--service-endpoint", "sagemakr=http://x"],
      { reject: false },
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain("sagemaker, sagemaker-runtime, application-autoscaling, bedrock");
  });
});
