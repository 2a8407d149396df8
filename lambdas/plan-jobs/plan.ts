import { z } from "zod";
import { valuesSchema } from "../../pipeline/parameters/values.ts";
import { JOB_STAGES, JOBS, type JobStage } from "../../pipeline/stages.ts";
import { hasGpu, hasLocalStorage } from "../shared/aws/instance-type.ts";
import { estimatedSeconds, runtimeLimit, type Work } from "./runtime-limits.ts";

/** The event of plan-jobs: the execution's parameters and what is known of its work. */
export const PlanRequest = z.object({
  document_count: z.number().int().nonnegative(),
  query_record_count: z.number().int().nonnegative(),
  volume_size_gb: z.number().int().positive(),
  /** ARN of the key of the jobs' volumes; empty for SageMaker's own. */
  volume_kms_key_id: z.string(),
  parameters: valuesSchema([
    "processing_instance_type",
    "scoring_instance_type",
    "training_instance_type",
    "scoring_instance_count",
    "training_instance_count",
    "queries_per_document",
    "scoring_max_negatives",
    "num_negatives",
    "max_seq_length",
    "max_steps",
    "total_batch_size",
    "max_evaluation_documents",
    "judge_model_id",
    "dense_candidates",
    "general_collection_uri",
    "use_spot_instances",
    "spot_wait_seconds",
    "keep_alive_seconds",
    "max_job_runtime_seconds",
  ]),
});
export type PlanRequest = z.infer<typeof PlanRequest>;

/** What CreateTrainingJob is told about a job's machine and time, and how long the state machine waits for it. */
export interface JobPlan {
  readonly resource_config: {
    readonly InstanceType: string;
    readonly InstanceCount: number;
    readonly VolumeSizeInGB: number;
    readonly VolumeKmsKeyId?: string;
    readonly KeepAlivePeriodInSeconds?: number;
  };
  readonly stopping_condition: { readonly MaxRuntimeInSeconds: number; readonly MaxWaitTimeInSeconds?: number };
  readonly use_spot_instances: boolean;
  /** Seconds after which the state machine gives the job up: SageMaker's own limits come first. */
  readonly timeout: number;
}

/** Seconds that a job may wait for an on-demand instance, on top of its run time. */
export const CAPACITY_WAIT = 7_200;
/** Seconds in which SageMaker ends a job that has reached its limit, and uploads what there is. */
const STOPPING_SLACK = 900;

/** Plans each job: its instance, whether that is a spot instance, and its limits, derived from the work unless they are given. */
export function planJobs({ parameters, ...request }: PlanRequest): Record<JobStage, JobPlan> {
  const work: Work = { ...request, parameters };
  const plan = (stage: JobStage): JobPlan => {
    const job = JOBS[stage];
    const instanceType = parameters[job.instanceType];
    const runtime =
      parameters.max_job_runtime_seconds || runtimeLimit(estimatedSeconds(work, hasGpu(instanceType))[stage]);
    // An interruption costs a job with checkpoints minutes. The others would begin anew.
    const spot = parameters.use_spot_instances && job.checkpoints;
    const wait = runtime + parameters.spot_wait_seconds;
    return {
      resource_config: {
        InstanceType: instanceType,
        InstanceCount: job.instanceCount === undefined ? 1 : parameters[job.instanceCount],
        VolumeSizeInGB: request.volume_size_gb,
        ...(request.volume_kms_key_id !== "" && !hasLocalStorage(instanceType)
          ? { VolumeKmsKeyId: request.volume_kms_key_id }
          : {}),
        ...(parameters.keep_alive_seconds > 0 ? { KeepAlivePeriodInSeconds: parameters.keep_alive_seconds } : {}),
      },
      // SageMaker refuses a wait time for a job that is not on spot instances.
      stopping_condition: { MaxRuntimeInSeconds: runtime, ...(spot ? { MaxWaitTimeInSeconds: wait } : {}) },
      use_spot_instances: spot,
      timeout: spot ? wait + STOPPING_SLACK : runtime + CAPACITY_WAIT,
    };
  };
  return Object.fromEntries(JOB_STAGES.map((stage) => [stage, plan(stage)])) as Record<JobStage, JobPlan>;
}
