/** The SageMaker jobs of the pipeline, as the state machine starts them. */

/** Names of the jobs' stages: part of job names and of the requirements files' names. */
export const JOB_STAGES = ["mining", "scoring", "training", "evaluation"] as const;
export type JobStage = (typeof JOB_STAGES)[number];

/** Where an input channel's objects lie: JSONPath of an S3 URI. */
export interface Channel {
  readonly name: string;
  readonly uriPath: string;
}

/** A metric: the regular expression's group is its value. */
export interface MetricDefinition {
  readonly Name: string;
  readonly Regex: string;
}

/** One job. */
export interface TrainingJob {
  readonly program: string;
  /** Below the run's or the results' prefix. */
  readonly outputFolder: string;
  /** JSONPath of the image's URI. */
  readonly imagePath: string;
  readonly channels: readonly Channel[];
  /** Command-line arguments by name: JSONPaths of strings. */
  readonly argumentPaths: Readonly<Record<string, string>>;
  /** GZIP makes one `model.tar.gz`; NONE leaves a prefix that can be the next job's channel. */
  readonly compression: "NONE" | "GZIP";
  /** Whether the job continues from what it saved, after an interruption or a redrive. */
  readonly checkpoints: boolean;
  /** What SageMaker reads from the job's log and puts into CloudWatch, in the namespace /aws/sagemaker/TrainingJobs. */
  readonly metrics: readonly MetricDefinition[];
}

/** Size of the job's volume in GB. Instances with NVMe disks (g5, p4d) use those instead. */
export const VOLUME_SIZE_GB = 100;

const NUMBER = "(-?[0-9.]+(?:e[-+]?[0-9]+)?)";
const COUNT = "([0-9]+)";

/** The jobs by stage. Arguments not named here keep the scripts' defaults. */
export const TRAINING_JOBS: Readonly<Record<JobStage, TrainingJob>> = {
  mining: {
    program: "process_output.py",
    outputFolder: "training-data",
    imagePath: "$.images.processing",
    channels: [
      { name: "corpus", uriPath: "$.corpus.corpus_uri" },
      { name: "records", uriPath: "$.queries.records_uri" },
      { name: "generated", uriPath: "$.queries.output_uri" },
    ],
    argumentPaths: {
      "num-negatives": "$.arguments.num_hard_negatives",
      "dense-candidates": "$.arguments.dense_candidates",
      "model-type": "$.arguments.model_type",
      "base-model-id": "$.arguments.base_model_id",
      "base-model-revision": "$.arguments.base_model_revision",
      "trust-remote-code": "$.arguments.trust_remote_code",
      "max-seq-length": "$.arguments.max_seq_length",
      "max-source-rank": "$.arguments.max_source_rank",
      "max-corpus-documents": "$.arguments.max_corpus_documents",
      seed: "$.arguments.seed",
    },
    compression: "NONE",
    checkpoints: false,
    metrics: [
      { Name: "mining:train_queries", Regex: `MiningManifest[(].* train_queries=${COUNT},` },
      { Name: "mining:test_queries", Regex: `MiningManifest[(].* test_queries=${COUNT},` },
    ],
  },
  scoring: {
    program: "score.py",
    outputFolder: "scores",
    imagePath: "$.images.scoring",
    channels: [{ name: "training-data", uriPath: "$.mining.artifact_uri" }],
    argumentPaths: {
      "teacher-model-id": "$.arguments.teacher_model_id",
      "teacher-revision": "$.arguments.teacher_revision",
      "max-negatives": "$.arguments.scoring_max_negatives",
      // The teacher judges what the student will see of a passage.
      "max-length": "$.arguments.max_seq_length",
    },
    compression: "NONE",
    checkpoints: true,
    metrics: [
      { Name: "scoring:pairs_per_second", Regex: `, ${COUNT} pairs/s,` },
      { Name: "scoring:pairs", Regex: `ScoringManifest[(].* pairs=${COUNT},` },
    ],
  },
  training: {
    program: "train.py",
    outputFolder: "model",
    imagePath: "$.images.training",
    channels: [{ name: "scores", uriPath: "$.scoring.artifact_uri" }],
    argumentPaths: {
      "model-type": "$.arguments.model_type",
      "base-model-id": "$.arguments.base_model_id",
      "base-model-revision": "$.arguments.base_model_revision",
      "trust-remote-code": "$.arguments.trust_remote_code",
      "max-steps": "$.arguments.max_steps",
      "train-batch-size": "$.arguments.train_batch_size",
      "total-batch-size": "$.arguments.total_batch_size",
      "learning-rate": "$.arguments.learning_rate",
      "max-seq-length": "$.arguments.max_seq_length",
      "num-negatives": "$.arguments.num_negatives",
      temperature: "$.arguments.temperature",
      "teacher-score-scale-factor": "$.arguments.teacher_score_scale_factor",
      "teacher-spread": "$.arguments.teacher_spread",
      "teacher-max-source-rank": "$.arguments.teacher_max_source_rank",
      "teacher-drop-lowest-share": "$.arguments.teacher_drop_lowest_share",
      "hard-negative-margin": "$.arguments.hard_negative_margin",
      "early-stopping-patience": "$.arguments.early_stopping_patience",
      "merge-with-base": "$.arguments.merge_with_base",
      "contrastive-weight": "$.arguments.contrastive_weight",
      "flops-weight": "$.arguments.flops_weight",
      seed: "$.arguments.seed",
    },
    compression: "GZIP",
    checkpoints: true,
    metrics: [
      { Name: "training:loss", Regex: `^loss=${NUMBER} step=` },
      { Name: "training:learning_rate", Regex: `^loss=.* learning_rate=${NUMBER} ` },
      { Name: "training:dev_loss", Regex: `dev_loss_after=${NUMBER}` },
    ],
  },
  evaluation: {
    program: "evaluate.py",
    outputFolder: "evaluation",
    imagePath: "$.images.evaluation",
    channels: [
      { name: "corpus", uriPath: "$.corpus.corpus_uri" },
      { name: "training-data", uriPath: "$.mining.artifact_uri" },
      { name: "model", uriPath: "$.training.artifact_uri" },
    ],
    argumentPaths: {
      "model-type": "$.arguments.model_type",
      "base-model-id": "$.arguments.base_model_id",
      "base-model-revision": "$.arguments.base_model_revision",
      "trust-remote-code": "$.arguments.trust_remote_code",
      "teacher-model-id": "$.arguments.teacher_model_id",
      "judge-model-id": "$.arguments.judge_model_id",
      "max-seq-length": "$.arguments.max_seq_length",
      "min-ndcg-gain": "$.arguments.min_ndcg_gain",
      "max-general-drop": "$.arguments.max_general_drop",
      "force-deploy": "$.arguments.force_deploy",
      "max-evaluation-documents": "$.arguments.max_evaluation_documents",
      seed: "$.arguments.seed",
    },
    compression: "NONE",
    checkpoints: false,
    metrics: [
      { Name: "evaluation:ndcg_base", Regex: `GateDecision[(].* ndcg_base=${NUMBER},` },
      { Name: "evaluation:ndcg_tuned", Regex: `GateDecision[(].* ndcg_tuned=${NUMBER},` },
    ],
  },
};

/** The optional channels of the evaluation: judged queries, and a collection of another kind. */
export const JUDGEMENTS_CHANNEL: Channel = { name: "judgements", uriPath: "$.parameters.judgements_uri" };
export const GENERAL_CHANNEL: Channel = { name: "general", uriPath: "$.parameters.general_collection_uri" };
