import { DescribeLogStreamsCommand, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { InvokeCommand, UpdateFunctionCodeCommand } from "@aws-sdk/client-lambda";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmulatedAws, startEmulatedAws } from "./emulated-aws.ts";

let aws: EmulatedAws;

beforeAll(async () => {
  process.env.SECRET_OF_THE_HOST = "leaked";
  aws = await startEmulatedAws({
    serviceEndpoints: { "sagemaker-runtime": "http://127.0.0.1:1111", "service-quotas": "http://127.0.0.1:2222" },
  });
});

afterAll(async () => {
  delete process.env.SECRET_OF_THE_HOST;
  await aws?.stop();
});

async function invoke(name: string, event: unknown = {}) {
  const { Payload, FunctionError } = await aws.lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) }),
  );
  return { error: FunctionError, body: JSON.parse(Buffer.from(Payload ?? []).toString()) };
}

describe("a Node function", () => {
  it("gets the event, a context and an environment of its own", async () => {
    await aws.deploy(
      "environment",
      `exports.handler = async (event, context) => ({ event, env: process.env, cwd: process.cwd(),
         remaining: context.getRemainingTimeInMillis(), arn: context.invokedFunctionArn, id: context.awsRequestId })`,
    );
    const { error, body } = await invoke("environment", { answer: [42] });
    expect(error).toBeUndefined();
    expect(body.event).toEqual({ answer: [42] });
    expect(body.remaining).toBeGreaterThan(5_000);
    expect(body.remaining).toBeLessThanOrEqual(10_000);
    expect(body.arn).toBe("arn:aws:lambda:us-east-1:000000000000:function:environment");
    expect(body.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.env).toMatchObject({
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: "http://127.0.0.1:1111",
      AWS_ENDPOINT_URL_SERVICE_QUOTAS: "http://127.0.0.1:2222",
      AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
      AWS_SESSION_TOKEN: "arn:aws:iam::000000000000:role/test",
      AWS_LAMBDA_FUNCTION_NAME: "environment",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x",
    });
    expect(body.env).not.toHaveProperty("SECRET_OF_THE_HOST");
    expect(body.cwd).toBe(body.env.LAMBDA_TASK_ROOT);
  });

  it("reaches AWS where it is told to", async () => {
    const relayed = await startEmulatedAws({ functionGateway: "http://127.0.0.1:3333" });
    try {
      await relayed.deploy("gateway", "exports.handler = async () => process.env.AWS_ENDPOINT_URL");
      const { Payload } = await relayed.lambda.send(new InvokeCommand({ FunctionName: "gateway" }));
      expect(JSON.parse(Buffer.from(Payload ?? []).toString())).toBe("http://127.0.0.1:3333");
    } finally {
      await relayed.stop();
    }
  });

  it("reports a thrown error by its name, with message and trace", async () => {
    await aws.deploy(
      "throws",
      `class EmptyCorpusError extends Error { name = "EmptyCorpusError" }
       exports.handler = async () => { throw new EmptyCorpusError("no documents") }`,
    );
    const { error, body } = await invoke("throws");
    expect(error).toBe("Unhandled");
    expect(body).toMatchObject({ errorType: "EmptyCorpusError", errorMessage: "no documents" });
    expect(body.trace[0]).toBe("EmptyCorpusError: no documents");
  });

  it("reports a module that cannot be loaded and a handler that is not there", async () => {
    await aws.deploy("unloadable", `require("absent-module"); exports.handler = async () => 1`);
    await aws.deploy("handlerless", "exports.other = async () => 1");
    expect((await invoke("unloadable")).body.errorType).toBe("Runtime.ImportModuleError");
    expect((await invoke("handlerless")).body.errorType).toBe("Runtime.HandlerNotFound");
  });

  it("is ended at its time limit, and runs again after", async () => {
    await aws.deploy("slow", "exports.handler = async ({ spin }) => { while (spin); return 'done' }", { Timeout: 1 });
    const { body } = await invoke("slow", { spin: true });
    expect(body.errorType).toBe("Sandbox.Timedout");
    expect(body.errorMessage).toMatch(/Task timed out after 1\.00 seconds$/);
    expect((await invoke("slow", { spin: false })).body).toBe("done");
  });

  it("is killed when it allocates more than its memory, on the heap or beside it", async () => {
    await aws.deploy(
      "greedy",
      `const held = [];
       exports.handler = async ({ beside }) => { for (;;) {
         held.push(beside ? Buffer.alloc(8 << 20, 1) : Array.from({ length: 1e5 }, (_, i) => ({ i })));
         await new Promise(setImmediate) } }`,
      { MemorySize: 192, Timeout: 20 },
    );
    const beside = (await invoke("greedy", { beside: true })).body;
    expect(beside).toMatchObject({ errorType: "Runtime.ExitError" });
    expect(beside.errorMessage).toMatch(/Error: Runtime exited with error: signal: killed$/);
    expect((await invoke("greedy", { beside: false })).body.errorType).toBe("Runtime.ExitError");
  });

  it("reports its own exit, an uncaught exception and an unhandled rejection", async () => {
    await aws.deploy(
      "ends",
      `exports.handler = async ({ how }) => {
         if (how === "exit") process.exit(3);
         if (how === "throw") setImmediate(() => { throw new RangeError("later") });
         if (how === "reject") Promise.reject(new Error("nobody listens"));
         await new Promise((resolve) => setTimeout(resolve, 5000)) }`,
    );
    expect((await invoke("ends", { how: "exit" })).body.errorMessage).toMatch(/exit status 3$/);
    expect((await invoke("ends", { how: "throw" })).body).toMatchObject({ errorType: "RangeError" });
    expect((await invoke("ends", { how: "reject" })).body.errorType).toBe("Runtime.UnhandledPromiseRejection");
  });

  it("keeps its process for the next invocation, and shares it with no concurrent one", async () => {
    await aws.deploy(
      "counts",
      `let calls = 0;
       exports.handler = async () => { calls += 1; await new Promise((r) => setTimeout(r, 400));
         return { calls, pid: process.pid } }`,
    );
    const first = await invoke("counts");
    const second = await invoke("counts");
    expect(second.body).toEqual({ calls: 2, pid: first.body.pid });
    const together = await Promise.all([invoke("counts"), invoke("counts"), invoke("counts")]);
    expect(new Set(together.map(({ body }) => body.pid)).size).toBe(3);
  });

  it("runs new code once it has been updated", async () => {
    await aws.deploy("updated", "exports.handler = async () => 'old'");
    expect((await invoke("updated")).body).toBe("old");
    await aws.lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName: "updated",
        ZipFile: zipSync({ "index.js": Buffer.from("exports.handler = async () => 'new'") }),
      }),
    );
    expect((await invoke("updated")).body).toBe("new");
  });

  it("takes and returns megabytes, and refuses to return more than Lambda does", async () => {
    await aws.deploy("large", "exports.handler = async ({ text, size }) => text ?? 'x'.repeat(size)");
    const text = "ü".repeat(2_000_000);
    expect((await invoke("large", { text })).body).toBe(text);
    expect((await invoke("large", { size: 7_000_000 })).body.errorType).toBe("Function.ResponseSizeTooLarge");
  });

  it("writes its output to CloudWatch Logs", async () => {
    await aws.deploy("talks", "exports.handler = async () => { console.log('a line'); console.error('a problem') }");
    await invoke("talks");
    const logGroupName = "/aws/lambda/talks";
    const { logStreams = [] } = await aws.logs.send(new DescribeLogStreamsCommand({ logGroupName }));
    const { events = [] } = await aws.logs.send(
      new GetLogEventsCommand({ logGroupName, logStreamName: logStreams[0]?.logStreamName }),
    );
    const messages = events.map(({ message }) => message);
    expect(messages).toEqual(expect.arrayContaining(["a line", "a problem", expect.stringMatching(/^REPORT /)]));
  });
});
