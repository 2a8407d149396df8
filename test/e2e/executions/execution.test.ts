import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { BedrockClient, ListModelInvocationJobsCommand } from "@aws-sdk/client-bedrock";
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Executions, endOf } from "../../../e2e/executions/execution.ts";
import type { Progress } from "../../../e2e/progress.ts";

const STALL_MS = 2_000;
const stepFunctions = mockClient(SFNClient);
const bedrock = mockClient(BedrockClient);

const entered = (name: string) =>
  ({ type: "TaskStateEntered", stateEnteredEventDetails: { name }, timestamp: new Date() }) as HistoryEvent;
const scheduled = (parameters: unknown) =>
  ({
    type: "TaskScheduled",
    taskScheduledEventDetails: { parameters: JSON.stringify(parameters) },
    timestamp: new Date(),
  }) as HistoryEvent;

describe("an execution that is followed", () => {
  let directory: string;
  let log: string;
  let history: HistoryEvent[];
  let status: "RUNNING" | "SUCCEEDED" | "ABORTED";
  let progress: Progress[];
  const started = () => Date.now();

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "execution-"));
    log = path.join(directory, "job-1.log");
    history = [];
    status = "RUNNING";
    progress = [];
    stepFunctions.reset();
    bedrock.reset();
    stepFunctions.on(StartExecutionCommand).resolves({ executionArn: "arn:execution" });
    stepFunctions.on(DescribeExecutionCommand).callsFake(() => ({ status }));
    stepFunctions.on(GetExecutionHistoryCommand).callsFake(() => ({ events: [...history] }));
    stepFunctions.on(StopExecutionCommand).callsFake(() => {
      status = "ABORTED";
      return {};
    });
    bedrock.on(ListModelInvocationJobsCommand).resolves({ invocationJobSummaries: [] });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const run = (stopAt?: string) =>
    new Executions({
      stepFunctions: new SFNClient({ region: "us-east-1" }),
      bedrock: new BedrockClient({ region: "us-east-1" }),
      stateMachineArn: "arn:machine",
      trainingJobLog: (name) => path.join(directory, `${name}.log`),
      stallMs: STALL_MS,
    }).run({
      name: "monday",
      input: {},
      onProgress: (made) => progress.push(made),
      ...(stopAt === undefined ? {} : { stopAt }),
    });

  it("goes on for as long as its job writes to its log", async () => {
    history = [entered("TrainModel"), scheduled({ TrainingJobName: "job-1" })];
    await writeFile(log, "");
    const begun = started();
    let step = 0;
    const training = setInterval(() => {
      step += 1;
      void appendFile(log, `loss=0.5 step=${step} of=11 learning_rate=1 epoch=1\n`);
      if (step === 11) status = "SUCCEEDED";
    }, 400);
    try {
      expect(await run()).toMatchObject({ status: "SUCCEEDED" });
    } finally {
      clearInterval(training);
    }
    expect(Date.now() - begun).toBeGreaterThan(2 * STALL_MS);
    expect(progress[0]).toEqual({ done: 1, total: 11, unit: "steps" });
  });

  it("is stopped when nothing moves, naming the stage and its log", async () => {
    history = [entered("TrainModel"), scheduled({ TrainingJobName: "job-1" })];
    const result = await run();
    expect(result).toMatchObject({ status: "ABORTED", error: "ExecutionStalled" });
    expect(endOf(result)).toMatch(/Nothing moved for 2 s in stage 5 training \(state TrainModel\): .*Its log: /);
    expect(result.cause).toContain(log);
  });

  it("is stopped when it only polls", async () => {
    const polling = setInterval(() => {
      history.push(
        entered("CheckQueryJob"),
        scheduled({ FunctionName: "arn:aws:lambda:eu-west-1:1:function:orchestrator" }),
      );
    }, 200);
    try {
      const result = await run();
      expect(result.error).toBe("ExecutionStalled");
      expect(result.cause).toContain("in stage 2 query generation (state CheckQueryJob)");
      expect(result.cause).toContain("Its log: CloudWatch Logs group /aws/lambda/orchestrator");
    } finally {
      clearInterval(polling);
    }
  });

  it("tells how many records Bedrock has answered", async () => {
    history = [entered("CheckQueryJob")];
    bedrock.on(ListModelInvocationJobsCommand).callsFake(() => {
      status = "SUCCEEDED";
      return { invocationJobSummaries: [{ jobArn: "arn:job", processedRecordCount: 40, totalRecordCount: 250 }] };
    });
    await run();
    expect(progress).toEqual([{ done: 40, total: 250, unit: "query records" }]);
  });

  it("is stopped where it is told to", async () => {
    history = [entered("MineHardNegatives")];
    expect(await run("MineHardNegatives")).toMatchObject({ status: "ABORTED" });
    expect(stepFunctions.commandCalls(StopExecutionCommand)[0]?.args[0].input).toMatchObject({ error: "Stopped" });
  });
});
