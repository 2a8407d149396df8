/**
 * The stages of the pipeline, once. The state machine, the plan of the jobs, messages, metrics, the dashboard and the local run
 * derive from this.
 */
import type { ImageKind } from "./images.ts";

/** A job's input channel. */
export interface Channel {
  readonly name: string;
  /** JSONPath, in the execution's document, of the S3 URI below which the objects lie. */
  readonly uriPath: string;
}

/** A metric that SageMaker reads from a job's log: the regular expression's group is its value. */
export interface MetricDefinition {
  readonly Name: string;
  readonly Regex: string;
}

/** A stage that runs as a SageMaker training job. Its arguments are the parameters whose `jobs` name the stage. */
export interface Job {
  readonly program: string;
  /** Kind of the image that the job runs in. */
  readonly image: ImageKind;
  /** Names of the parameters that choose the instances; without a count it is one instance. */
  readonly instanceType: "processing_instance_type" | "scoring_instance_type" | "training_instance_type";
  readonly instanceCount?: "scoring_instance_count" | "training_instance_count";
  readonly channels: readonly Channel[];
  /** Channels that are there only when the parameter at their path is not empty: SageMaker refuses an empty one. */
  readonly optionalChannels: readonly Channel[];
  /** Folder below the run's prefix, or below the results' prefix for a lasting job. */
  readonly outputFolder: string;
  /** Whether the output stays when the run's intermediates expire. */
  readonly lasting: boolean;
  /** GZIP makes one `model.tar.gz`; NONE leaves a prefix that can be the next job's channel. */
  readonly compression: "NONE" | "GZIP";
  /** Whether the job goes on from what it saved; only then may it run on spot instances. */
  readonly checkpoints: boolean;
  /** Metrics in CloudWatch's namespace /aws/sagemaker/TrainingJobs. */
  readonly metrics: readonly MetricDefinition[];
}

/** A stage, as people know it. */
export interface Stage {
  /** Place in the order, from 1. */
  readonly number: number;
  /** In a sentence or a heading, without its number. */
  readonly title: string;
  /** Ids of the state machine's tasks that belong to the stage. */
  readonly tasks: readonly string[];
  readonly job?: Job;
}

const NUMBER = "(-?[0-9.]+(?:e[-+]?[0-9]+)?)";
const COUNT = "([0-9]+)";

/** The stages by id, in their order. */
export const STAGES = {
  extraction: {
    number: 1,
    title: "data extraction",
    tasks: ["ResolveParameters", "ExtractDocuments", "ValidateCorpus"],
  },
  queries: {
    number: 2,
    title: "query generation",
    tasks: ["PrepareQueries", "CreateQueryJob", "CheckQueryJob"],
  },
  mining: {
    number: 3,
    title: "hard-negative mining",
    tasks: ["PlanJobs", "MineHardNegatives"],
    job: {
      program: "process_output.py",
      image: "training",
      instanceType: "processing_instance_type",
      channels: [
        { name: "corpus", uriPath: "$.corpus.corpus_uri" },
        { name: "records", uriPath: "$.queries.records_uri" },
        { name: "generated", uriPath: "$.queries.output_uri" },
      ],
      optionalChannels: [],
      outputFolder: "training-data",
      lasting: false,
      compression: "NONE",
      checkpoints: false,
      metrics: [
        { Name: "mining:train_queries", Regex: `MiningManifest[(].* train_queries=${COUNT},` },
        { Name: "mining:test_queries", Regex: `MiningManifest[(].* test_queries=${COUNT},` },
      ],
    },
  },
  scoring: {
    number: 4,
    title: "teacher scoring",
    tasks: ["ScoreWithTeacher"],
    job: {
      program: "score.py",
      image: "training",
      instanceType: "scoring_instance_type",
      instanceCount: "scoring_instance_count",
      channels: [{ name: "training-data", uriPath: "$.mining.artifact_uri" }],
      optionalChannels: [],
      outputFolder: "scores",
      lasting: false,
      compression: "NONE",
      checkpoints: true,
      metrics: [
        { Name: "scoring:pairs_per_second", Regex: `, ${COUNT} pairs/s,` },
        { Name: "scoring:pairs", Regex: `ScoringManifest[(].* pairs=${COUNT},` },
      ],
    },
  },
  training: {
    number: 5,
    title: "training",
    tasks: ["TrainModel"],
    job: {
      program: "train.py",
      image: "training",
      instanceType: "training_instance_type",
      instanceCount: "training_instance_count",
      channels: [{ name: "scores", uriPath: "$.scoring.artifact_uri" }],
      optionalChannels: [],
      outputFolder: "model",
      lasting: true,
      compression: "GZIP",
      checkpoints: true,
      metrics: [
        { Name: "training:loss", Regex: `^loss=${NUMBER} step=` },
        { Name: "training:learning_rate", Regex: `^loss=.* learning_rate=${NUMBER} ` },
        { Name: "training:dev_loss", Regex: `dev_loss_after=${NUMBER}` },
      ],
    },
  },
  evaluation: {
    number: 6,
    title: "evaluation and gate",
    tasks: ["EvaluateModel", "ReadGateDecision"],
    job: {
      program: "evaluate.py",
      image: "training",
      instanceType: "scoring_instance_type",
      channels: [
        { name: "corpus", uriPath: "$.corpus.corpus_uri" },
        { name: "training-data", uriPath: "$.mining.artifact_uri" },
        { name: "model", uriPath: "$.training.artifact_uri" },
      ],
      optionalChannels: [
        { name: "judgements", uriPath: "$.parameters.judgements_uri" },
        { name: "general", uriPath: "$.parameters.general_collection_uri" },
      ],
      outputFolder: "evaluation",
      lasting: true,
      compression: "NONE",
      checkpoints: false,
      metrics: [
        { Name: "evaluation:ndcg_base", Regex: `GateDecision[(].* ndcg_base=${NUMBER},` },
        { Name: "evaluation:ndcg_tuned", Regex: `GateDecision[(].* ndcg_tuned=${NUMBER},` },
      ],
    },
  },
  deployment: {
    number: 7,
    title: "deployment",
    tasks: [
      "CreateModel",
      "CreateSparseModel",
      "CreateEndpointConfig",
      "DescribeEndpoint",
      "DeleteFailedEndpoint",
      "CreateEndpoint",
      "StopScaling",
      "UpdateGrownEndpoint",
      "UpdateEndpoint",
      "CheckEndpoint",
      "LimitInstances",
      "LimitTaggedInstances",
      "ScaleByRequests",
      "DeleteSuperseded",
    ],
  },
  registration: { number: 8, title: "registration", tasks: ["RegisterModel"] },
} as const satisfies Readonly<Record<string, Stage>>;

/** A stage's id. */
export type StageId = keyof typeof STAGES;

/** Ids of the stages, in their order. */
export const STAGE_IDS = Object.keys(STAGES) as readonly StageId[];

/** Stages that run as jobs: part of job names and of the requirements files' names. */
export type JobStage = { [Id in StageId]: (typeof STAGES)[Id] extends { readonly job: Job } ? Id : never }[StageId];

/** The jobs by their stage, in their order. */
export const JOBS: Readonly<Record<JobStage, Job>> = {
  mining: STAGES.mining.job,
  scoring: STAGES.scoring.job,
  training: STAGES.training.job,
  evaluation: STAGES.evaluation.job,
};

/** Ids of the stages that run as jobs, in their order. */
export const JOB_STAGES = ["mining", "scoring", "training", "evaluation"] as const satisfies readonly JobStage[];

const STAGE_BY_TASK: ReadonlyMap<string, StageId> = new Map(
  STAGE_IDS.flatMap((id) => STAGES[id].tasks.map((task): [string, StageId] => [task, id])),
);

/** The stage that a task of the state machine belongs to; undefined for the glue between stages. */
export function stageOfTask(state: string): StageId | undefined {
  return STAGE_BY_TASK.get(state);
}

/** Number and title, for tables and messages: `3 hard-negative mining`. */
export function stageLabel(id: StageId): string {
  const { number, title } = STAGES[id];
  return `${number} ${title}`;
}
