/** The SageMaker jobs of the pipeline, as the state machine starts them. */

/** Names of the jobs' stages: part of job names and of the requirements files' names. */
export const JOB_STAGES = ["mining", "scoring", "training", "evaluation"] as const;
export type JobStage = (typeof JOB_STAGES)[number];

/** Where an input channel's objects lie: JSONPath of an S3 URI. */
export interface Channel {
  readonly name: string;
  readonly uriPath: string;
}

/** One job. */
export interface TrainingJob {
  readonly program: string;
  /** Below the run's or the results' prefix. */
  readonly outputFolder: string;
  /** JSONPath of the image's URI. */
  readonly imagePath: string;
  /** JSONPath of the instance type. */
  readonly instanceTypePath: string;
  readonly channels: readonly Channel[];
  /** Command-line arguments by name: JSONPaths of strings. */
  readonly argumentPaths: Readonly<Record<string, string>>;
  /** GZIP makes one `model.tar.gz`; NONE leaves a prefix that can be the next job's channel. */
  readonly compression: "NONE" | "GZIP";
  /** Whether the job continues from what it saved, after an interruption or a redrive. */
  readonly checkpoints: boolean;
  /** Seconds after which SageMaker stops the job. */
  readonly maxRuntime: number;
}

const HOUR = 3600;
/** Size of the job's volume in GB. Instances with NVMe disks (g5, p4d) use those instead. */
export const VOLUME_SIZE_GB = 100;
/** Seconds that a job may wait for its instance, on top of its run time. */
export const CAPACITY_WAIT = 2 * HOUR;

/** The jobs by stage. Arguments not named here keep the scripts' defaults. */
export const TRAINING_JOBS: Readonly<Record<JobStage, TrainingJob>> = {
  mining: {
    program: "process_output.py",
    outputFolder: "training-data",
    imagePath: "$.images.processing",
    instanceTypePath: "$.parameters.processing_instance_type",
    channels: [
      { name: "corpus", uriPath: "$.corpus.corpus_uri" },
      { name: "records", uriPath: "$.queries.records_uri" },
      { name: "generated", uriPath: "$.queries.output_uri" },
    ],
    argumentPaths: {
      "num-negatives": "$.arguments.num_hard_negatives",
      "max-corpus-documents": "$.arguments.max_corpus_documents",
      seed: "$.arguments.seed",
    },
    compression: "NONE",
    checkpoints: false,
    maxRuntime: 24 * HOUR,
  },
  scoring: {
    program: "score.py",
    outputFolder: "scores",
    imagePath: "$.images.scoring",
    instanceTypePath: "$.parameters.scoring_instance_type",
    channels: [{ name: "training-data", uriPath: "$.mining.artifact_uri" }],
    argumentPaths: {
      "teacher-model-id": "$.arguments.teacher_model_id",
      "max-negatives": "$.arguments.scoring_max_negatives",
      // The teacher judges what the student will see of a passage.
      "max-length": "$.arguments.max_seq_length",
    },
    compression: "NONE",
    checkpoints: true,
    maxRuntime: 24 * HOUR,
  },
  training: {
    program: "train.py",
    outputFolder: "model",
    imagePath: "$.images.training",
    instanceTypePath: "$.parameters.training_instance_type",
    channels: [{ name: "scores", uriPath: "$.scoring.artifact_uri" }],
    argumentPaths: {
      "base-model-id": "$.arguments.base_model_id",
      "max-steps": "$.arguments.max_steps",
      "train-batch-size": "$.arguments.train_batch_size",
      "total-batch-size": "$.arguments.total_batch_size",
      "learning-rate": "$.arguments.learning_rate",
      "max-seq-length": "$.arguments.max_seq_length",
      "num-negatives": "$.arguments.num_negatives",
      temperature: "$.arguments.temperature",
      "teacher-score-scale-factor": "$.arguments.teacher_score_scale_factor",
      "contrastive-weight": "$.arguments.contrastive_weight",
      seed: "$.arguments.seed",
    },
    compression: "GZIP",
    checkpoints: true,
    maxRuntime: 24 * HOUR,
  },
  evaluation: {
    program: "evaluate.py",
    outputFolder: "evaluation",
    imagePath: "$.images.evaluation",
    instanceTypePath: "$.parameters.scoring_instance_type",
    channels: [
      { name: "corpus", uriPath: "$.corpus.corpus_uri" },
      { name: "training-data", uriPath: "$.mining.artifact_uri" },
      { name: "model", uriPath: "$.training.artifact_uri" },
    ],
    argumentPaths: {
      "base-model-id": "$.arguments.base_model_id",
      "max-seq-length": "$.arguments.max_seq_length",
      "min-ndcg-gain": "$.arguments.min_ndcg_gain",
      "force-deploy": "$.arguments.force_deploy",
      "max-evaluation-documents": "$.arguments.max_evaluation_documents",
      seed: "$.arguments.seed",
    },
    compression: "NONE",
    checkpoints: false,
    maxRuntime: 12 * HOUR,
  },
};

/** The optional channel with judged queries. */
export const JUDGEMENTS_CHANNEL: Channel = { name: "judgements", uriPath: "$.parameters.judgements_uri" };
