import { PRINCIPALS } from "../functions.ts";
import { arnOfAccount, FLAG, integer, type Parameter, S3_BUCKET } from "./parameter.ts";

/** Log retentions, in days, that CloudWatch Logs accepts. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const ECR_IMAGE =
  "^([0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9][a-z0-9._/-]*[:@][A-Za-z0-9._:-]+)?$";

/** The AWS containers that the images are by default, by purpose. */
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
    scope: "deployment",
  }) as const;

export const INFRASTRUCTURE_PARAMETERS = {
  region: {
    type: "string",
    default: "us-east-1",
    rule: { pattern: "^[a-z]{2,3}(-[a-z]+)+-[0-9]$" },
    must: "an AWS region",
    write: "for example us-east-1",
    description: "AWS region of everything.",
    scope: "deployment",
  },
  name_prefix: {
    type: "string",
    default: "opensearch-finetuning",
    rule: { pattern: "^[a-z][a-z0-9-]{1,24}[a-z0-9]$" },
    must: "3 to 26 lower-case letters, digits and hyphens that start with a letter",
    write: "for example products-finetuning",
    description: "Prefix of every resource's name. Give each deployment in an account its own.",
    scope: "deployment",
  },
  lambda_role_name: {
    type: "string",
    default: "FineTuning-LambdaInvokeOpenSearchRole",
    rule: { pattern: "^[A-Za-z0-9_+=,.@-]{1,51}$" },
    must: "an IAM role name of at most 51 characters",
    write: "for example FineTuning-LambdaInvokeOpenSearchRole",
    description:
      "Role of the function that reads the index: map it in OpenSearch to a role with read access. `<name>-Registration` registers the model: map it to ml_full_access. Give each deployment in an account its own.",
    scope: "deployment",
  },
  opensearch_domain_arn: {
    type: "string",
    default: "",
    rule: { pattern: "^(arn:[a-z-]+:es:[a-z0-9-]+:[0-9]{12}:domain/[a-z][a-z0-9-]{2,27})?$" },
    must: "empty or the ARN of an OpenSearch domain",
    write: "for example arn:aws:es:us-east-1:123456789012:domain/products",
    description:
      "Domain that the functions may call. Empty takes the domain's name from an opensearch_endpoint like https://search-<name>-<id>..., or else allows every domain of the account in the region.",
    scope: "deployment",
  },
  input_bucket_names: {
    type: "list(string)",
    default: [],
    rule: { pattern: `^${S3_BUCKET}$` },
    must: "a list of S3 bucket names",
    write: 'for example ["my-corpora"]',
    description:
      "More buckets from which executions may read, besides those of s3_corpus_path, sample_query_uri, judgements_uri and general_collection_uri. Name the data bucket here to keep inputs in it.",
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
    scope: "deployment",
  },
  query_poll_seconds: {
    ...integer(
      300,
      5,
      900,
      "Seconds between two looks at a Bedrock batch job. With 300, jobs that take days stay within the events of an execution.",
    ),
    scope: "deployment",
  },
  endpoint_poll_seconds: {
    ...integer(30, 5, 300, "Seconds between two looks at the endpoint."),
    scope: "deployment",
  },
  notification_emails: {
    type: "list(string)",
    default: [],
    rule: { pattern: "^[^@\\s]+@[^@\\s]+[.][^@\\s]+$" },
    must: "a list of e-mail addresses",
    write: 'for example ["search-team@example.com"]',
    description:
      "Addresses that are told of each execution's end and of alarms. Each has to confirm an e-mail from AWS once.",
    scope: "deployment",
  },
  notification_topic_arn: {
    type: "string",
    default: "",
    rule: { pattern: "^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$" },
    must: "empty or the ARN of a standard SNS topic",
    write: "for example arn:aws:sns:us-east-1:123456789012:search-team",
    description:
      "SNS topic of your own for these messages. Its policy must let cloudwatch.amazonaws.com publish. Empty makes a topic.",
    scope: "deployment",
  },
  endpoint_latency_alarm_ms: {
    ...integer(
      0,
      0,
      60_000,
      "Model latency of the endpoint, in milliseconds (95th percentile over 15 minutes), above which an alarm goes off. 0 makes no alarm.",
    ),
    scope: "deployment",
  },
  log_retention_days: {
    type: "number",
    default: 30,
    rule: { oneOf: LOG_RETENTION_DAYS },
    must: `one of ${LOG_RETENTION_DAYS.join(", ")}`,
    write: "for example 30",
    description: "Days for which logs are kept.",
    scope: "deployment",
  },
  intermediate_retention_days: {
    ...integer(
      30,
      15,
      3650,
      "Days for which a run's corpus, queries, training data, scores and checkpoints are kept. Models and reports stay. A failed execution can be redriven for 14 days, so this is more.",
    ),
    scope: "deployment",
  },
  kms_key_arn: {
    type: "string",
    default: "",
    rule: { pattern: `^(${arnOfAccount("kms", "[a-z0-9-]+")}key/[a-zA-Z0-9-]+)?$` },
    must: "empty or the ARN of a KMS key (not of an alias)",
    write: "for example arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    description:
      "Customer-managed key of the data bucket, the logs, the functions' environment, the topic, the jobs' volumes and their outputs. Instances with local NVMe disks encrypt those themselves. The key's policy must let the account's IAM policies decide, and let logs.<region>.amazonaws.com and, for alarms, cloudwatch.amazonaws.com use it. Empty uses keys of AWS.",
    scope: "deployment",
  },
  existing_bucket_name: {
    type: "string",
    default: "",
    rule: { pattern: `^(${S3_BUCKET})?$` },
    must: "empty or the name of an S3 bucket",
    write: "for example my-data",
    description:
      "Bucket of your own to use as the data bucket, below runs/, results/ and code/. Its policy, encryption, versioning and lifecycle stay yours. Empty makes one.",
    scope: "deployment",
  },
  access_log_bucket_name: {
    type: "string",
    default: "",
    rule: { pattern: `^(${S3_BUCKET})?$` },
    must: "empty or the name of an S3 bucket",
    write: "for example my-access-logs",
    description:
      "Bucket that receives the data bucket's access logs. It must let logging.s3.amazonaws.com write. Empty writes none.",
    scope: "deployment",
  },
  subnet_ids: {
    type: "list(string)",
    default: [],
    rule: { pattern: "^subnet-[0-9a-f]{8,17}$" },
    must: "a list of subnet ids",
    write: 'for example ["subnet-0123456789abcdef0"]',
    description:
      "Subnets of a VPC for the functions, the jobs and the endpoint. They need a way to AWS's APIs; the jobs also to PyPI and the Hugging Face Hub, and a sparse encoder's endpoint to PyPI. Empty uses no VPC of yours.",
    scope: "deployment",
  },
  security_group_ids: {
    type: "list(string)",
    default: [],
    rule: { pattern: "^sg-[0-9a-f]{8,17}$" },
    must: "a list of security group ids",
    write: 'for example ["sg-0123456789abcdef0"]',
    description: "Security groups of everything that runs in subnet_ids.",
    scope: "deployment",
  },
  permissions_boundary_arn: {
    type: "string",
    default: "",
    rule: { pattern: `^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+)?$` },
    must: "empty or the ARN of an IAM policy",
    write: "for example arn:aws:iam::123456789012:policy/boundary",
    description: "Permissions boundary of every role.",
    scope: "deployment",
  },
  iam_path: {
    type: "string",
    default: "/",
    rule: { pattern: "^/([A-Za-z0-9_+=,.@-]+/)*$" },
    must: "a path that begins and ends with /",
    write: "for example /finetuning/",
    description: "Path of every role.",
    scope: "deployment",
  },
  existing_role_arns: {
    type: "map(string)",
    default: {},
    rule: { keys: PRINCIPALS, pattern: `^${arnOfAccount("iam", "")}role/[A-Za-z0-9_+=,.@/-]+$` },
    must: `a map of role ARNs whose keys are among ${PRINCIPALS.join(", ")}`,
    write: 'for example { job = "arn:aws:iam::123456789012:role/finetuning-job" }',
    description:
      "Roles of your own by the principal that takes them, where you may not make roles. Their trust and permissions stay yours. The others are made.",
    scope: "deployment",
  },
  tags: {
    type: "map(string)",
    default: {},
    rule: {},
    must: "a map of strings",
    write: 'for example { team = "search" }',
    description:
      "Tags of everything that Terraform makes, and of the jobs, models, endpoints and scalable targets that executions make.",
    scope: "deployment",
  },
} as const satisfies Record<string, Parameter>;
