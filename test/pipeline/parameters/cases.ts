/** Values on both sides of every rule. A plan, an execution and the construct's props are held against them. */
import type { ParameterValue } from "../../../pipeline/parameters/parameter.ts";
import { PARAMETER_NAMES, type ParameterName, parameter } from "../../../pipeline/parameters/table.ts";

export type Values = Partial<Record<ParameterName, ParameterValue>>;

/** Values that must be accepted or refused, with what else has to be set for that to be the only question. */
export interface Case {
  readonly values: Values;
  /** The parameter that must be blamed. */
  readonly refusedAt?: ParameterName;
}

const COMMIT = "5617a9f61b028005a4858fdac845db406aefb181";

/** What has to be given for any case to be the only question. */
export const BASE: Values = {
  model_name: "products",
  s3_corpus_path: "s3://corpora/products.jsonl",
  register_connector: false,
};

/** Values on both sides of each pattern and list. Numbers follow from their bounds. */
const EXAMPLES: Partial<Record<ParameterName, { accepted: ParameterValue[]; refused: ParameterValue[] }>> = {
  model_name: {
    accepted: ["a", "Products-2", "a--b", "a".repeat(40)],
    refused: ["", "-a", "a-", "a_b", "a.b", "a".repeat(41)],
  },
  input_type: { accepted: ["s3"], refused: ["S3", "", "kafka"] },
  opensearch_endpoint: {
    accepted: ["https://search-products-abc123.us-east-1.es.amazonaws.com", "https://search.example.com:9200"],
    refused: [
      "search.example.com",
      "http://127.0.0.1:9200",
      "http://search.example.com",
      "https://search.example.com/",
      "https://a b",
    ],
  },
  opensearch_index_name: {
    accepted: ["", "products", "products-2.v1", ".hidden"],
    refused: ["Products", "a,b", "a*", "-a", "a".repeat(256)],
  },
  text_field_names: { accepted: ["content", "title,text", "product.description"], refused: ["", "a, b", "a,,b", ","] },
  s3_corpus_path: {
    accepted: ["s3://corpora/a.jsonl", "s3://corpora/x/y.jsonl.gz"],
    refused: [
      "corpora/a.jsonl",
      "s3://corpora/a.json",
      "s3://corpora/",
      "s3://Corpora/a.jsonl",
      "https://corpora/a.jsonl",
    ],
  },
  sample_query_uri: {
    accepted: ["", "s3://corpora/queries.jsonl"],
    refused: ["s3://corpora/queries.csv", "queries.jsonl"],
  },
  bedrock_model_id: {
    accepted: ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-lite-v1:0"],
    refused: ["", "claude", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"],
  },
  teacher_model_id: { accepted: ["BAAI/bge-small-en-v1.5", "gpt2"], refused: ["", "a/b/c", "/a", "a b"] },
  base_model_id: { accepted: ["", "BAAI/bge-m3", "gpt2"], refused: ["a/b/c", "a/", "a b"] },
  model_type: { accepted: ["dense", "sparse"], refused: ["", "Sparse", "hybrid"] },
  processing_instance_type: {
    accepted: ["ml.c5.4xlarge", "ml.m5.large"],
    refused: ["c5.4xlarge", "ml.c5", "ml.C5.large"],
  },
  scoring_instance_type: { accepted: ["ml.g5.2xlarge", "ml.p4d.24xlarge"], refused: ["g5.2xlarge", "ml.g5.huge"] },
  training_instance_type: { accepted: ["ml.p4d.24xlarge", "ml.g6e.xlarge"], refused: ["p4d.24xlarge", "ml.p4d."] },
  inference_instance_type: { accepted: ["ml.g5.xlarge", "ml.t2.medium"], refused: ["g5.xlarge", ""] },
  judgements_uri: {
    accepted: ["", "s3://corpora/", "s3://corpora/judgements/"],
    refused: ["s3://corpora", "s3://corpora/judgements", "judgements/"],
  },
  general_collection_uri: { accepted: ["", "s3://corpora/general/"], refused: ["s3://corpora/general", "general/"] },
  judge_model_id: { accepted: ["", "BAAI/bge-reranker-v2-m3"], refused: ["a/b/c", "my model", "/b"] },
  region: { accepted: ["eu-central-1", "us-gov-west-1"], refused: ["Frankfurt", "eu-central", "us-east-1a"] },
  name_prefix: { accepted: ["abc", "a".repeat(26)], refused: ["ab", "Abc", "1abc", "abc-", "a".repeat(27)] },
  lambda_role_name: { accepted: ["Role", "a".repeat(51)], refused: ["", "my role", "a/b", "a".repeat(52)] },
  opensearch_domain_arn: {
    accepted: ["", "arn:aws:es:us-east-1:123456789012:domain/products"],
    refused: ["products", "arn:aws:es:us-east-1:123456789012:domain/products/*", "arn:aws:s3:::products"],
  },
  input_bucket_names: { accepted: [[], ["corpora", "my.bucket"]], refused: [["s3://corpora"], ["corpora", "A"]] },
  training_image_gpu: imageExamples(),
  training_image_cpu: imageExamples(),
  serving_image_gpu: imageExamples(),
  serving_image_cpu: imageExamples(),
  sparse_serving_image_gpu: imageExamples(),
  sparse_serving_image_cpu: imageExamples(),
  base_model_revision: { accepted: ["main", COMMIT, "refs/pr/1"], refused: ["", "-main", "a b"] },
  teacher_revision: { accepted: ["main", COMMIT], refused: ["", "/main"] },
  kms_key_arn: {
    accepted: ["", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    refused: ["alias/data", "arn:aws:kms:us-east-1:123456789012:alias/data", "1234abcd"],
  },
  existing_bucket_name: { accepted: ["", "my-data"], refused: ["s3://my-data", "My-data", "a"] },
  access_log_bucket_name: { accepted: ["", "my-logs"], refused: ["arn:aws:s3:::my-logs", "a"] },
  subnet_ids: { accepted: [[]], refused: [["sg-0123456789abcdef0"], ["subnet-0123456789abcdef0", "a"]] },
  security_group_ids: { accepted: [[]], refused: [["subnet-0123456789abcdef0"], ["default"]] },
  permissions_boundary_arn: {
    accepted: ["", "arn:aws:iam::123456789012:policy/team/boundary", "arn:aws:iam::aws:policy/PowerUserAccess"],
    refused: ["boundary", "arn:aws:iam::123456789012:role/boundary"],
  },
  iam_path: { accepted: ["/", "/finetuning/", "/a/b/"], refused: ["", "finetuning", "/finetuning", "//"] },
  existing_role_arns: {
    accepted: [{}, { job: "arn:aws:iam::123456789012:role/team/job" }],
    refused: [{ job: "job" }, { jobs: "arn:aws:iam::123456789012:role/job" }],
  },
  notification_emails: {
    accepted: [[], ["team@example.com"]],
    refused: [["team"], ["team@example.com", "a b@example.com"]],
  },
  notification_topic_arn: {
    accepted: ["", "arn:aws:sns:us-east-1:123456789012:search-team"],
    refused: ["search-team", "arn:aws:sns:us-east-1:123456789012:queue.fifo", "arn:aws:sqs:us-east-1:123456789012:q"],
  },
  log_retention_days: { accepted: [1, 30, 3653], refused: [0, 2, 31] },
};

function imageExamples() {
  return {
    accepted: ["", "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/image:1.0"],
    refused: ["image:1.0", "docker.io/team/image:1.0", "123456789012.dkr.ecr.us-east-1.amazonaws.com/image"],
  };
}

/** What else must hold for a value at the edge of its own range to be accepted. */
const COMPANIONS: Partial<Record<ParameterName, Values>> = {
  num_hard_negatives: { scoring_max_negatives: 1, num_negatives: 1 },
  scoring_max_negatives: { num_hard_negatives: 200, num_negatives: 1 },
  num_negatives: { num_hard_negatives: 200, scoring_max_negatives: 200 },
  total_batch_size: { train_batch_size: 1 },
  keep_alive_seconds: { use_spot_instances: false },
};

function numericExamples(name: ParameterName): { accepted: number[]; refused: number[] } {
  const { min, max, integer } = parameter(name).rule;
  if (min === undefined || max === undefined) throw new Error(`${name} has no bounds to test`);
  const step = integer === true ? 1 : min === 0 ? 0.001 : Math.abs(min) / 2;
  return {
    accepted: [min, max],
    refused: [min - step, max + 1, ...(integer === true ? [min + 0.5] : [])],
  };
}

const IMAGES: Values = {
  training_image_gpu: "123456789012.dkr.ecr.mx-central-1.amazonaws.com/a:1",
  training_image_cpu: "123456789012.dkr.ecr.mx-central-1.amazonaws.com/a:1",
  serving_image_gpu: "123456789012.dkr.ecr.mx-central-1.amazonaws.com/a:1",
  serving_image_cpu: "123456789012.dkr.ecr.mx-central-1.amazonaws.com/a:1",
  sparse_serving_image_gpu: "123456789012.dkr.ecr.mx-central-1.amazonaws.com/a:1",
  sparse_serving_image_cpu: "123456789012.dkr.ecr.mx-central-1.amazonaws.com/a:1",
};
const ENDPOINT = "https://search.example.com";

/** Each rule between parameters from both sides. */
export const CROSS_FIELD_CASES: readonly Case[] = [
  { values: { input_type: "opensearch", opensearch_index_name: "a" }, refusedAt: "opensearch_endpoint" },
  { values: { input_type: "opensearch", opensearch_endpoint: ENDPOINT }, refusedAt: "opensearch_index_name" },
  {
    values: { input_type: "opensearch", opensearch_endpoint: ENDPOINT, opensearch_index_name: "a", s3_corpus_path: "" },
  },
  { values: { s3_corpus_path: "" }, refusedAt: "s3_corpus_path" },
  { values: { register_connector: true }, refusedAt: "opensearch_endpoint" },
  {
    values: { register_connector: true, opensearch_endpoint: ENDPOINT, deploy_endpoint: false },
    refusedAt: "register_connector",
  },
  { values: { register_connector: true, opensearch_endpoint: ENDPOINT } },
  { values: { deploy_endpoint: false } },
  { values: { scoring_max_negatives: 20 } },
  { values: { scoring_max_negatives: 21 }, refusedAt: "scoring_max_negatives" },
  { values: { num_negatives: 4 } },
  { values: { num_negatives: 5 }, refusedAt: "num_negatives" },
  { values: { model_type: "sparse", base_model_id: "BAAI/bge-m3" }, refusedAt: "base_model_id" },
  { values: { model_type: "sparse", base_model_id: "team/splade" } },
  { values: { model_type: "sparse" } },
  { values: { judge_model_id: "a/b", teacher_model_id: "a/c" } },
  { values: { judge_model_id: "a/b", teacher_model_id: "a/b" }, refusedAt: "judge_model_id" },
  { values: { train_batch_size: 8, total_batch_size: 8 } },
  { values: { train_batch_size: 8, total_batch_size: 7 }, refusedAt: "train_batch_size" },
  { values: { max_steps: 0 }, refusedAt: "max_steps" },
  { values: { max_steps: -1 } },
  { values: { initial_instance_count: 2, max_instance_count: 1 }, refusedAt: "max_instance_count" },
  { values: { initial_instance_count: 2, max_instance_count: 2 } },
  { values: { keep_alive_seconds: 600, use_spot_instances: true }, refusedAt: "keep_alive_seconds" },
  { values: { keep_alive_seconds: 600, use_spot_instances: false } },
  { values: { trust_remote_code: true }, refusedAt: "base_model_revision" },
  { values: { trust_remote_code: true, base_model_revision: "v1" }, refusedAt: "base_model_revision" },
  { values: { trust_remote_code: true, base_model_revision: COMMIT } },
  { values: { subnet_ids: ["subnet-0123456789abcdef0"] }, refusedAt: "security_group_ids" },
  { values: { security_group_ids: ["sg-0123456789abcdef0"] }, refusedAt: "security_group_ids" },
  { values: { subnet_ids: ["subnet-0123456789abcdef0"], security_group_ids: ["sg-0123456789abcdef0"] } },
  { values: { existing_bucket_name: "a-bucket", access_log_bucket_name: "logs" }, refusedAt: "access_log_bucket_name" },
  { values: { existing_bucket_name: "a-bucket" } },
  { values: { access_log_bucket_name: "logs" } },
  { values: { notification_emails: ["a@example.com"] } },
  {
    values: { notification_emails: ["a@example.com"], notification_topic_arn: "arn:aws:sns:us-east-1:123456789012:t" },
    refusedAt: "notification_emails",
  },
  { values: { region: "mx-central-1" }, refusedAt: "region" },
  { values: { region: "mx-central-1", ...IMAGES } },
  { values: { region: "mx-central-1", ...IMAGES, serving_image_cpu: "" }, refusedAt: "region" },
];

/** Parameters whose rule says more than their type. */
export const RULED = PARAMETER_NAMES.filter((name) => Object.keys(parameter(name).rule).length > 0);

function casesOf(name: ParameterName): Case[] {
  const { accepted, refused } = EXAMPLES[name] ?? numericExamples(name);
  const values = (value: ParameterValue): Values => ({ ...COMPANIONS[name], [name]: value });
  return [
    ...accepted.map((value) => ({ values: values(value) })),
    ...refused.map((value): Case => ({ values: values(value), refusedAt: name })),
  ];
}

/** All cases: the defaults, every parameter on both sides of its rule, every rule between parameters from both sides. */
export const CASES: readonly Case[] = [{ values: {} }, ...RULED.flatMap(casesOf), ...CROSS_FIELD_CASES];
