/**
 * Redrive of the pipeline's own states on MiniStack; LocalStack 4.14.0 has no RedriveExecution. It is held to
 * "Restarting state machine executions with redrive in Step Functions" of the Developer Guide: what succeeded does not run again, a
 * task is started anew, a Choice is judged again, of a Map only the iterations that did not succeed go on.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { failureOf } from "../../../lambdas/report-execution/failure.ts";
import { DEPLOYMENT_START, deploymentStates } from "../../../modules/workflow/deployment/deployment.ts";
import { jobStates } from "../../../modules/workflow/jobs.ts";
import { queryStates } from "../../../modules/workflow/queries.ts";
import { redrivePauses } from "../../../pipeline/execution-history.ts";
import { FUNCTION_NAMES } from "../../../pipeline/functions.ts";
import { JOB_STAGES } from "../../../pipeline/stages.ts";
import { DEFINITION_INPUTS } from "../../modules/workflow/definition-inputs.ts";
import { type EmulatedAws, type StubAnswer, type StubRequest, startEmulatedAws, startStub } from "./emulated-aws.ts";

const INPUTS = {
  ...DEFINITION_INPUTS,
  functions: Object.fromEntries(
    FUNCTION_NAMES.map((name) => [name, { arn: name, timeout: 10 }]),
  ) as typeof DEFINITION_INPUTS.functions,
  endpointPollSeconds: 1,
};
const DOCUMENT = {
  parameters: {
    model_name: "products",
    model_type: "dense",
    bedrock_model_id: "nova",
    max_query_documents: 10,
    queries_per_document: 1,
    sample_query_uri: "",
    judgements_uri: "",
    general_collection_uri: "",
    inference_instance_type: "ml.g5.xlarge",
    initial_instance_count: 1,
    max_instance_count: 0,
  },
  hyperparameters: Object.fromEntries(JOB_STAGES.map((stage) => [stage, { sagemaker_program: `${stage}.py` }])),
  images: { ...Object.fromEntries(JOB_STAGES.map((stage) => [stage, "image"])), serving: "image" },
  run: { uri: "s3://bucket/runs/x/", results_uri: "s3://bucket/results/x/" },
  training: { artifact_uri: "s3://bucket/model.tar.gz" },
  corpus: { corpus_uri: "s3://bucket/runs/x/corpus/", document_count: 10 },
};
const PLAN = {
  resource_config: { InstanceType: "ml.m5.xlarge", InstanceCount: 1, VolumeSizeInGB: 100 },
  stopping_condition: { MaxRuntimeInSeconds: 60 },
  use_spot_instances: false,
  timeout: 60,
};

let aws: EmulatedAws;
let stub: Awaited<ReturnType<typeof startStub>>;
/** What fails, until a test mends it: a stage's job, the Bedrock job of batch 1, the endpoint. */
const broken = new Set<string>();
/** Configurations of the endpoints that failed: they stay so until they are deleted. */
const neverCameUp = new Set<string>();

function answer({ action, body }: StubRequest): StubAnswer {
  const job = String(body.TrainingJobName ?? "");
  switch (action) {
    case "POST /orchestrator":
      return { body: orchestrate(body) };
    case "CreateTrainingJob":
      return { body: { TrainingJobArn: `arn:${job}` } };
    case "DescribeTrainingJob":
      return {
        body: JOB_STAGES.some((stage) => broken.has(stage) && job.includes(`-${stage}-`))
          ? { TrainingJobName: job, TrainingJobStatus: "Failed", FailureReason: "AlgorithmError: no such teacher" }
          : {
              TrainingJobName: job,
              TrainingJobStatus: "Completed",
              ModelArtifacts: { S3ModelArtifacts: `s3://bucket/${job}` },
            },
      };
    case "DescribeEndpoint": {
      const config = stub.requests.findLast((request) => request.action === "CreateEndpoint")?.body.EndpointConfigName;
      const deleted = stub.actions().lastIndexOf("DeleteEndpoint") > stub.actions().lastIndexOf("CreateEndpoint");
      if (config === undefined || deleted) {
        return { status: 400, body: { __type: "ValidationException", message: "Could not find endpoint" } };
      }
      if (broken.has("endpoint")) neverCameUp.add(String(config));
      const status = neverCameUp.has(String(config))
        ? { EndpointStatus: "Failed", FailureReason: "no capacity" }
        : { EndpointStatus: "InService" };
      return { body: { EndpointName: "products-endpoint", EndpointConfigName: config, ...status } };
    }
    default:
      return { body: {} };
  }
}

function orchestrate({ action, batch, job }: Record<string, unknown>): unknown {
  if (action === "prepare_input") {
    return {
      batches: [0, 1, 2].map((batch_index) => ({ batch_index })),
      record_count: 3,
      records_uri: "r",
      output_uri: "o",
    };
  }
  if (action === "create_job") return { mode: "on_demand", job_arn: "job", batch };
  const index = (job as { batch: { batch_index: number } }).batch.batch_index;
  const failed = index === 1 && broken.has("batch");
  return {
    status: failed ? "Failed" : "Completed",
    retry_batch: null,
    succeeded: failed ? 0 : 1,
    failed: failed ? 1 : 0,
    failure: failed ? "Bedrock job 1 ended as Failed: no quota" : null,
  };
}

beforeAll(async () => {
  stub = await startStub(answer);
  aws = await startEmulatedAws({ serviceEndpoints: { sagemaker: stub.url }, waitScale: 0.01 });
  await aws.deploy(
    "bedrock-orchestrator",
    `exports.handler = async (event) => {
       const response = await fetch(${JSON.stringify(`${stub.url}/orchestrator`)}, { method: "POST", body: JSON.stringify(event) });
       return response.json();
     }`,
  );
  await aws.deploy(
    "plan-jobs",
    `exports.handler = async () => (${JSON.stringify(Object.fromEntries(JOB_STAGES.map((stage) => [stage, PLAN])))})`,
  );
});
afterAll(async () => {
  await aws?.stop();
  await stub?.stop();
});
afterEach(() => {
  broken.clear();
  stub.requests.length = 0;
});

const jobsOf = (stage: string) =>
  stub.requests
    .filter(({ action, body }) => action === "CreateTrainingJob" && String(body.TrainingJobName).includes(`-${stage}-`))
    .map(({ body }) => body.TrainingJobName);
const batchesOf = (wanted: string) =>
  stub.requests
    .filter(({ body }) => body.action === wanted)
    .map(({ body }) => (body.batch as { batch_index: number }).batch_index)
    .sort();

/** Runs states to the failure that is wanted of them, and tells where and why they failed. */
async function fail(definition: object) {
  const arn = await aws.startExecution(definition, DOCUMENT);
  const { status, error, cause } = await aws.finished(arn);
  return { arn, error, failure: failureOf({ status: status as "FAILED", error, cause }, await aws.history(arn)) };
}

describe("a redriven execution", () => {
  const training = {
    StartAt: "PrepareQueries",
    States: { ...queryStates(INPUTS, "PlanJobs"), ...jobStates(INPUTS, "Done"), Done: { Type: "Succeed" } },
  };

  it("continues from the job that failed, under another name, and runs nothing before it again", async () => {
    broken.add("scoring");
    const { arn, error, failure } = await fail(training);
    expect(error).toBe("States.TaskFailed");
    expect(failure).toEqual({
      stage: "scoring",
      task: "ScoreWithTeacher",
      error: undefined,
      cause: "AlgorithmError: no such teacher",
    });
    broken.clear();
    const { status, output } = await aws.redrive(arn);
    expect(status).toBe("SUCCEEDED");
    expect(batchesOf("create_job")).toEqual([0, 1, 2]);
    expect(JOB_STAGES.map((stage) => jobsOf(stage).length)).toEqual([1, 2, 1, 1]);
    const [first, second] = jobsOf("scoring");
    expect(second).not.toBe(first);
    expect(output).toMatchObject({ scoring: { job_name: second } });
    expect(redrivePauses(await aws.history(arn))).toHaveLength(1);
  });

  it("fails again where the cause is not gone, and can be redriven again", async () => {
    broken.add("mining");
    const { arn } = await fail(training);
    expect(await aws.redrive(arn)).toMatchObject({ status: "FAILED", error: "States.TaskFailed" });
    broken.clear();
    expect((await aws.redrive(arn)).status).toBe("SUCCEEDED");
    expect(jobsOf("mining")).toHaveLength(3);
  });

  it("asks only the batch again whose Bedrock job failed", async () => {
    broken.add("batch");
    const { arn, failure } = await fail(training);
    expect(failure).toEqual({
      stage: "queries",
      task: "CheckQueryJob",
      error: "QueryJobFailed",
      cause: "Bedrock job 1 ended as Failed: no quota",
    });
    expect(await aws.redrive(arn)).toMatchObject({ status: "FAILED" });
    broken.clear();
    const { status, output } = await aws.redrive(arn);
    expect(status).toBe("SUCCEEDED");
    const made = batchesOf("create_job");
    expect(made.filter((index) => index !== 1)).toEqual([0, 2]);
    expect(made.filter((index) => index === 1)).toHaveLength(3);
    expect(output).toMatchObject({ query_jobs: [0, 1, 2].map((batch_index) => ({ batch_index, succeeded: 1 })) });
  });

  it("deploys again what did not come up, with a model and a configuration of new names", async () => {
    broken.add("endpoint");
    const { arn, failure } = await fail({
      StartAt: DEPLOYMENT_START,
      States: {
        ...deploymentStates(
          { ...INPUTS, pollSeconds: 1, deleteSuperseded: INPUTS.functions["delete-superseded-models"] },
          "Done",
        ),
        Done: { Type: "Succeed" },
      },
    });
    expect(failure).toMatchObject({
      stage: "deployment",
      task: "CheckEndpoint",
      error: "EndpointFailed",
      cause: "no capacity",
    });
    const failed = stub.requests.findLast(({ action }) => action === "CreateEndpoint")?.body.EndpointConfigName;
    broken.clear();
    expect((await aws.redrive(arn)).status).toBe("SUCCEEDED");
    const actions = ["DeleteEndpoint", "CreateModel", "CreateEndpointConfig", "CreateEndpoint"];
    expect(actions.map((action) => stub.actions().filter((one) => one === action).length)).toEqual([1, 2, 2, 2]);
    expect(stub.requests.findLast(({ action }) => action === "CreateEndpoint")?.body.EndpointConfigName).not.toBe(
      failed,
    );
  });
});
