/**
 * Every parameter of the pipeline, once. From this table come the Terraform variables with their validation, the rules by
 * which each execution's input is checked, the construct's props and the table in the README.
 */

import type { IResolvable } from "cdktf";
import { REGIONS_WITH_IMAGES } from "../modules/jobs/images.ts";
import { FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION } from "../modules/workflow/definition.ts";

/** Types a parameter may have, in Terraform's notation. */
export type ParameterType = "string" | "number" | "bool" | "list(string)" | "map(string)";

/** A value of a parameter. */
export type ParameterValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

/** What a value must satisfy. Patterns use what JavaScript and RE2 (Terraform) have in common, and carry their own anchors. */
export interface ParameterRule {
  readonly integer?: true;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly oneOf?: readonly (string | number)[];
  /** Of a map: the keys it may have. The pattern is then that of its values. */
  readonly keys?: readonly string[];
}

/** Where in the pipeline a parameter matters. */
type ParameterStage =
  | "general"
  | "corpus"
  | "queries"
  | "mining"
  | "scoring"
  | "training"
  | "evaluation"
  | "deployment"
  | "infrastructure";

/** One parameter. */
export interface Parameter {
  readonly type: ParameterType;
  /** Absent: the user must give a value. */
  readonly default?: ParameterValue;
  readonly rule: ParameterRule;
  /** Completes "<name> must be ...". */
  readonly must: string;
  /** Completes "write ..." in the message that refuses a value. */
  readonly write: string;
  /** One sentence for the documentation; units included. */
  readonly description: string;
  readonly stage: ParameterStage;
  /**
   * `execution`: the variable is the default, an execution's input may override it.
   * `fixed`: executions see it, but a different value is refused, because permissions were granted for this one.
   * `deployment`: only the infrastructure sees it.
   */
  readonly scope: "execution" | "fixed" | "deployment";
}

/** Log retentions, in days, that CloudWatch Logs accepts. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/** Longest model name: the longest job name, `<model name>-evaluation-<8 hex>`, then stays within SageMaker's 63 characters. */
const MODEL_NAME_MAX_LENGTH = 40;

/** resolve-parameters takes the second for the first when an execution trains a sparse encoder and names no base model. */
export const DEFAULT_BASE_MODELS = {
  dense: "BAAI/bge-m3",
  sparse: "opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill",
} as const;
const HUGGING_FACE_ID = "^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$";
const OPTIONAL_HUGGING_FACE_ID = "^([A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?)?$";
const S3_BUCKET = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";
const ML_INSTANCE_TYPE = "^ml\\.[a-z][a-z0-9-]*\\.([0-9]*x?large|medium)$";
const ECR_IMAGE =
  "^([0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9][a-z0-9._/-]*[:@][A-Za-z0-9._:-]+)?$";

/** Whatever partition: `aws`, `aws-cn`, `aws-us-gov`. */
const ARN_OF_ACCOUNT = (service: string, region: string) => `arn:aws[a-z-]*:${service}:${region}:[0-9]{12}:`;
const HUGGING_FACE_REVISION = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$";
/** A commit, which nobody can move. */
const COMMIT = "^[0-9a-f]{40}$";

/** Principals that have a role of their own: whose role may be given instead of made. */
export const PRINCIPALS = [
  "job",
  "serving",
  "bedrock",
  "connector",
  "workflow",
  ...FUNCTION_NAMES,
  REPORT_FUNCTION,
  START_FUNCTION,
] as const;
export type Principal = (typeof PRINCIPALS)[number];

const FLAG = { type: "bool", rule: {}, must: "true or false", write: "true or false" } as const;

/** What each purpose's images are by default. */
const CONTAINERS = {
  training: "PyTorch Deep Learning",
  serving: "Text Embeddings Inference",
  "serving sparse encoders": "PyTorch Inference",
} as const;

const image = (purpose: keyof typeof CONTAINERS, device: string) =>
  ({
    type: "string",
    default: "",
    rule: { pattern: ECR_IMAGE },
    must: "empty or the URI of an image in Amazon ECR",
    write: "123456789012.dkr.ecr.us-east-1.amazonaws.com/repository:tag, or leave it out to use the region's own",
    description: `Image for ${purpose} on ${device} instances; empty uses the region's ${CONTAINERS[purpose]} Container.`,
    stage: "infrastructure",
    scope: "deployment",
  }) as const;

const instanceType = (defaultType: string, purpose: string, example: string) =>
  ({
    type: "string",
    default: defaultType,
    rule: { pattern: ML_INSTANCE_TYPE },
    must: "a SageMaker instance type",
    write: `for example ${example}`,
    description: purpose,
    scope: "execution",
  }) as const;

const integer = (defaultValue: number, min: number, max: number, description: string) =>
  ({
    type: "number",
    default: defaultValue,
    rule: { integer: true, min, max },
    must: `a whole number from ${min} to ${max}`,
    write: `for example ${defaultValue}`,
    description,
    scope: "execution",
  }) as const;

const real = (defaultValue: number, min: number, max: number, description: string) =>
  ({
    type: "number",
    default: defaultValue,
    rule: { min, max },
    must: `a number from ${min} to ${max}`,
    write: `for example ${defaultValue}`,
    description,
    scope: "execution",
  }) as const;

const revision = (description: string) =>
  ({
    type: "string",
    default: "main",
    rule: { pattern: HUGGING_FACE_REVISION },
    must: "a commit, tag or branch",
    write: "for example main, or the commit's 40 digits",
    description,
    scope: "execution",
  }) as const;

/** All parameters by their Terraform variable's name, in the order of the documentation. */
export const PARAMETERS = {
  model_name: {
    type: "string",
    rule: { pattern: `^[a-zA-Z0-9]([a-zA-Z0-9-]{0,${MODEL_NAME_MAX_LENGTH - 2}}[a-zA-Z0-9])?$` },
    must: `1 to ${MODEL_NAME_MAX_LENGTH} letters, digits and hyphens, with no hyphen at either end`,
    write: "for example products-retriever",
    description:
      "Name of the model: prefix of its jobs, endpoint and connector. An execution may add a suffix to it (`products` -> `products-de`).",
    stage: "general",
    scope: "execution",
  },
  input_type: {
    type: "string",
    default: "s3",
    rule: { oneOf: ["s3", "opensearch"] },
    must: "s3 or opensearch",
    write: "s3 to read a JSONL corpus, opensearch to read an index",
    description: "Where the corpus comes from: a JSONL object in S3, or an OpenSearch index.",
    stage: "general",
    scope: "execution",
  },
  deploy_endpoint: {
    ...FLAG,
    default: true,
    description: "Deploy the tuned model to a SageMaker endpoint when it passes the evaluation gate.",
    stage: "general",
    scope: "execution",
  },
  register_connector: {
    ...FLAG,
    default: true,
    description: "Register the endpoint as a remote model in OpenSearch.",
    stage: "general",
    scope: "execution",
  },
  opensearch_endpoint: {
    type: "string",
    default: "",
    rule: {
      pattern:
        "^((https://[A-Za-z0-9.-]+|http://(127\\.0\\.0\\.1|localhost|host\\.docker\\.internal))(:[0-9]{1,5})?)?$",
    },
    must: "empty or the https URL of the domain, without a path",
    write: "for example https://search-products-abc123.us-east-1.es.amazonaws.com",
    description: "URL of the OpenSearch domain; needed to read an index and to register the model.",
    stage: "corpus",
    scope: "execution",
  },
  opensearch_index_name: {
    type: "string",
    default: "",
    rule: { pattern: "^([a-z0-9.][a-z0-9._-]{0,254})?$" },
    must: "empty or the name of one index or alias in lower case",
    write: "for example products",
    description: "Index whose documents are the corpus.",
    stage: "corpus",
    scope: "execution",
  },
  text_field_names: {
    type: "string",
    default: "content",
    rule: { pattern: "^[^,\\s]+(,[^,\\s]+)*$" },
    must: "field names separated by commas, without spaces",
    write: "for example title,text or product.description",
    description: "Fields of the index that make up a document's text, joined in this order; dots reach into objects.",
    stage: "corpus",
    scope: "execution",
  },
  s3_corpus_path: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/.+\\.jsonl(\\.gz)?)?$` },
    must: "empty or the S3 URI of a .jsonl or .jsonl.gz object",
    write: "for example s3://my-bucket/corpus.jsonl",
    description: "Corpus in S3: JSONL, one object a line with a string `text` and optionally an `id`.",
    stage: "corpus",
    scope: "execution",
  },
  max_corpus_documents: {
    ...integer(10_000_000, 1000, 10_000_000, "Documents read from the corpus at most."),
    stage: "corpus",
  },
  sample_query_uri: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/.+\\.jsonl)?$` },
    must: "empty or the S3 URI of a .jsonl object",
    write: "for example s3://my-bucket/queries.jsonl",
    description:
      "Real queries that the synthetic ones shall resemble: JSONL, one object a line with `text`, `query` or `anchor`.",
    stage: "queries",
    scope: "execution",
  },
  bedrock_model_id: {
    type: "string",
    default: "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    rule: { pattern: "^[a-z0-9-]+(\\.[a-zA-Z0-9:_-]+)+$" },
    must: "a Bedrock model id or inference-profile id",
    write: "for example us.anthropic.claude-haiku-4-5-20251001-v1:0",
    description: "Bedrock model that writes the synthetic queries; the roles may call this one only.",
    stage: "queries",
    scope: "fixed",
  },
  max_query_documents: {
    ...integer(
      20_000,
      100,
      100_000,
      "Documents for which queries are generated at most, sampled over the whole corpus.",
    ),
    stage: "queries",
  },
  queries_per_document: {
    ...integer(5, 1, 10, "Queries asked for each sampled document."),
    stage: "queries",
  },
  processing_instance_type: {
    ...instanceType("ml.c5.4xlarge", "Instance that mines hard negatives; a CPU type does.", "ml.c5.4xlarge"),
    stage: "mining",
  },
  num_hard_negatives: {
    ...integer(20, 1, 200, "Hard negatives mined for each query."),
    stage: "mining",
  },
  dense_candidates: {
    ...FLAG,
    default: false,
    description:
      "Mine among the base model's nearest documents as well as BM25's, over all ranks; embeds the corpus, so give processing_instance_type a GPU.",
    stage: "mining",
    scope: "execution",
  },
  max_source_rank: {
    ...integer(
      0,
      0,
      200,
      "A query is kept only when its document is among so many best candidates of the miner; 0 keeps every query.",
    ),
    stage: "mining",
  },
  scoring_instance_type: {
    ...instanceType(
      "ml.g5.2xlarge",
      "Instance on which the teacher scores and the models are evaluated.",
      "ml.g5.2xlarge or ml.p4d.24xlarge",
    ),
    stage: "scoring",
  },
  scoring_instance_count: {
    ...integer(1, 1, 20, "Instances that score, each its share of the queries."),
    stage: "scoring",
  },
  teacher_model_id: {
    type: "string",
    default: "BAAI/bge-reranker-v2.5-gemma2-lightweight",
    rule: { pattern: HUGGING_FACE_ID },
    must: "a Hugging Face model id",
    write: "for example BAAI/bge-reranker-v2.5-gemma2-lightweight",
    description: "Teacher: this reranker, any sentence-transformers CrossEncoder, or an embedding model.",
    stage: "scoring",
    scope: "execution",
  },
  teacher_revision: {
    ...revision(
      "Commit, tag or branch of the teacher on the Hugging Face Hub. The default teacher brings code of its own: pin it to a commit.",
    ),
    stage: "scoring",
  },
  scoring_max_negatives: {
    ...integer(4, 1, 200, "Hard negatives of each query that the teacher scores; at most num_hard_negatives."),
    stage: "scoring",
  },
  training_instance_type: {
    ...instanceType(
      "ml.g5.2xlarge",
      "Instance that trains, on all of its GPUs; ml.p4d.24xlarge is recommended for large runs.",
      "ml.g5.2xlarge or ml.p4d.24xlarge",
    ),
    stage: "training",
  },
  training_instance_count: {
    ...integer(1, 1, 20, "Instances that train together, on all of their GPUs."),
    stage: "training",
  },
  model_type: {
    type: "string",
    default: "dense",
    rule: { oneOf: ["dense", "sparse"] },
    must: "dense or sparse",
    write: "dense for an embedding model, sparse for an encoder for neural sparse search",
    description:
      "What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for OpenSearch's neural sparse search.",
    stage: "training",
    scope: "execution",
  },
  base_model_id: {
    type: "string",
    default: DEFAULT_BASE_MODELS.dense,
    rule: { pattern: HUGGING_FACE_ID },
    must: "a Hugging Face model id",
    write: "for example BAAI/bge-m3",
    description: `Model to fine-tune. With model_type sparse the default is ${DEFAULT_BASE_MODELS.sparse}, whose queries need no inference.`,
    stage: "training",
    scope: "execution",
  },
  base_model_revision: {
    ...revision("Commit, tag or branch of the base model on the Hugging Face Hub."),
    stage: "training",
  },
  trust_remote_code: {
    ...FLAG,
    default: false,
    description:
      "Run the Python code that the base model's repository brings along, with the job's permissions; needed only by models that are not part of transformers, and only with base_model_revision pinned to a commit.",
    stage: "training",
    scope: "fixed",
  },
  train_batch_size: { ...integer(1, 1, 64, "Rows per GPU and step."), stage: "training" },
  total_batch_size: {
    ...integer(128, 1, 4096, "Rows per optimiser step over all GPUs; reached by gradient accumulation."),
    stage: "training",
  },
  max_steps: {
    ...integer(500, -1, 1000, "Optimiser steps; -1 trains one epoch."),
    stage: "training",
  },
  learning_rate: { ...real(5e-6, 1e-8, 0.01, "Peak learning rate."), stage: "training" },
  max_seq_length: {
    ...integer(512, 128, 2048, "Tokens after which a text is cut, in training, evaluation and scoring."),
    stage: "training",
  },
  num_negatives: {
    ...integer(2, 1, 64, "Negatives in a training row; at most scoring_max_negatives."),
    stage: "training",
  },
  temperature: { ...real(0.05, 0.01, 100, "Temperature of the student's distribution."), stage: "training" },
  teacher_spread: {
    ...real(
      1,
      0,
      100,
      "Calibrates the teacher's scores to spread, as cosines, so many times as wide as the base model's own; 0 uses teacher_score_scale_factor.",
    ),
    stage: "training",
  },
  teacher_score_scale_factor: {
    ...real(
      0.025,
      0.0001,
      100,
      "Factor that brings the teacher's scores to the student's scale, with teacher_spread 0.",
    ),
    stage: "training",
  },
  teacher_max_source_rank: {
    ...integer(
      0,
      0,
      200,
      "A query is trained on only when its document is among so many best by the teacher; 0 keeps every query.",
    ),
    stage: "training",
  },
  teacher_drop_lowest_share: {
    ...real(0, 0, 0.9, "Share of the queries left out because the teacher scores their documents lowest."),
    stage: "training",
  },
  contrastive_weight: {
    ...real(0.4, 0, 100, "Weight of an InfoNCE term over the batch's other documents; 0 leaves it out."),
    stage: "training",
  },
  hard_negative_margin: {
    ...real(
      0,
      0,
      1,
      "Part of the teacher's score range by which a query's own negative must lie below its document to enter the InfoNCE term; 0 keeps them all out.",
    ),
    stage: "training",
  },
  early_stopping_patience: {
    ...integer(
      0,
      0,
      4,
      "Of four evaluations on dev queries, so many without a gain end the training, and the best checkpoint is kept; 0 trains to the end.",
    ),
    stage: "training",
  },
  merge_with_base: {
    ...FLAG,
    default: true,
    description:
      "Average the tuned model's weights with the base model's, in the proportion that ranks dev queries best.",
    stage: "training",
    scope: "execution",
  },
  flops_weight: {
    ...real(
      0.005,
      0,
      100,
      "Weight of the FLOPS regulariser, which keeps the vectors of a sparse encoder sparse; 0 leaves it out. Of no effect on a dense model.",
    ),
    stage: "training",
  },
  seed: {
    ...integer(42, 0, 2_147_483_647, "Seed of sampling and training."),
    stage: "training",
  },
  judgements_uri: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/(.+/)?)?$` },
    must: "empty or the S3 URI of a folder, ending in /",
    write: "for example s3://my-bucket/judgements/",
    description:
      "Judged queries of your own for the evaluation, in BEIR format: `queries.jsonl`, `qrels.tsv`, optionally `exclude.tsv`.",
    stage: "evaluation",
    scope: "execution",
  },
  judge_model_id: {
    type: "string",
    default: "",
    rule: { pattern: OPTIONAL_HUGGING_FACE_ID },
    must: "empty or a Hugging Face model id",
    write: "for example BAAI/bge-reranker-v2-m3",
    description:
      "Judge of the evaluation: a cross-encoder or an embedding model that scores what all rankers return for up to 300 held-out queries; not the teacher. Empty does without.",
    stage: "evaluation",
    scope: "execution",
  },
  general_collection_uri: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/(.+/)?)?$` },
    must: "empty or the S3 URI of a folder, ending in /",
    write: "for example s3://my-bucket/general/",
    description:
      "A judged collection of another kind, on which the model shall not get worse, in BEIR format: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`.",
    stage: "evaluation",
    scope: "execution",
  },
  max_evaluation_documents: {
    ...integer(100_000, 100, 10_000_000, "Documents over which the evaluation ranks at most."),
    stage: "evaluation",
  },
  min_ndcg_gain: {
    ...real(0, -1, 1, "Gate: lower end of the 95 % interval of the gain in nDCG@10 that a model must exceed."),
    stage: "evaluation",
  },
  max_general_drop: {
    ...real(0.01, 0, 1, "Gate: what a model may lose in nDCG@10 on the general collection."),
    stage: "evaluation",
  },
  force_deploy: {
    ...FLAG,
    default: false,
    description: "Gate: deploy whatever the evaluation says.",
    stage: "evaluation",
    scope: "execution",
  },
  inference_instance_type: {
    ...instanceType("ml.g5.xlarge", "Instance behind the endpoint.", "ml.g5.xlarge"),
    stage: "deployment",
  },
  initial_instance_count: {
    ...integer(1, 1, 4, "Instances behind the endpoint."),
    stage: "deployment",
  },
  max_instance_count: {
    ...integer(
      0,
      0,
      20,
      "Instances behind the endpoint at most: it then scales by its requests, never below initial_instance_count; 0 keeps their number.",
    ),
    stage: "deployment",
  },
  target_requests_per_minute: {
    ...integer(
      600,
      1,
      1_000_000,
      "Requests a minute that each instance shall get, by which an endpoint with a max_instance_count scales.",
    ),
    stage: "deployment",
  },
  use_spot_instances: {
    ...FLAG,
    default: true,
    description:
      "Run the jobs that keep checkpoints, scoring and training, on spot instances, which are cheaper and may be interrupted.",
    stage: "training",
    scope: "execution",
  },
  spot_wait_seconds: {
    ...integer(14_400, 0, 604_800, "Seconds that a job may wait for spot instances in all, on top of its run time."),
    stage: "training",
  },
  keep_alive_seconds: {
    ...integer(
      0,
      0,
      21_600,
      "Seconds for which an instance is kept, and paid, after a job for the next one of the same kind (a warm pool); 0 keeps none. Needs use_spot_instances = false and a quota.",
    ),
    stage: "training",
  },
  max_job_runtime_seconds: {
    ...integer(
      0,
      0,
      432_000,
      "Seconds after which each SageMaker job is stopped; 0 derives a limit for each job from its work.",
    ),
    stage: "training",
  },
  region: {
    type: "string",
    default: "us-east-1",
    rule: { pattern: "^[a-z]{2,3}(-[a-z]+)+-[0-9]$" },
    must: "an AWS region",
    write: "for example us-east-1",
    description: "AWS region of everything.",
    stage: "infrastructure",
    scope: "deployment",
  },
  name_prefix: {
    type: "string",
    default: "opensearch-finetuning",
    rule: { pattern: "^[a-z][a-z0-9-]{1,24}[a-z0-9]$" },
    must: "3 to 26 lower-case letters, digits and hyphens that start with a letter",
    write: "for example products-finetuning",
    description: "Prefix of every resource's name; give each deployment in an account its own.",
    stage: "infrastructure",
    scope: "deployment",
  },
  lambda_role_name: {
    type: "string",
    default: "FineTuning-LambdaInvokeOpenSearchRole",
    rule: { pattern: "^[A-Za-z0-9_+=,.@-]{1,51}$" },
    must: "an IAM role name of at most 51 characters",
    write: "for example FineTuning-LambdaInvokeOpenSearchRole",
    description:
      "Role of the function that reads the index, to be mapped in OpenSearch to a role with read access; `<name>-Registration`, to be mapped to ml_full_access, registers the model. Give each deployment in an account its own.",
    stage: "infrastructure",
    scope: "deployment",
  },
  opensearch_domain_arn: {
    type: "string",
    default: "",
    rule: { pattern: "^(arn:[a-z-]+:es:[a-z0-9-]+:[0-9]{12}:domain/[a-z][a-z0-9-]{2,27})?$" },
    must: "empty or the ARN of an OpenSearch domain",
    write: "for example arn:aws:es:us-east-1:123456789012:domain/products",
    description:
      "Domain that the functions may call; empty takes the domain's name from an opensearch_endpoint like https://search-<name>-<id>..., or else allows every domain of the account in the region.",
    stage: "infrastructure",
    scope: "deployment",
  },
  input_bucket_names: {
    type: "list(string)",
    default: [],
    rule: { pattern: `^${S3_BUCKET}$` },
    must: "a list of S3 bucket names",
    write: 'for example ["my-corpora"]',
    description:
      "Buckets from which executions may read besides the buckets of s3_corpus_path, sample_query_uri, judgements_uri and general_collection_uri; name the data bucket here to keep inputs in it.",
    stage: "infrastructure",
    scope: "deployment",
  },
  training_image_gpu: image("training", "GPU"),
  training_image_cpu: image("training", "CPU"),
  serving_image_gpu: image("serving", "GPU"),
  serving_image_cpu: image("serving", "CPU"),
  sparse_serving_image_gpu: image("serving sparse encoders", "GPU"),
  sparse_serving_image_cpu: image("serving sparse encoders", "CPU"),
  start_on_apply: {
    ...FLAG,
    default: false,
    description:
      "Start an execution with the deployment's parameters when this is first applied as true. Later applies start nothing, unless it was false in between.",
    stage: "infrastructure",
    scope: "deployment",
  },
  query_poll_seconds: {
    ...integer(
      300,
      5,
      900,
      "Seconds between two looks at a Bedrock batch job; with 300, jobs that take days stay within the events of an execution.",
    ),
    stage: "infrastructure",
    scope: "deployment",
  },
  endpoint_poll_seconds: {
    ...integer(30, 5, 300, "Seconds between two looks at the endpoint."),
    stage: "infrastructure",
    scope: "deployment",
  },
  notification_emails: {
    type: "list(string)",
    default: [],
    rule: { pattern: "^[^@\\s]+@[^@\\s]+[.][^@\\s]+$" },
    must: "a list of e-mail addresses",
    write: 'for example ["search-team@example.com"]',
    description:
      "Addresses that are told how each execution ended and when an alarm goes off; each has to confirm an e-mail from AWS once.",
    stage: "infrastructure",
    scope: "deployment",
  },
  notification_topic_arn: {
    type: "string",
    default: "",
    rule: { pattern: "^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$" },
    must: "empty or the ARN of a standard SNS topic",
    write: "for example arn:aws:sns:us-east-1:123456789012:search-team",
    description:
      "Topic of your own for these messages; its policy must let cloudwatch.amazonaws.com publish. Empty makes a topic.",
    stage: "infrastructure",
    scope: "deployment",
  },
  endpoint_latency_alarm_ms: {
    ...integer(
      0,
      0,
      60_000,
      "Milliseconds of the endpoint's model latency (95th percentile over 15 minutes) above which an alarm goes off; 0 for no alarm.",
    ),
    stage: "infrastructure",
    scope: "deployment",
  },
  log_retention_days: {
    type: "number",
    default: 30,
    rule: { oneOf: LOG_RETENTION_DAYS },
    must: `one of ${LOG_RETENTION_DAYS.join(", ")}`,
    write: "for example 30",
    description: "Days for which logs are kept.",
    stage: "infrastructure",
    scope: "deployment",
  },
  intermediate_retention_days: {
    ...integer(
      30,
      15,
      3650,
      "Days for which a run's corpus, queries, training data, scores and checkpoints are kept; models and reports stay. More than the 14 days in which a failed execution can be redriven.",
    ),
    stage: "infrastructure",
    scope: "deployment",
  },
  kms_key_arn: {
    type: "string",
    default: "",
    rule: { pattern: `^(${ARN_OF_ACCOUNT("kms", "[a-z0-9-]+")}key/[a-zA-Z0-9-]+)?$` },
    must: "empty or the ARN of a KMS key (not of an alias)",
    write: "for example arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    description:
      "Customer-managed key of the data bucket, the logs, the functions' environment, the topic of messages, the jobs' volumes (on instances without local NVMe disks, which encrypt themselves) and their outputs; empty uses keys of AWS. Its key policy must let the account's IAM policies decide, and let logs.<region>.amazonaws.com and, for alarms, cloudwatch.amazonaws.com use it.",
    stage: "infrastructure",
    scope: "deployment",
  },
  existing_bucket_name: {
    type: "string",
    default: "",
    rule: { pattern: `^(${S3_BUCKET})?$` },
    must: "empty or the name of an S3 bucket",
    write: "for example my-data",
    description:
      "Bucket of your own to use as the data bucket, below runs/, results/ and code/; its policy, encryption, versioning and lifecycle stay yours. Empty makes one.",
    stage: "infrastructure",
    scope: "deployment",
  },
  access_log_bucket_name: {
    type: "string",
    default: "",
    rule: { pattern: `^(${S3_BUCKET})?$` },
    must: "empty or the name of an S3 bucket",
    write: "for example my-access-logs",
    description:
      "Bucket that receives the data bucket's access logs; it must let logging.s3.amazonaws.com write. Empty writes none.",
    stage: "infrastructure",
    scope: "deployment",
  },
  subnet_ids: {
    type: "list(string)",
    default: [],
    rule: { pattern: "^subnet-[0-9a-f]{8,17}$" },
    must: "a list of subnet ids",
    write: 'for example ["subnet-0123456789abcdef0"]',
    description:
      "Subnets of a VPC in which the functions, the jobs and the endpoint run; they need a way to AWS's APIs, the jobs one to PyPI and the Hugging Face Hub, and the endpoint of a sparse encoder one to PyPI. Empty runs them outside of any VPC of yours.",
    stage: "infrastructure",
    scope: "deployment",
  },
  security_group_ids: {
    type: "list(string)",
    default: [],
    rule: { pattern: "^sg-[0-9a-f]{8,17}$" },
    must: "a list of security group ids",
    write: 'for example ["sg-0123456789abcdef0"]',
    description: "Security groups of what runs in subnet_ids.",
    stage: "infrastructure",
    scope: "deployment",
  },
  permissions_boundary_arn: {
    type: "string",
    default: "",
    rule: { pattern: `^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+)?$` },
    must: "empty or the ARN of an IAM policy",
    write: "for example arn:aws:iam::123456789012:policy/boundary",
    description: "Permissions boundary of every role.",
    stage: "infrastructure",
    scope: "deployment",
  },
  iam_path: {
    type: "string",
    default: "/",
    rule: { pattern: "^/([A-Za-z0-9_+=,.@-]+/)*$" },
    must: "a path that begins and ends with /",
    write: "for example /finetuning/",
    description: "Path of every role.",
    stage: "infrastructure",
    scope: "deployment",
  },
  existing_role_arns: {
    type: "map(string)",
    default: {},
    rule: { keys: PRINCIPALS, pattern: `^${ARN_OF_ACCOUNT("iam", "")}role/[A-Za-z0-9_+=,.@/-]+$` },
    must: `a map of role ARNs whose keys are among ${PRINCIPALS.join(", ")}`,
    write: 'for example { job = "arn:aws:iam::123456789012:role/finetuning-job" }',
    description:
      "Roles of your own by the principal that takes them, where you may not make roles; their trust and permissions stay yours. What is left out is made.",
    stage: "infrastructure",
    scope: "deployment",
  },
  tags: {
    type: "map(string)",
    default: {},
    rule: {},
    must: "a map of strings",
    write: 'for example { team = "search" }',
    description:
      "Tags of all that Terraform makes, and of the jobs, models, endpoints and scalable targets that executions make.",
    stage: "infrastructure",
    scope: "deployment",
  },
} as const satisfies Record<string, Parameter>;

/** Name of a parameter, as in Terraform and in an execution's input. */
export type ParameterName = keyof typeof PARAMETERS;

/** All names, in the order of the documentation. */
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as readonly ParameterName[];

/** The parameter of this name. */
export function parameter(name: ParameterName): Parameter {
  return PARAMETERS[name];
}

/** The sentence that refuses a value: what it must be and what to write instead. */
export function message(name: ParameterName): string {
  const { must, write } = parameter(name);
  return `${name} must be ${must}; write ${write}.`;
}

/** A rule between parameters, checked at plan time and reported at the parameter that has to change. */
export interface CrossFieldRule {
  readonly parameter: ParameterName;
  /** Terraform expression over `var.*` that must be true. */
  readonly condition: string;
  readonly message: string;
}

/** Rules between parameters. */
export const CROSS_FIELD_RULES: readonly CrossFieldRule[] = [
  {
    parameter: "opensearch_endpoint",
    condition: 'var.input_type != "opensearch" || var.opensearch_endpoint != ""',
    message:
      'opensearch_endpoint must be given when input_type is opensearch; write the domain\'s URL, or input_type = "s3".',
  },
  {
    parameter: "opensearch_endpoint",
    condition: '!var.register_connector || var.opensearch_endpoint != ""',
    message:
      "opensearch_endpoint must be given when register_connector is true; write the domain's URL, or register_connector = false.",
  },
  {
    parameter: "opensearch_index_name",
    condition: 'var.input_type != "opensearch" || var.opensearch_index_name != ""',
    message:
      'opensearch_index_name must be given when input_type is opensearch; write the index\'s name, or input_type = "s3".',
  },
  {
    parameter: "s3_corpus_path",
    condition: 'var.input_type != "s3" || var.s3_corpus_path != ""',
    message:
      's3_corpus_path must be given when input_type is s3; write the corpus\'s S3 URI, or input_type = "opensearch".',
  },
  {
    parameter: "register_connector",
    condition: "!var.register_connector || var.deploy_endpoint",
    message:
      "register_connector must be false when deploy_endpoint is false, because there is no endpoint to register; write register_connector = false, or deploy_endpoint = true.",
  },
  {
    parameter: "scoring_max_negatives",
    condition: "var.scoring_max_negatives <= var.num_hard_negatives",
    message:
      "scoring_max_negatives must be at most num_hard_negatives, the negatives there are to score; write a smaller number, or raise num_hard_negatives.",
  },
  {
    parameter: "num_negatives",
    condition: "var.num_negatives <= var.scoring_max_negatives",
    message:
      "num_negatives must be at most scoring_max_negatives, the negatives that have a score; write a smaller number, or raise scoring_max_negatives.",
  },
  {
    parameter: "judge_model_id",
    condition: "var.judge_model_id != var.teacher_model_id",
    message:
      "judge_model_id must not be the teacher, because a student resembles its teacher; write another model, or leave it out.",
  },
  {
    parameter: "train_batch_size",
    condition: "var.train_batch_size <= var.total_batch_size",
    message: "train_batch_size must be at most total_batch_size; write a smaller number, or raise total_batch_size.",
  },
  {
    parameter: "max_instance_count",
    condition: "var.max_instance_count == 0 || var.max_instance_count >= var.initial_instance_count",
    message:
      "max_instance_count must be 0 or at least initial_instance_count, below which the endpoint never scales; write 0 for no scaling, or a larger number.",
  },
  {
    parameter: "keep_alive_seconds",
    condition: "var.keep_alive_seconds == 0 || !var.use_spot_instances",
    message:
      "keep_alive_seconds must be 0 when use_spot_instances is true, because SageMaker keeps no spot instance warm; write 0, or use_spot_instances = false.",
  },
  {
    parameter: "trust_remote_code",
    condition: `!var.trust_remote_code || can(regex("${COMMIT}", var.base_model_revision))`,
    message:
      "trust_remote_code must be false while base_model_revision is not a commit, because a branch or a tag can be moved to other code; write the commit's 40 digits as base_model_revision, or trust_remote_code = false.",
  },
  {
    parameter: "security_group_ids",
    condition: "(length(var.security_group_ids) > 0) == (length(var.subnet_ids) > 0)",
    message: "security_group_ids must be given exactly when subnet_ids is; write both to run in a VPC, or neither.",
  },
  {
    parameter: "access_log_bucket_name",
    condition: 'var.access_log_bucket_name == "" || var.existing_bucket_name == ""',
    message:
      "access_log_bucket_name must be empty when existing_bucket_name is given, because that bucket's settings are its owner's; write one of the two only.",
  },
  {
    parameter: "notification_emails",
    condition: 'length(var.notification_emails) == 0 || var.notification_topic_arn == ""',
    message:
      "notification_emails must be empty when notification_topic_arn is given, because the addresses subscribe to the topic that is made otherwise; write [], or subscribe them to your topic.",
  },
  {
    parameter: "region",
    condition: `contains(${terraformList(REGIONS_WITH_IMAGES)}, var.region) || (var.training_image_gpu != "" && var.training_image_cpu != "" && var.serving_image_gpu != "" && var.serving_image_cpu != "")`,
    message:
      "region must be one whose images are known, or all four images must be given; write for example us-east-1, or training_image_gpu, training_image_cpu, serving_image_gpu and serving_image_cpu.",
  },
];

/** Whether a value, of the parameter's type, satisfies its rule. */
export function satisfiesRule(rule: ParameterRule, value: ParameterValue): boolean {
  const { integer: whole, min, max, pattern, oneOf, keys } = rule;
  if (typeof value === "number") {
    if (whole === true && !Number.isInteger(value)) return false;
    if (min !== undefined && value < min) return false;
    if (max !== undefined && value > max) return false;
  }
  if (typeof value === "string" && pattern !== undefined && !new RegExp(pattern).test(value)) return false;
  if (Array.isArray(value) && pattern !== undefined) {
    return value.every((entry) => new RegExp(pattern).test(String(entry)));
  }
  if (typeof value === "object" && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (keys !== undefined && !entries.every(([key]) => keys.includes(key))) return false;
    if (pattern !== undefined && !entries.every(([, entry]) => new RegExp(pattern).test(String(entry)))) return false;
  }
  return oneOf === undefined || oneOf.some((allowed) => allowed === value);
}

/** The conditions of a parameter's Terraform validation; empty when its type says it all. */
export function terraformConditions(name: ParameterName): string[] {
  const { rule, type } = parameter(name);
  const variable = `var.${name}`;
  const conditions: string[] = [];
  if (rule.integer === true) conditions.push(`floor(${variable}) == ${variable}`);
  if (rule.min !== undefined) conditions.push(`${variable} >= ${decimal(rule.min)}`);
  if (rule.max !== undefined) conditions.push(`${variable} <= ${decimal(rule.max)}`);
  if (rule.pattern !== undefined) {
    const pattern = JSON.stringify(rule.pattern);
    conditions.push(
      type === "list(string)" || type === "map(string)"
        ? `alltrue([for entry in ${variable} : can(regex(${pattern}, entry))])`
        : `can(regex(${pattern}, ${variable}))`,
    );
  }
  if (rule.oneOf !== undefined) conditions.push(`contains(${terraformList(rule.oneOf)}, ${variable})`);
  if (rule.keys !== undefined) {
    conditions.push(`length(setsubtract(keys(${variable}), ${terraformList(rule.keys)})) == 0`);
  }
  return conditions;
}

/** Without an exponent, which not every reader of HCL knows. */
function decimal(value: number): string {
  return value.toLocaleString("en", { useGrouping: false, maximumFractionDigits: 20 });
}

function terraformList(values: readonly (string | number)[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

/** A rule as the function `resolve-parameters` takes it. */
export interface ExecutionRule {
  readonly type: "string" | "number" | "bool";
  readonly integer?: true;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly one_of?: readonly (string | number | boolean | IResolvable)[];
  readonly message: string;
}

/** Names of the parameters that an execution sees. */
export const EXECUTION_PARAMETER_NAMES = PARAMETER_NAMES.filter((name) => parameter(name).scope !== "deployment");

/**
 * The rules by which each execution's input is checked.
 *
 * @param deployed values, or Terraform expressions of them, that the permissions of this deployment are bound to.
 */
export function executionRules(deployed: {
  readonly modelName: string;
  readonly bedrockModelId: string;
  readonly trustRemoteCode: boolean | IResolvable;
}): Record<string, ExecutionRule> {
  const rules: Record<string, ExecutionRule> = {};
  for (const name of EXECUTION_PARAMETER_NAMES) {
    const { type, rule } = parameter(name);
    if (type !== "string" && type !== "number" && type !== "bool") {
      throw new TypeError(`${name} has the type ${type}, which an execution's input cannot carry`);
    }
    const { oneOf, keys: _keys, ...rest } = rule;
    rules[name] = { type, ...rest, ...(oneOf === undefined ? {} : { one_of: oneOf }), message: message(name) };
  }
  return {
    ...rules,
    model_name: {
      type: "string",
      pattern: `^(?=.{1,${MODEL_NAME_MAX_LENGTH}}$)${deployed.modelName}(-[a-zA-Z0-9-]*[a-zA-Z0-9])?$`,
      message: `model_name must be ${deployed.modelName}, or start with it and a hyphen, and have at most ${MODEL_NAME_MAX_LENGTH} characters, because the deployment's roles reach those names only; write for example ${deployed.modelName}-v2.`,
    },
    bedrock_model_id: {
      type: "string",
      one_of: [deployed.bedrockModelId],
      message: `bedrock_model_id must be ${deployed.bedrockModelId}, because the deployment's roles may call this model only; leave it out, or deploy with another bedrock_model_id.`,
    },
    trust_remote_code: {
      type: "bool",
      one_of: [deployed.trustRemoteCode],
      message:
        "trust_remote_code must be what the deployment says, because it decides whose code runs with the deployment's permissions; leave it out, or deploy with another trust_remote_code.",
    },
  };
}
