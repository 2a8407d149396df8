import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { CreateFunctionCommand, LambdaClient, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  RedriveExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { zipSync } from "fflate";
import type { StartedAwsEmulator } from "../../../emulation/aws/aws-emulator.ts";
import { type MiniStackOptions, startMiniStack } from "../../../emulation/aws/ministack.ts";
import { pythonEnvironment } from "../../../emulation/python/environment.ts";

const ROLE = "arn:aws:iam::000000000000:role/test";

/** The Python that has MiniStack. */
export async function emulatorsPython(): Promise<string> {
  return process.env.EMULATORS_PYTHON ?? (await pythonEnvironment("ministack")).python;
}

export interface StubRequest {
  /** Name of the API action of a JSON service, else method and path. */
  readonly action: string;
  readonly body: Record<string, unknown>;
}

export interface StubAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

/** An HTTP server that stands for SageMaker and Bedrock; `answer` is asked for every request. */
export async function startStub(answer: (request: StubRequest) => StubAnswer) {
  const requests: StubRequest[] = [];
  const server = createServer(async (incoming: IncomingMessage, response) => {
    let text = "";
    for await (const chunk of incoming) text += chunk;
    const target = incoming.headers["x-amz-target"];
    const action = typeof target === "string" ? (target.split(".")[1] ?? "") : `${incoming.method} ${incoming.url}`;
    const request = { action, body: text === "" ? {} : JSON.parse(text) };
    requests.push(request);
    const { status = 200, headers = {}, body } = answer(request);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    actions: () => requests.map(({ action }) => action),
    stop: () => new Promise<unknown>((resolve) => server.close(resolve).closeAllConnections()),
  };
}

export interface Finished {
  readonly status: string;
  readonly output: unknown;
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

/** MiniStack as a process, with clients and short ways to deploy and run things in it. */
export async function startEmulatedAws(options: Partial<MiniStackOptions> = {}) {
  return connectToEmulatedAws(await startMiniStack({ python: await emulatorsPython(), ...options }));
}

/** Clients of a running emulator, and short ways to deploy and run things in it. */
export function connectToEmulatedAws(emulator: StartedAwsEmulator) {
  const connection = {
    endpoint: emulator.endpoint,
    region: "us-east-1",
    credentials: emulator.credentials,
  };
  const stepFunctions = new SFNClient(connection);
  const lambda = new LambdaClient(connection);
  const s3 = new S3Client({ ...connection, forcePathStyle: true });
  const logs = new CloudWatchLogsClient(connection);
  let machines = 0;

  async function startExecution(definition: object, input: unknown = {}): Promise<string> {
    machines += 1;
    const { stateMachineArn } = await stepFunctions.send(
      new CreateStateMachineCommand({
        name: `machine-${machines}`,
        roleArn: ROLE,
        definition: JSON.stringify(definition),
      }),
    );
    const { executionArn = "" } = await stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }),
    );
    return executionArn;
  }

  async function finished(executionArn: string, timeoutMs = 20_000): Promise<Finished> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const {
        status = "",
        output,
        error,
        cause,
      } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== "RUNNING") {
        return { status, output: output === undefined ? undefined : JSON.parse(output), error, cause };
      }
      if (Date.now() > deadline) throw new Error(`The execution still runs after ${timeoutMs} ms`);
      await sleep(50);
    }
  }

  return {
    ...emulator,
    stepFunctions,
    lambda,
    s3,
    logs,
    startExecution,
    finished,
    /** Runs a definition to its end. */
    run: async (definition: object, input: unknown = {}) => finished(await startExecution(definition, input)),
    /** Runs one state to its end. */
    runState: async (state: object, input: unknown = {}) =>
      finished(await startExecution({ StartAt: "State", States: { State: { ...state, End: true } } }, input)),
    stopExecution: (executionArn: string, error: string) =>
      stepFunctions.send(new StopExecutionCommand({ executionArn, error })),
    /** Redrives an execution that ended, to its next end. */
    redrive: async (executionArn: string) => {
      await stepFunctions.send(new RedriveExecutionCommand({ executionArn }));
      return finished(executionArn);
    },
    history: async (executionArn: string) =>
      (await stepFunctions.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }))).events ?? [],
    deploy: async (name: string, source: string, settings: { MemorySize?: number; Timeout?: number } = {}) => {
      await lambda.send(
        new CreateFunctionCommand({
          FunctionName: name,
          Runtime: "nodejs22.x",
          Handler: "index.handler",
          Role: ROLE,
          MemorySize: 256,
          Timeout: 10,
          ...settings,
          Code: { ZipFile: zipSync({ "index.js": Buffer.from(source) }) },
        }),
      );
      await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60, minDelay: 1 }, { FunctionName: name });
    },
    stop: async () => {
      for (const client of [stepFunctions, lambda, s3, logs]) client.destroy();
      await emulator.stop();
    },
  };
}

export type EmulatedAws = ReturnType<typeof connectToEmulatedAws>;
