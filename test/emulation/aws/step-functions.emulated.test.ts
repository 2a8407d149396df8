import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import {
  CreateStateMachineCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  StopExecutionCommand,
  UpdateStateMachineCommand,
} from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmulatedAws, type StubRequest, startEmulatedAws, startStub } from "./emulated-aws.ts";

let aws: EmulatedAws;
let stub: Awaited<ReturnType<typeof startStub>>;
/** Descriptions still to come of each training job; the last one repeats. */
const descriptions = new Map<string, Record<string, unknown>[]>();

function answer({ action, body }: StubRequest) {
  const name = String(body.TrainingJobName ?? body.ModelName ?? "");
  switch (action) {
    case "CreateTrainingJob":
      if (name === "one-too-many") {
        return { status: 400, body: { __type: "ResourceLimitExceeded", message: "no more ml.p4d.24xlarge" } };
      }
      if (name === "malformed")
        return { status: 400, body: { __type: "ValidationException", message: "no such role" } };
      return { body: { TrainingJobArn: `arn:${name}` } };
    case "DescribeTrainingJob": {
      const left = descriptions.get(name) ?? [];
      return { body: { TrainingJobName: name, CreationTime: 1.5, ...(left.length > 1 ? left.shift() : left[0]) } };
    }
    case "StopTrainingJob":
      return { body: {} };
    case "CreateModel":
      return { body: { ModelArn: `arn:${name}` } };
    case "DescribeEndpoint":
      return { status: 400, body: { __type: "ValidationException", message: "Could not find endpoint" } };
    case "GET /model-invocation-job/job-1":
      return { body: { jobArn: "job-1", status: "Completed", submitTime: "2026-01-02T03:04:05Z" } };
    case "GET /model-invocation-job/busy":
      return { status: 429, headers: { "x-amzn-errortype": "ThrottlingException" }, body: { message: "slow down" } };
    default:
      return { status: 501, body: { __type: "NotStubbed", message: action } };
  }
}

beforeAll(async () => {
  stub = await startStub(answer);
  aws = await startEmulatedAws({
    serviceEndpoints: { sagemaker: stub.url, bedrock: stub.url },
    waitScale: 0.01,
  });
  await aws.deploy("echo", "exports.handler = async (event) => event");
  await aws.deploy(
    "fails",
    `class BedrockJobFailedError extends Error { name = "BedrockJobFailedError" }
     exports.handler = async () => { throw new BedrockJobFailedError("records are malformed") }`,
  );
});

afterAll(async () => {
  await aws?.stop();
  await stub?.stop();
});

const trainingJob = (name: string) => ({
  Type: "Task",
  Resource: "arn:aws:states:::sagemaker:createTrainingJob.sync",
  Parameters: {
    TrainingJobName: name,
    RoleArn: "arn:aws:iam::000000000000:role/test-role",
    AlgorithmSpecification: { TrainingInputMode: "File" },
    HyperParameters: { "base-model-id": "m", sagemaker_program: "train.py" },
    OutputDataConfig: { S3OutputPath: "s3://b/o/" },
    ResourceConfig: { InstanceCount: 1, InstanceType: "ml.g5.xlarge", VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 60 },
  },
});

const pass = (parameters: object) => ({ Type: "Pass", Parameters: parameters });
const invoke = (name: string) => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  Parameters: { FunctionName: name, "Payload.$": "$" },
});

describe("sagemaker:createTrainingJob.sync", () => {
  it("waits for the job and gives its description", async () => {
    descriptions.set("good", [
      { TrainingJobStatus: "InProgress" },
      {
        TrainingJobStatus: "Completed",
        ModelArtifacts: { S3ModelArtifacts: "s3://b/o/good/output/model.tar.gz" },
        HyperParameters: { "base-model-id": "m" },
      },
    ]);
    const { status, output } = await aws.runState(trainingJob("good"));
    expect(status).toBe("SUCCEEDED");
    expect(output).toMatchObject({
      TrainingJobStatus: "Completed",
      ModelArtifacts: { S3ModelArtifacts: "s3://b/o/good/output/model.tar.gz" },
      HyperParameters: { "base-model-id": "m" },
    });
    const created = stub.requests.find(({ body }) => body.TrainingJobName === "good");
    expect(created?.body.HyperParameters).toEqual({ "base-model-id": "m", sagemaker_program: "train.py" });
  });

  it("fails with the description as cause when the job fails", async () => {
    descriptions.set("bad", [{ TrainingJobStatus: "Failed", FailureReason: "AlgorithmError: loss is NaN" }]);
    const { status, error, cause } = await aws.runState(trainingJob("bad"));
    expect({ status, error }).toEqual({ status: "FAILED", error: "States.TaskFailed" });
    expect(JSON.parse(cause ?? "")).toMatchObject({ FailureReason: "AlgorithmError: loss is NaN" });
  });

  it("reports what SageMaker refuses by the name that Step Functions gives it", async () => {
    const modelled = await aws.runState(trainingJob("one-too-many"));
    expect(modelled.error).toBe("SageMaker.ResourceLimitExceededException");
    expect(modelled.cause).toContain("no more ml.p4d.24xlarge");
    expect((await aws.runState(trainingJob("malformed"))).error).toBe("SageMaker.AmazonSageMakerException");
  });

  it("stops the job when the state times out", async () => {
    descriptions.set("late", [{ TrainingJobStatus: "InProgress" }]);
    const { error } = await aws.runState({ ...trainingJob("late"), TimeoutSeconds: 1 });
    expect(error).toBe("States.Timeout");
    await expect.poll(() => stopped("late"), { timeout: 2_000 }).toBe(true);
  });

  it("stops the job when the execution is stopped", async () => {
    descriptions.set("unwanted", [{ TrainingJobStatus: "InProgress" }]);
    const arn = await aws.startExecution({
      StartAt: "Train",
      States: {
        Train: { ...trainingJob("unwanted"), Catch: [{ ErrorEquals: ["States.ALL"], Next: "Caught" }], End: true },
        Caught: { Type: "Succeed" },
      },
    });
    await expect.poll(() => stub.actions()).toContain("DescribeTrainingJob");
    await expect
      .poll(() =>
        stub.requests.some(
          ({ action, body }) => action === "DescribeTrainingJob" && body.TrainingJobName === "unwanted",
        ),
      )
      .toBe(true);
    await aws.stepFunctions.send(new StopExecutionCommand({ executionArn: arn, error: "UserStopped" }));
    await expect.poll(() => stopped("unwanted"), { timeout: 2_000 }).toBe(true);
    await sleep(300);
    expect(await aws.finished(arn)).toMatchObject({ status: "ABORTED", error: "UserStopped" });
  });

  it("stops the job when the whole execution times out", async () => {
    descriptions.set("endless", [{ TrainingJobStatus: "InProgress" }]);
    const { status } = await aws.run({
      TimeoutSeconds: 1,
      StartAt: "Train",
      States: { Train: { ...trainingJob("endless"), End: true } },
    });
    expect(status).toBe("TIMED_OUT");
    await expect.poll(() => stopped("endless"), { timeout: 2_000 }).toBe(true);
  });

  function stopped(name: string): boolean {
    return stub.requests.some(({ action, body }) => action === "StopTrainingJob" && body.TrainingJobName === name);
  }
});

describe("other integrations", () => {
  it("calls sagemaker:createModel", async () => {
    const { output } = await aws.runState({
      Type: "Task",
      Resource: "arn:aws:states:::sagemaker:createModel",
      Parameters: { ModelName: "m-1", ExecutionRoleArn: "arn:aws:iam::000000000000:role/test-role" },
    });
    expect(output).toEqual({ ModelArn: "arn:m-1" });
  });

  it("calls aws-sdk:sagemaker, and names an error without a class of its own after the service", async () => {
    const { error, cause } = await aws.runState({
      Type: "Task",
      Resource: "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
      Parameters: { EndpointName: "e" },
    });
    expect(error).toBe("SageMaker.SageMakerException");
    expect(cause).toMatch(/^Could not find endpoint \(Service: SageMaker, Status Code: 400, Request ID: /);
  });

  it("calls aws-sdk:bedrock with PascalCase members in and out", async () => {
    const get = (id: string) => ({
      Type: "Task",
      Resource: "arn:aws:states:::aws-sdk:bedrock:getModelInvocationJob",
      Parameters: { JobIdentifier: id },
    });
    expect((await aws.runState(get("job-1"))).output).toMatchObject({
      JobArn: "job-1",
      Status: "Completed",
      SubmitTime: "2026-01-02T03:04:05.000Z",
    });
    expect((await aws.runState(get("busy"))).error).toBe("Bedrock.ThrottlingException");
  });

  it("reads an object of S3 as text", async () => {
    await aws.s3.send(new CreateBucketCommand({ Bucket: "reports" }));
    const decision = JSON.stringify({ deploy: true, ndcg_tuned: 0.71 });
    await aws.s3.send(new PutObjectCommand({ Bucket: "reports", Key: "runs/x/decision.json", Body: decision }));
    const get = (key: string) => ({
      Type: "Task",
      Resource: "arn:aws:states:::aws-sdk:s3:getObject",
      Parameters: { Bucket: "reports", Key: key },
      ResultSelector: { "decision.$": "States.StringToJson($.Body)" },
    });
    expect((await aws.runState(get("runs/x/decision.json"))).output).toEqual({
      decision: { deploy: true, ndcg_tuned: 0.71 },
    });
    expect((await aws.runState(get("absent.json"))).error).toBe("S3.NoSuchKeyException");
  });

  it("ends the execution at an integration without a server, whatever it catches", async () => {
    const { status, error, cause } = await aws.run({
      StartAt: "Invoke",
      States: {
        Invoke: {
          Type: "Task",
          Resource: "arn:aws:states:::aws-sdk:sagemakerruntime:invokeEndpoint",
          Parameters: { EndpointName: "e", Body: {} },
          Catch: [{ ErrorEquals: ["States.ALL"], Next: "Caught" }],
          End: true,
        },
        Caught: { Type: "Succeed" },
      },
    });
    expect({ status, error }).toEqual({ status: "FAILED", error: "States.Runtime" });
    expect(cause).toContain("--service-endpoint sagemaker-runtime=URL");
  });
});

describe("errors", () => {
  it("are caught by the name of the class that a function threw", async () => {
    const { output } = await aws.run(
      {
        StartAt: "Call",
        States: {
          Call: {
            ...invoke("fails"),
            Catch: [
              { ErrorEquals: ["EmptyCorpusError"], Next: "Wrong" },
              { ErrorEquals: ["BedrockJobFailedError"], ResultPath: "$.failure", Next: "Caught" },
            ],
            End: true,
          },
          Wrong: { Type: "Fail" },
          Caught: lastPass({ "kept.$": "$.kept", "cause.$": "States.StringToJson($.failure.Cause)" }),
        },
      },
      { kept: 1 },
    );
    expect(output).toMatchObject({ kept: 1, cause: { errorMessage: "records are malformed" } });
  });

  it("are retried as often as the retrier says, with a delay of at most MaxDelaySeconds", async () => {
    const arn = await aws.startExecution({
      StartAt: "Call",
      States: {
        Call: {
          ...invoke("fails"),
          Retry: [
            {
              ErrorEquals: ["BedrockJobFailedError"],
              // At a wait scale of 0.01, five delays of so many seconds would outlast the test.
              IntervalSeconds: 6000,
              BackoffRate: 2,
              MaxAttempts: 5,
              MaxDelaySeconds: 1,
              JitterStrategy: "FULL",
            },
          ],
          End: true,
        },
      },
    });
    expect(await aws.finished(arn)).toMatchObject({ status: "FAILED", error: "BedrockJobFailedError" });
    const failures = (await aws.history(arn)).filter(({ type }) => type === "TaskFailed");
    expect(failures).toHaveLength(6);
  });

  it("end an execution with what ErrorPath and CausePath select", async () => {
    const { error, cause } = await aws.run(
      {
        StartAt: "Fail",
        States: {
          Fail: { Type: "Fail", ErrorPath: "$.error", CausePath: "States.Format('Stage {} failed: {}', $.stage, $.n)" },
        },
      },
      { error: "ScoringFailed", stage: "scoring", n: 4 },
    );
    expect({ error, cause }).toEqual({ error: "ScoringFailed", cause: "Stage scoring failed: 4" });
  });

  it("of the definition itself are not caught", async () => {
    const { status, error, cause } = await aws.run({
      StartAt: "Call",
      States: {
        Call: {
          Type: "Task",
          Resource: "arn:aws:states:::lambda:invoke",
          Parameters: { FunctionName: "echo", Payload: { "value.$": "$.absent" } },
          Catch: [{ ErrorEquals: ["States.ALL"], Next: "Caught" }],
          End: true,
        },
        Caught: { Type: "Succeed" },
      },
    });
    expect({ status, error }).toEqual({ status: "FAILED", error: "States.Runtime" });
    expect(cause).toContain("The JSONPath '$.absent' could not be found in the input '{}'");
  });

  it("end a task at its timeout", async () => {
    await aws.deploy("sleeps", "exports.handler = () => new Promise((resolve) => setTimeout(resolve, 5000))");
    const { output } = await aws.run(
      {
        StartAt: "Call",
        States: {
          Call: {
            ...invoke("sleeps"),
            TimeoutSecondsPath: "$.seconds",
            Catch: [{ ErrorEquals: ["States.Timeout"], Next: "Caught" }],
            End: true,
          },
          Caught: lastPass({ "error.$": "$.Error" }),
        },
      },
      { seconds: 1 },
    );
    expect(output).toEqual({ error: "States.Timeout" });
  });

  it("end an execution whose state returns more than 256 KiB", async () => {
    await aws.deploy("verbose", "exports.handler = async () => 'x'.repeat(300000)");
    expect((await aws.runState(invoke("verbose"))).error).toBe("States.DataLimitExceeded");
  });
});

const lastPass = (parameters: object) => ({ ...pass(parameters), End: true });

describe("data", () => {
  it("flows through the intrinsic functions and the context object", async () => {
    const { output } = await aws.runState(
      pass({
        "merged.$": "States.JsonMerge($.defaults, $$.Execution.Input.overrides, false)",
        "text.$": "States.Format('{} of {} are {} {}', 3, $.share, true, $.defaults)",
        "name.$":
          "States.Format('{}-mining-{}', $.model, States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))",
        "entered.$": "$$.State.EnteredTime",
        "items.$": "$.list[*].n",
      }),
      { defaults: { a: 1, b: 2 }, overrides: { b: 3 }, share: 0.5, model: "m", list: [{ n: 1 }, { n: 2 }] },
    );
    expect(output).toMatchObject({
      merged: { a: 1, b: 3 },
      text: '3 of 0.5 are true {"a":1,"b":2}',
      name: expect.stringMatching(/^m-mining-[0-9a-f]{8}$/),
      entered: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      items: [1, 2],
    });
  });

  it("of the context object reaches ResultSelector", async () => {
    const { output } = await aws.runState(
      { ...invoke("echo"), ResultSelector: { "name.$": "$$.State.Name", "payload.$": "$.Payload" } },
      { a: 1 },
    );
    expect(output).toEqual({ name: "State", payload: { a: 1 } });
  });

  it("that is absent or null is told apart by IsPresent, and ends a comparison", async () => {
    const choose = (rule: object) => ({
      StartAt: "Choose",
      States: {
        Choose: { Type: "Choice", Choices: [{ ...rule, Next: "Yes" }], Default: "No" },
        Yes: { ...lastPass({ chosen: "yes" }) },
        No: { ...lastPass({ chosen: "no" }) },
      },
    });
    const chosen = async (rule: object, input: object) => (await aws.run(choose(rule), input)).output;
    expect(await chosen({ Variable: "$.x", IsPresent: true }, { x: null })).toEqual({ chosen: "yes" });
    expect(await chosen({ Variable: "$.x", IsPresent: true }, {})).toEqual({ chosen: "no" });
    expect(await chosen({ Variable: "$.x", IsPresent: false }, {})).toEqual({ chosen: "yes" });
    const guarded = {
      And: [
        { Variable: "$.x", IsPresent: true },
        { Variable: "$.x", NumericGreaterThan: 1 },
      ],
    };
    expect(await chosen(guarded, {})).toEqual({ chosen: "no" });
    expect(await aws.run(choose({ Variable: "$.x", NumericGreaterThan: 1 }), {})).toMatchObject({
      error: "States.Runtime",
    });
  });

  it("fails an intrinsic function that cannot work on it", async () => {
    expect((await aws.runState(pass({ "x.$": "States.StringToJson('not json')" }))).error).toBe(
      "States.IntrinsicFailure",
    );
    expect((await aws.runState(pass({ "x.$": "States.Format('{} {}', 1)" }))).error).toBe("States.IntrinsicFailure");
  });
});

describe("Map", () => {
  const loop = (ending: object) => ({
    Type: "Map",
    ItemsPath: "$.batches",
    MaxConcurrency: 10,
    ItemSelector: { "n.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "run.$": "$.run" },
    ItemProcessor: {
      ProcessorConfig: { Mode: "INLINE" },
      StartAt: "Count",
      States: {
        Count: {
          Type: "Pass",
          Parameters: { "n.$": "States.MathAdd($.n, -1)", "index.$": "$.index", "run.$": "$.run" },
          Next: "Wait",
        },
        Wait: { Type: "Wait", Seconds: 5, Next: "Check" },
        Check: { ...invoke("echo"), OutputPath: "$.Payload", Next: "Done?" },
        "Done?": {
          Type: "Choice",
          Choices: [{ Variable: "$.n", NumericGreaterThan: 0, Next: "Count" }],
          Default: "Last",
        },
        Last: ending,
      },
    },
  });

  it("runs loops of Choice, Wait and Task side by side, and its history shows them", async () => {
    const arn = await aws.startExecution(
      { StartAt: "Batches", States: { Batches: { ...loop({ Type: "Succeed" }), ResultPath: "$.results", End: true } } },
      { run: "r", batches: [1, 3] },
    );
    expect((await aws.finished(arn)).output).toEqual({
      run: "r",
      batches: [1, 3],
      results: [
        { n: 0, index: 0, run: "r" },
        { n: 0, index: 1, run: "r" },
      ],
    });
    const history = await aws.history(arn);
    const entered = history.map(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name);
    expect(entered.filter((name) => name === "Check")).toHaveLength(4);
    expect(history.map(({ id }) => id)).toEqual(history.map((_, index) => index + 1));
    const iterations = history.flatMap(({ mapIterationSucceededEventDetails: details }) => (details ? [details] : []));
    expect(iterations.map(({ name }) => name)).toEqual(["Batches", "Batches"]);
    expect(iterations.map(({ index }) => index).sort()).toEqual([0, 1]);
  });

  it("ends its other iterations when one fails, with that one's error", async () => {
    const failure = { Type: "Fail", Error: "BatchFailed", CausePath: "States.Format('batch {}', $.index)" };
    const { error, cause } = await aws.run(
      { StartAt: "Batches", States: { Batches: { ...loop(failure), End: true } } },
      // So many rounds would outlast the test.
      { run: "r", batches: [100_000, 1] },
    );
    expect({ error, cause }).toEqual({ error: "BatchFailed", cause: "batch 1" });
  });

  it("ends with the execution, also where it never waits", async () => {
    const map = loop({ Type: "Succeed" });
    map.ItemProcessor.States.Count.Next = "Check";
    const arn = await aws.startExecution(
      { StartAt: "Batches", States: { Batches: { ...map, End: true } } },
      { run: "r", batches: [100_000] },
    );
    const lastEvent = async () => {
      const command = new GetExecutionHistoryCommand({ executionArn: arn, reverseOrder: true, maxResults: 1 });
      return (await aws.stepFunctions.send(command)).events?.[0]?.id ?? 0;
    };
    await expect.poll(lastEvent).toBeGreaterThan(5);
    await aws.stepFunctions.send(new StopExecutionCommand({ executionArn: arn }));
    await sleep(300);
    const last = await lastEvent();
    await sleep(300);
    expect(await lastEvent()).toBe(last);
    expect((await aws.finished(arn)).status).toBe("ABORTED");
  });
});

it("tells a state machine's tracing configuration, also after an update", async () => {
  const machine = { name: "traced", roleArn: "arn:aws:iam::000000000000:role/test", definition: "{}" };
  const { stateMachineArn } = await aws.stepFunctions.send(
    new CreateStateMachineCommand({ ...machine, tracingConfiguration: { enabled: true } }),
  );
  const described = async () =>
    (await aws.stepFunctions.send(new DescribeStateMachineCommand({ stateMachineArn }))).tracingConfiguration;
  expect(await described()).toEqual({ enabled: true });
  await aws.stepFunctions.send(
    new UpdateStateMachineCommand({ stateMachineArn, tracingConfiguration: { enabled: false } }),
  );
  expect(await described()).toEqual({ enabled: false });
});
