import { FLAG, instanceType, integer, OPTIONAL_HUGGING_FACE_ID, type Parameter, real, revision } from "./parameter.ts";

/** The base model that an empty `base_model_id` stands for, by `model_type`. */
export const DEFAULT_BASE_MODELS = {
  dense: "BAAI/bge-m3",
  sparse: "opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill",
} as const;

/** Stage 5: the models' names and the recipe. */
export const TRAINING_PARAMETERS = {
  training_instance_type: instanceType(
    "ml.g5.2xlarge",
    "Instance that trains, on all of its GPUs. ml.p4d.24xlarge is recommended for large runs.",
    "ml.g5.2xlarge or ml.p4d.24xlarge",
  ),
  training_instance_count: integer(1, 1, 20, "Instances that train together, on all of their GPUs."),
  model_type: {
    type: "string",
    default: "dense",
    rule: { oneOf: ["dense", "sparse"] },
    must: "dense or sparse",
    write: "dense for an embedding model, sparse for an encoder for neural sparse search",
    description:
      "Kind of model: `dense` embeds for k-NN indexes, `sparse` weighs words for OpenSearch's neural sparse search.",
    scope: "execution",
    jobs: ["mining", "training", "evaluation"],
  },
  base_model_id: {
    type: "string",
    default: "",
    rule: { pattern: OPTIONAL_HUGGING_FACE_ID },
    must: "empty or a Hugging Face model id",
    write: `for example ${DEFAULT_BASE_MODELS.dense}, or leave it out`,
    description: `Model to fine-tune. Empty takes ${DEFAULT_BASE_MODELS.dense} or, with model_type sparse, ${DEFAULT_BASE_MODELS.sparse}, whose queries need no inference.`,
    scope: "execution",
    jobs: ["mining", "training", "evaluation"],
  },
  base_model_revision: {
    ...revision("Commit, tag or branch of the base model on the Hugging Face Hub."),
    jobs: ["mining", "training", "evaluation"],
  },
  trust_remote_code: {
    ...FLAG,
    default: false,
    description:
      "Run the Python code in the base model's repository, with the job's permissions. Only models outside transformers need it, and base_model_revision must be a commit.",
    scope: "fixed",
    fixedBecause: "it decides whose code runs with the deployment's permissions",
    jobs: ["mining", "training", "evaluation"],
  },
  train_batch_size: {
    ...integer(1, 1, 64, "Rows whose texts are in memory at once. It changes speed and memory, never the result."),
    jobs: ["training"],
  },
  total_batch_size: {
    ...integer(
      128,
      1,
      4096,
      "Rows per optimiser step over all GPUs. Their queries are contrasted with all of their documents.",
    ),
    jobs: ["training"],
  },
  max_steps: {
    ...integer(500, -1, 1000, "Optimiser steps. -1 trains one epoch."),
    jobs: ["training"],
  },
  learning_rate: { ...real(5e-6, 1e-8, 0.01, "Peak learning rate."), jobs: ["training"] },
  max_seq_length: {
    ...integer(512, 128, 2048, "Tokens at which a text is cut, in mining, scoring, training and evaluation."),
    jobs: ["mining", "scoring", "training", "evaluation"],
  },
  num_negatives: {
    ...integer(2, 1, 64, "Negatives in a training row. At most scoring_max_negatives."),
    jobs: ["training"],
  },
  temperature: {
    ...real(0.05, 0.01, 100, "Temperature of the student's distribution over a row's documents."),
    jobs: ["training"],
  },
  teacher_spread: {
    ...real(
      1,
      0,
      100,
      "Width of the teacher's scores, as cosines, in multiples of the base model's own; the scores are calibrated to it. 0 uses teacher_score_scale_factor.",
    ),
    jobs: ["training"],
  },
  teacher_score_scale_factor: {
    ...real(
      0.025,
      0.0001,
      100,
      "Factor from the teacher's scores to the student's scale. It matters only with teacher_spread 0.",
    ),
    jobs: ["training"],
  },
  teacher_max_source_rank: {
    ...integer(
      0,
      0,
      200,
      "Train on a query only when its document is among this many best by the teacher. 0 keeps every query.",
    ),
    jobs: ["training"],
  },
  teacher_drop_lowest_share: {
    ...real(0, 0, 0.9, "Leave out this share of the queries: those whose documents the teacher scores lowest."),
    jobs: ["training"],
  },
  contrastive_weight: {
    ...real(0.4, 0, 100, "Weight of an InfoNCE term over the other documents of the optimiser step. 0 leaves it out."),
    jobs: ["training"],
  },
  hard_negative_margin: {
    ...real(
      0,
      0,
      1,
      "Let a query's own negative into the InfoNCE term when it lies this part of the teacher's score range below the document. 0 lets none in.",
    ),
    jobs: ["training"],
  },
  early_stopping_patience: {
    ...integer(
      0,
      0,
      4,
      "Stop training after this many of its four dev evaluations bring no gain, and keep the best checkpoint. 0 trains to the end.",
    ),
    jobs: ["training"],
  },
  merge_with_base: {
    ...FLAG,
    default: true,
    description:
      "Average the tuned model's weights with the base model's, in the proportion that ranks dev queries best.",
    scope: "execution",
    jobs: ["training"],
  },
  flops_weight: {
    ...real(
      0.005,
      0,
      100,
      "Weight of the FLOPS regulariser, which keeps a sparse encoder's vectors sparse. 0 leaves it out. A dense model ignores it.",
    ),
    jobs: ["training"],
  },
  seed: {
    ...integer(42, 0, 2_147_483_647, "Seed of sampling and training."),
    jobs: ["mining", "training", "evaluation"],
  },
} as const satisfies Record<string, Parameter>;
