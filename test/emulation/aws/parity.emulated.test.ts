/**
 * The same state machines on both emulators, held against what AWS's documentation says happens on AWS. Nobody here has
 * run them on AWS. Sources (Step Functions Developer Guide unless named otherwise):
 *
 * - errors: "Handling errors in Step Functions workflows" (States.Timeout, States.TaskFailed, States.ALL; a retrier's
 *   MaxAttempts counts retries, so that there is one attempt more).
 * - lambda: "Invoke an AWS Lambda function with Step Functions" (Error is the class that the function threw, Cause the JSON
 *   that Lambda answered, with errorMessage).
 * - sagemaker: "Create and manage Amazon SageMaker AI jobs" (.sync waits for the end of the job; a job that fails fails the
 *   state, and the cause is the job's description).
 * - sdk: "Using AWS SDK service integrations" (errors are `<Service>.<Exception>`).
 */
import { DescribeLogStreamsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmulatedAws, startStub } from "./emulated-aws.ts";
import { type Emulator, emulators } from "./emulators.ts";

let stub: Awaited<ReturnType<typeof startStub>>;

beforeAll(async () => {
  stub = await startStub(({ action, body }) => {
    const name = String(body.TrainingJobName ?? "");
    switch (action) {
      case "CreateTrainingJob":
        if (name === "throttled") {
          return { status: 400, body: { __type: "ThrottlingException", message: "Rate exceeded" } };
        }
        return { body: { TrainingJobArn: `arn:${name}` } };
      case "DescribeTrainingJob":
        return {
          body: {
            TrainingJobName: name,
            ...(name === "good" ? { TrainingJobStatus: "Completed" } : {}),
            ...(name === "bad" ? { TrainingJobStatus: "Failed", FailureReason: "out of memory" } : {}),
            ...(name === "slow" || name === "unwanted" ? { TrainingJobStatus: "InProgress" } : {}),
          },
        };
      case "StopTrainingJob":
        return { body: {} };
      case "DescribeEndpoint":
        return { status: 400, body: { __type: "ThrottlingException", message: "Rate exceeded" } };
      default:
        return { status: 501, body: { __type: "NotStubbed", message: action } };
    }
  });
});

afterAll(() => stub?.stop());

/** The actions that were called for a training job since the emulator's tests began. */
function requestsFor(name: string): string[] {
  return stub.requests.flatMap(({ action, body }) => (body.TrainingJobName === name ? [action] : []));
}

const caught = { Type: "Pass", Parameters: { "error.$": "$.Error", "cause.$": "$.Cause" }, End: true };

function caughtBy(errors: readonly string[], task: object): object {
  return {
    StartAt: "Task",
    States: { Task: { ...task, Catch: [{ ErrorEquals: errors, Next: "Caught" }], End: true }, Caught: caught },
  };
}

const invoke = (name: string) => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  Parameters: { FunctionName: name, "Payload.$": "$" },
});

const train = (name: string) => ({
  Type: "Task",
  Resource: "arn:aws:states:::sagemaker:createTrainingJob.sync",
  Parameters: {
    TrainingJobName: name,
    RoleArn: "arn:aws:iam::000000000000:role/test",
    AlgorithmSpecification: { TrainingInputMode: "File" },
    OutputDataConfig: { S3OutputPath: "s3://b/o/" },
    ResourceConfig: { InstanceCount: 1, InstanceType: "ml.g5.xlarge", VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 60 },
  },
});

describe.each<Emulator>(emulators)("$name", ({ available, unavailableBecause, start }) => {
  let aws: EmulatedAws;

  describe.skipIf(!available)(available ? "as on AWS" : `left out: ${unavailableBecause}`, () => {
    beforeAll(async () => {
      stub.requests.length = 0;
      aws = await start({ sagemaker: stub.url });
      await aws.deploy("echo", "exports.handler = async (event) => event");
      await aws.deploy("sleeps", "exports.handler = () => new Promise((resolve) => setTimeout(resolve, 8000))");
      await aws.deploy(
        "fails",
        `class EmptyCorpusError extends Error { name = "EmptyCorpusError" }
         exports.handler = async () => { throw new EmptyCorpusError("no documents") }`,
      );
    }, 120_000);

    afterAll(() => aws?.stop());

    it("success: the function's result is the state's Payload", async () => {
      const { status, output } = await aws.runState(
        { ...invoke("echo"), ResultSelector: { "answer.$": "$.Payload.answer" } },
        { answer: 42 },
      );
      expect({ status, output }).toEqual({ status: "SUCCEEDED", output: { answer: 42 } });
    });

    it("log: a function that has run has a stream in its log group", async () => {
      await aws.runState(invoke("echo"), {});
      const streams = async () => {
        const { logStreams } = await aws.logs.send(new DescribeLogStreamsCommand({ logGroupName: "/aws/lambda/echo" }));
        return logStreams?.length;
      };
      await expect.poll(streams, { timeout: 10_000 }).toBeGreaterThan(0);
    });

    it("history: tells the API and the parameters of every task", async () => {
      const describeEndpoint = {
        Type: "Task",
        Resource: "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
        Parameters: { EndpointName: "products" },
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "Done" }],
        End: true,
      };
      const executionArn = await aws.startExecution(
        {
          StartAt: "Invoke",
          States: {
            Invoke: { ...invoke("echo"), ResultPath: null, Next: "Train" },
            Train: { ...train("good"), ResultPath: null, Next: "Describe" },
            Describe: describeEndpoint,
            Done: { Type: "Succeed" },
          },
        },
        { answer: 42 },
      );
      await aws.finished(executionArn);
      const scheduled = (await aws.history(executionArn)).flatMap(
        ({ taskScheduledEventDetails: details }) => details ?? [],
      );
      expect(
        scheduled.map(({ resourceType, resource, parameters }) => [
          resourceType,
          resource,
          JSON.parse(parameters ?? ""),
        ]),
      ).toEqual([
        ["lambda", "invoke", { FunctionName: "echo", Payload: { answer: 42 } }],
        ["sagemaker", "createTrainingJob.sync", expect.objectContaining({ TrainingJobName: "good" })],
        ["aws-sdk:sagemaker", "describeEndpoint", { EndpointName: "products" }],
      ]);
    });

    it("custom error: caught by the name of the thrown class, with Lambda's answer as cause", async () => {
      const { output } = await aws.run(caughtBy(["EmptyCorpusError"], invoke("fails")));
      const { error, cause } = output as { error: string; cause: string };
      expect(error).toBe("EmptyCorpusError");
      expect(JSON.parse(cause)).toMatchObject({ errorType: "EmptyCorpusError", errorMessage: "no documents" });
    });

    it("retry: as often as MaxAttempts says after the first attempt, then the error", async () => {
      const retry = { ErrorEquals: ["States.ALL"], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 2 };
      const arn = await aws.startExecution({
        StartAt: "Task",
        States: { Task: { ...invoke("fails"), Retry: [retry], End: true } },
      });
      expect(await aws.finished(arn, 30_000)).toMatchObject({ status: "FAILED", error: "EmptyCorpusError" });
      const attempts = (await aws.history(arn)).filter(({ type }) => type === "TaskFailed");
      expect(attempts).toHaveLength(3);
    });

    it("timeout: States.Timeout", async () => {
      const { output } = await aws.run(caughtBy(["States.Timeout"], { ...invoke("sleeps"), TimeoutSeconds: 1 }));
      expect(output).toMatchObject({ error: "States.Timeout" });
    });

    it("a job that completes: its description is the result", async () => {
      const { status, output } = await aws.runState(train("good"));
      expect({ status, output }).toEqual({
        status: "SUCCEEDED",
        output: expect.objectContaining({ TrainingJobName: "good", TrainingJobStatus: "Completed" }),
      });
    });

    it("a job that fails: States.TaskFailed with its description as cause", async () => {
      const { output } = await aws.run(caughtBy(["States.TaskFailed"], train("bad")));
      const { error, cause } = output as { error: string; cause: string };
      expect(error).toBe("States.TaskFailed");
      expect(JSON.parse(cause)).toMatchObject({ TrainingJobStatus: "Failed", FailureReason: "out of memory" });
    });

    it("a job that takes longer than the state may: States.Timeout, and the job is stopped", async () => {
      const { output } = await aws.run(caughtBy(["States.Timeout"], { ...train("slow"), TimeoutSeconds: 2 }));
      expect(output).toMatchObject({ error: "States.Timeout" });
      await expect.poll(() => requestsFor("slow"), { timeout: 5_000 }).toContain("StopTrainingJob");
    });

    it("throttled when a job is created: an error of SageMaker that States.TaskFailed covers", async () => {
      const { output } = await aws.run(caughtBy(["States.TaskFailed"], train("throttled")));
      expect(output).toMatchObject({
        error: expect.stringMatching(/^SageMaker\./),
        cause: expect.stringContaining("Rate exceeded"),
      });
    });

    it("throttled in an SDK call: named after the service and the exception", async () => {
      const describeEndpoint = {
        Type: "Task",
        Resource: "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
        Parameters: { EndpointName: "e" },
      };
      const { output } = await aws.run(caughtBy(["States.ALL"], describeEndpoint));
      expect(output).toMatchObject({
        error: expect.stringMatching(/^SageMaker\.(SageMaker|Throttling)Exception$/),
        cause: expect.stringMatching(/^Rate exceeded \(Service: SageMaker, Status Code: 400/),
      });
    });

    it("stopped from outside: ABORTED at once, nothing is caught, the job is stopped", async () => {
      const arn = await aws.startExecution(caughtBy(["States.ALL"], train("unwanted")));
      await expect.poll(() => requestsFor("unwanted")).toContain("DescribeTrainingJob");
      await aws.stopExecution(arn, "UserStopped");
      expect(await aws.finished(arn, 1_000)).toMatchObject({ status: "ABORTED", error: "UserStopped" });
      await expect.poll(() => requestsFor("unwanted"), { timeout: 5_000 }).toContain("StopTrainingJob");
    });
  });
});
