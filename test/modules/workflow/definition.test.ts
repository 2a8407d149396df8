import aslValidator from "asl-validator";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { PlanRequest, planJobs } from "../../../lambdas/plan-jobs/plan.ts";
import { EXECUTION_TIMEOUT, pipelineDefinition } from "../../../modules/workflow/definition.ts";
import { MAX_ENDPOINT_POLLS } from "../../../modules/workflow/deployment/polling.ts";
import { QUERY_JOB_CONCURRENCY } from "../../../modules/workflow/queries.ts";
import { PARAMETER_NAMES, parameter } from "../../../pipeline/parameters/table.ts";
import { JOB_STAGES, JOBS, STAGE_IDS, STAGES, stageOfTask } from "../../../pipeline/stages.ts";
import { type AslState, allStates, topStates } from "./asl.ts";
import { DEFINITION_INPUTS } from "./definition-inputs.ts";

/** Parameters under which jobs may take longest. */
const SPOT: PlanRequest["parameters"] = {
  ...PlanRequest.shape.parameters.parse(
    Object.fromEntries(PARAMETER_NAMES.map((name) => [name, parameter(name).default])),
  ),
  use_spot_instances: true,
  spot_wait_seconds: parameter("spot_wait_seconds").rule.max ?? 0,
  max_job_runtime_seconds: parameter("max_job_runtime_seconds").rule.max ?? 0,
};
const definition = pipelineDefinition(DEFINITION_INPUTS);
const states = allStates(definition);
const tasks = states.filter(([, { Type }]) => Type === "Task");

function state(name: string): AslState {
  const found = states.find(([id]) => id === name);
  if (found === undefined) throw new Error(`no state ${name}`);
  return found[1];
}

/** Paths and intrinsics in a state, whatever field they are in. */
function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(strings);
}

describe("the state machine's definition", () => {
  it("is valid in the Amazon States Language", () => {
    const result = aslValidator(structuredClone(definition));
    expect(result.errors).toEqual([]);
    expect(result.isValid).toBe(true);
  });

  it.each(tasks)("%s is retried and timed out", (_name, task) => {
    expect(task.Retry?.length).toBeGreaterThan(0);
    for (const retrier of task.Retry ?? []) {
      expect(retrier.MaxAttempts).toBeGreaterThan(0);
      expect(retrier.MaxDelaySeconds).toBeGreaterThan(0);
      expect(retrier.JitterStrategy).toBe("FULL");
      // A job that failed would only fail again, at the price of the first time.
      expect(retrier.ErrorEquals).not.toContain("States.TaskFailed");
      expect(retrier.ErrorEquals).not.toContain("States.ALL");
    }
    if (task.TimeoutSecondsPath === undefined) expect(task.TimeoutSeconds).toBeGreaterThan(0);
  });

  it("catches errors only where the pipeline goes on, so that a redrive continues from the task that failed", () => {
    const caught = states.flatMap(([name, { Catch }]) =>
      (Catch ?? []).map(({ ErrorEquals, Next }) => `${name} ${ErrorEquals.join()} -> ${Next}`),
    );
    expect(caught.sort()).toEqual([
      "DeleteSuperseded States.ALL -> ShouldRegister",
      "DescribeEndpoint States.ALL -> EndpointMissing",
      "LimitInstances ApplicationAutoScaling.ValidationException -> LimitTaggedInstances",
      "StopScaling ApplicationAutoScaling.ObjectNotFoundException -> InstancesDuringUpdate",
    ]);
  });

  it("has no Fail state, which a redrive would only enter again; a Choice without a default can be left by a redrive", () => {
    expect(states.filter(([, { Type }]) => Type === "Fail")).toEqual([]);
    const failing = states.filter(([, one]) => one.Type === "Choice" && one.Default === undefined);
    expect(failing.map(([name]) => name)).toEqual(["QueryGenerationFailed", "DeploymentFailed"]);
    for (const [name, { Choices }] of failing) {
      const [rule, ...others] = z
        .array(z.object({ And: z.array(z.looseObject({ Variable: z.string() })), Next: z.string() }))
        .parse(Choices);
      expect(others, name).toEqual([]);
      expect(rule?.And.map(({ Variable }) => Variable)).toEqual([
        "$$.Execution.RedriveCount",
        "$$.Execution.RedriveCount",
      ]);
      const remembered = state(rule?.Next ?? "");
      expect(remembered).toMatchObject({ InputPath: "$$.Execution.RedriveCount" });
      expect(rule?.And[1]?.NumericGreaterThanPath).toBe(remembered.ResultPath);
      // Whoever reports the failure finds the reason there.
      const reasons = states.filter(([, { Next }]) => Next === name).map(([, one]) => one);
      expect(reasons.length).toBeGreaterThan(0);
      for (const reason of reasons) expect(reason.ResultPath).toBe("$.failure");
    }
  });

  it("has each of its tasks in one stage, and each stage's tasks", () => {
    const ofStages = STAGE_IDS.flatMap((id) => [...STAGES[id].tasks] as string[]);
    expect(ofStages.toSorted()).toEqual(tasks.map(([name]) => name).toSorted());
    for (const [name, { Resource }] of tasks) {
      if (Resource?.endsWith("createTrainingJob.sync")) expect(JOB_STAGES).toContain(stageOfTask(name));
    }
  });

  it("gives every job the instance, the limits and the timeout that were planned for it", () => {
    const jobs = tasks.filter(([, { Resource }]) => Resource?.endsWith("createTrainingJob.sync"));
    expect(jobs.map(([name]) => name)).toEqual([
      "MineHardNegatives",
      "ScoreWithTeacher",
      "TrainModel",
      "EvaluateModel",
    ]);
    for (const [position, [, job]] of jobs.entries()) {
      const plan = `$.jobs.${JOB_STAGES[position]}`;
      expect(job.TimeoutSecondsPath).toBe(`${plan}.timeout`);
      expect(job.Parameters).toMatchObject({
        "ResourceConfig.$": `${plan}.resource_config`,
        "StoppingCondition.$": `${plan}.stopping_condition`,
        "EnableManagedSpotTraining.$": `${plan}.use_spot_instances`,
        Tags: DEFINITION_INPUTS.tags.list,
      });
    }
  });

  it("gives checkpoints to the jobs that may run on spot instances, and to no other", () => {
    const planned = planJobs({
      document_count: 1,
      query_record_count: 1,
      volume_size_gb: 100,
      volume_kms_key_id: "",
      parameters: SPOT,
    });
    for (const stage of JOB_STAGES) {
      expect(planned[stage].use_spot_instances, stage).toBe(JOBS[stage].checkpoints);
    }
  });

  it("gives the evaluation the channels for which there is an input", () => {
    const states = Object.fromEntries(topStates(definition));
    const optionalChannels = (name: string) =>
      z
        .object({ channels: z.array(z.object({ ChannelName: z.string() })) })
        .parse(states[name]?.Parameters)
        .channels.map(({ ChannelName }) => ChannelName)
        .filter((channel) => ["judgements", "general"].includes(channel));
    const empty = (parameter: string) => ({ Variable: `$.parameters.${parameter}`, StringEquals: "" });
    const choice = states.ChooseEvaluationInputs;
    expect(choice?.Choices).toEqual([
      { And: [empty("judgements_uri"), empty("general_collection_uri")], Next: "EvaluateOnHeldOut" },
      { ...empty("general_collection_uri"), Next: "EvaluateWithJudgements" },
      { ...empty("judgements_uri"), Next: "EvaluateWithGeneral" },
    ]);
    expect(optionalChannels("EvaluateOnHeldOut")).toEqual([]);
    expect(optionalChannels("EvaluateWithJudgements")).toEqual(["judgements"]);
    expect(optionalChannels("EvaluateWithGeneral")).toEqual(["general"]);
    expect(optionalChannels(choice?.Default ?? "")).toEqual(["judgements", "general"]);
  });

  it("names jobs anew each time the state runs", () => {
    for (const stage of JOB_STAGES) {
      const names = tasks.flatMap(([, { Parameters }]) => {
        const name = (Parameters as Record<string, unknown>)["TrainingJobName.$"];
        return typeof name === "string" && name.includes(`-${stage}-`) ? [name] : [];
      });
      expect(names).toHaveLength(1);
      expect(names[0]).toContain("States.UUID()");
      const longest = `${"m".repeat(40)}-${stage}-12345678`;
      expect(longest.length).toBeLessThanOrEqual(63);
    }
  });

  it("uses nothing that one of the engines lacks", () => {
    const json = JSON.stringify(definition);
    expect(json).not.toMatch(/JSONata|DISTRIBUTED|ItemReader|ResultWriter|waitForTaskToken|"Assign"/);
    const paths = states.flatMap(([, one]) => strings(one)).filter((text) => /^\$|^States\./.test(text));
    expect(paths.length).toBeGreaterThan(50);
    for (const path of paths) {
      // Slices, filters, wildcards and recursive descent give different results, or none.
      expect(path).not.toMatch(/\[[^\]]*[:?]|\[\*\]|\.\./);
    }
    // The context object is not there in a ResultSelector.
    for (const [, { ResultSelector }] of states) expect(JSON.stringify(ResultSelector ?? {})).not.toContain("$$");
    const resources = new Set(tasks.map(([, { Resource }]) => Resource));
    expect([...resources].sort()).toEqual([
      "arn:aws:states:::aws-sdk:applicationautoscaling:deregisterScalableTarget",
      "arn:aws:states:::aws-sdk:applicationautoscaling:putScalingPolicy",
      "arn:aws:states:::aws-sdk:applicationautoscaling:registerScalableTarget",
      "arn:aws:states:::aws-sdk:s3:getObject",
      "arn:aws:states:::aws-sdk:sagemaker:deleteEndpoint",
      "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
      "arn:aws:states:::lambda:invoke",
      "arn:aws:states:::sagemaker:createEndpoint",
      "arn:aws:states:::sagemaker:createEndpointConfig",
      "arn:aws:states:::sagemaker:createModel",
      "arn:aws:states:::sagemaker:createTrainingJob.sync",
      "arn:aws:states:::sagemaker:updateEndpoint",
    ]);
  });

  it("stays within Step Functions' 25,000 events, however long Bedrock and the endpoint take", () => {
    // Enter, leave: 2 events a state; a task has TaskScheduled, TaskStarted and TaskSucceeded besides.
    const [plain, task] = [2, 5];
    const day = 24 * 3600;
    const pollSeconds = Number(parameter("query_poll_seconds").default);
    // Wait, check, status. A batch is tried twice, each time at most a day: the least time-out Bedrock takes.
    const queryEvents = QUERY_JOB_CONCURRENCY * ((2 * day) / pollSeconds) * (plain + task + plain);
    // Wait, count, check, status.
    const endpointEvents = MAX_ENDPOINT_POLLS * (plain + plain + task + plain);
    const everythingElse = 100 * task;
    expect(queryEvents + endpointEvents + everythingElse).toBeLessThan(25_000);
  });

  it("lives longer than its stages at their limits together", () => {
    const longest = planJobs({
      document_count: 1,
      query_record_count: 1,
      volume_size_gb: 100,
      volume_kms_key_id: "",
      parameters: SPOT,
    });
    const jobs = JOB_STAGES.reduce((sum, stage) => sum + longest[stage].timeout, 0);
    const [bedrock, endpoint] = [2 * 24 * 3600, MAX_ENDPOINT_POLLS * 30];
    expect(jobs + bedrock + endpoint).toBeLessThan(EXECUTION_TIMEOUT);
  });

  it("passes what the jobs read by the names that their scripts know", () => {
    const channels = Object.fromEntries(
      JOB_STAGES.map((stage) => [stage, JOBS[stage].channels.map(({ name }) => name)]),
    );
    expect(channels).toEqual({
      mining: ["corpus", "records", "generated"],
      scoring: ["training-data"],
      training: ["scores"],
      evaluation: ["corpus", "training-data", "model"],
    });
  });
});
