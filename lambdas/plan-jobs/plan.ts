import { z } from "zod";
import { hasGpu, hasLocalStorage } from "../shared/aws/instance-type.ts";
import { estimatedSeconds, runtimeLimit, type Work } from "./runtime-limits.ts";

/** The event of plan-jobs: the execution's parameters and what is known of its work. */
export const PlanRequest = z.object({
  document_count: z.number().int().nonnegative(),
  query_record_count: z.number().int().nonnegative(),
  volume_size_gb: z.number().int().positive(),
  /** ARN of the key of the jobs' volumes; empty for SageMaker's own. */
  volume_kms_key_id: z.string(),
  parameters: z.object({
    processing_instance_type: z.string(),
    scoring_instance_type: z.string(),
    training_instance_type: z.string(),
    scoring_instance_count: z.number().int().positive(),
    training_instance_count: z.number().int().positive(),
    queries_per_document: z.number(),
    scoring_max_negatives: z.number(),
    num_negatives: z.number(),
    max_seq_length: z.number(),
    max_steps: z.number(),
    total_batch_size: z.number(),
    max_evaluation_documents: z.number(),
    judge_model_id: z.string(),
    dense_candidates: z.boolean(),
    general_collection_uri: z.string(),
    use_spot_instances: z.boolean(),
    spot_wait_seconds: z.number(),
    keep_alive_seconds: z.number(),
    max_job_runtime_seconds: z.number(),
  }),
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

export const STAGES = ["mining", "scoring", "training", "evaluation"] as const;
export type Stage = (typeof STAGES)[number];

/** Stages that keep checkpoints: what an interruption costs them is minutes. The others would begin anew. */
const INTERRUPTIBLE: ReadonlySet<Stage> = new Set(["scoring", "training"]);
/** Seconds that a job may wait for an on-demand instance, on top of its run time. */
export const CAPACITY_WAIT = 7_200;
/** Seconds in which SageMaker ends a job that has reached its limit, and uploads what there is. */
const STOPPING_SLACK = 900;

/** Plans each job: its instance, whether that is a spot instance, and its limits, derived from the work unless they are given. */
export function planJobs({ parameters, ...request }: PlanRequest): Record<Stage, JobPlan> {
  const work: Work = {
    documents: request.document_count,
    queryRecords: request.query_record_count,
    queriesPerDocument: parameters.queries_per_document,
    scoringMaxNegatives: parameters.scoring_max_negatives,
    numNegatives: parameters.num_negatives,
    maxSeqLength: parameters.max_seq_length,
    maxSteps: parameters.max_steps,
    totalBatchSize: parameters.total_batch_size,
    maxEvaluationDocuments: parameters.max_evaluation_documents,
    hasJudge: parameters.judge_model_id !== "",
    hasDenseCandidates: parameters.dense_candidates,
    hasGeneralCollection: parameters.general_collection_uri !== "",
  };
  const instanceTypes: Record<Stage, string> = {
    mining: parameters.processing_instance_type,
    scoring: parameters.scoring_instance_type,
    training: parameters.training_instance_type,
    evaluation: parameters.scoring_instance_type,
  };
  const instanceCounts: Record<Stage, number> = {
    mining: 1,
    scoring: parameters.scoring_instance_count,
    training: parameters.training_instance_count,
    evaluation: 1,
  };
  const plan = (stage: Stage): JobPlan => {
    const instanceType = instanceTypes[stage];
    const runtime =
      parameters.max_job_runtime_seconds || runtimeLimit(estimatedSeconds(work, hasGpu(instanceType))[stage]);
    const spot = parameters.use_spot_instances && INTERRUPTIBLE.has(stage);
    const wait = runtime + parameters.spot_wait_seconds;
    return {
      resource_config: {
        InstanceType: instanceType,
        InstanceCount: instanceCounts[stage],
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
  return {
    mining: plan("mining"),
    scoring: plan("scoring"),
    training: plan("training"),
    evaluation: plan("evaluation"),
  };
}
