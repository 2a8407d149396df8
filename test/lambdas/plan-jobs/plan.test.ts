import { describe, expect, it } from "vitest";
import { PlanRequest, planJobs } from "../../../lambdas/plan-jobs/plan.ts";
import {
  estimatedSeconds,
  LONGEST_RUNTIME,
  runtimeLimit,
  type Work,
} from "../../../lambdas/plan-jobs/runtime-limits.ts";
import { hasLocalStorage } from "../../../lambdas/shared/aws/instance-type.ts";
import { PARAMETER_NAMES, parameter } from "../../../pipeline/parameters/table.ts";

const DEFAULTS = PlanRequest.shape.parameters.parse(
  Object.fromEntries(PARAMETER_NAMES.map((name) => [name, parameter(name).default])),
);
const request = (parameters: Partial<PlanRequest["parameters"]> = {}): PlanRequest => ({
  document_count: 100_000,
  query_record_count: 20_000,
  volume_size_gb: 100,
  volume_kms_key_id: "",
  parameters: { ...DEFAULTS, ...parameters },
});
const WORK: Work = request();

describe("the plan of the jobs", () => {
  it("puts the jobs with checkpoints on spot instances by default, and waits for those", () => {
    const plan = planJobs(request());
    for (const stage of ["scoring", "training"] as const) {
      const { use_spot_instances: spot, stopping_condition: limits, timeout } = plan[stage];
      expect(spot).toBe(true);
      expect(limits.MaxWaitTimeInSeconds).toBe(limits.MaxRuntimeInSeconds + DEFAULTS.spot_wait_seconds);
      expect(timeout).toBeGreaterThan(limits.MaxWaitTimeInSeconds ?? 0);
    }
    for (const stage of ["mining", "evaluation"] as const) {
      expect(plan[stage].use_spot_instances).toBe(false);
      expect(plan[stage].stopping_condition).not.toHaveProperty("MaxWaitTimeInSeconds");
      expect(plan[stage].timeout).toBeGreaterThan(plan[stage].stopping_condition.MaxRuntimeInSeconds);
    }
  });

  it("encrypts volumes with the key where SageMaker takes one", () => {
    const key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd";
    const plan = planJobs({ ...request({ training_instance_type: "ml.p3.2xlarge" }), volume_kms_key_id: key });
    expect(plan.mining.resource_config.VolumeKmsKeyId).toBe(key);
    expect(plan.training.resource_config.VolumeKmsKeyId).toBe(key);
    for (const stage of ["scoring", "evaluation"] as const) {
      expect(plan[stage].resource_config).not.toHaveProperty("VolumeKmsKeyId");
    }
    for (const type of ["ml.g4dn.xlarge", "ml.g6e.12xlarge", "ml.p4d.24xlarge", "ml.p5en.48xlarge", "ml.c5d.xlarge"]) {
      expect(hasLocalStorage(type), type).toBe(true);
    }
    for (const type of ["ml.c5.4xlarge", "ml.m5.large", "ml.p3.2xlarge", "ml.c6gn.large"]) {
      expect(hasLocalStorage(type), type).toBe(false);
    }
  });

  it("runs every job on demand when told so, kept warm when told so", () => {
    const plan = planJobs(request({ use_spot_instances: false, keep_alive_seconds: 1800 }));
    for (const job of Object.values(plan)) {
      expect(job.use_spot_instances).toBe(false);
      expect(job.stopping_condition).not.toHaveProperty("MaxWaitTimeInSeconds");
      expect(job.resource_config.KeepAlivePeriodInSeconds).toBe(1800);
    }
    expect(planJobs(request()).mining.resource_config).toEqual({
      InstanceType: "ml.c5.4xlarge",
      InstanceCount: 1,
      VolumeSizeInGB: 100,
    });
  });

  it("gives scoring and training as many instances as asked for", () => {
    const plan = planJobs(request({ scoring_instance_count: 3, training_instance_count: 2 }));
    const counts = Object.values(plan).map((job) => job.resource_config.InstanceCount);
    expect(counts).toEqual([1, 3, 2, 1]);
  });

  it("takes a limit that is given for every job", () => {
    const plan = planJobs(request({ max_job_runtime_seconds: 7200 }));
    for (const job of Object.values(plan)) expect(job.stopping_condition.MaxRuntimeInSeconds).toBe(7200);
  });
});

describe("the limits derived from the work", () => {
  it("grow with what each stage has to do", () => {
    const base = estimatedSeconds(WORK, true);
    const counted = (change: Partial<Work>) => estimatedSeconds({ ...WORK, ...change }, true);
    const more = (change: Partial<Work["parameters"]>) => counted({ parameters: { ...WORK.parameters, ...change } });
    expect(counted({ document_count: 200_000 }).mining).toBeGreaterThan(base.mining);
    expect(counted({ query_record_count: 40_000 }).scoring).toBeCloseTo(2 * base.scoring);
    expect(more({ scoring_max_negatives: 9 }).scoring).toBeCloseTo(2 * base.scoring);
    expect(more({ max_steps: 1000 }).training).toBeCloseTo(2 * base.training);
    expect(more({ max_steps: 250 }).scoring).toBe(base.scoring);
    expect(more({ max_evaluation_documents: 10_000 }).evaluation).toBeLessThan(base.evaluation);
    expect(more({ judge_model_id: "a/judge" }).evaluation).toBeGreaterThan(base.evaluation);
    expect(more({ dense_candidates: true }).mining).toBeGreaterThan(base.mining + 1_000);
    expect(more({ general_collection_uri: "s3://a/b/" }).evaluation).toBeGreaterThan(base.evaluation);
    expect(estimatedSeconds(WORK, false).training).toBeGreaterThan(10 * base.training);
  });

  it("count the rows of one epoch when there is no number of steps", () => {
    // 100,000 queries, each cut into two rows of two negatives.
    const epoch = estimatedSeconds(request({ max_steps: -1 }), true).training;
    const steps = estimatedSeconds(request({ max_steps: 200_000 / 128 }), true).training;
    expect(epoch).toBeCloseTo(steps);
  });

  it("leave the default run the half million pairs that four hours did not suffice for", () => {
    // At 9 pairs a second, the estimate for an A10G, and 300 tokens each.
    expect(runtimeLimit(estimatedSeconds(WORK, true).scoring)).toBeGreaterThan(500_000 / 9);
  });

  it("are an hour at least, whole minutes, and never more than SageMaker lets a job run", () => {
    expect(runtimeLimit(0)).toBe(3600);
    expect(runtimeLimit(1) % 60).toBe(0);
    const largest: Work = {
      ...request({ queries_per_document: 10 }),
      document_count: 10_000_000,
      query_record_count: 100_000,
    };
    expect(runtimeLimit(estimatedSeconds(largest, false).scoring)).toBe(LONGEST_RUNTIME);
  });
});
