/**
 * Rules between parameters, once. A plan, an execution's input and the construct's props are checked by them, and the
 * documentation lists them.
 */
import { REGIONS_WITH_IMAGES } from "../image-registries.ts";
import { IMAGE_PURPOSES, imageParameter } from "../images.ts";
import { type Condition, holds, type KnownValues, parametersOf } from "./conditions.ts";
import { EXECUTION_PARAMETER_NAMES, type ParameterName } from "./table.ts";
import { DEFAULT_BASE_MODELS } from "./training.ts";

/** A rule between parameters. */
export interface CrossFieldRule {
  /** The parameter that the message blames; a plan reports the rule at its variable. */
  readonly blame: ParameterName;
  /** When the rule applies. @default always */
  readonly when?: Condition;
  /** What must hold then. */
  readonly require: Condition;
  /** Completes "<name> must ...". */
  readonly must: string;
  /** Completes "write ...". */
  readonly write: string;
}

/** A Git commit, which nobody can move. */
const COMMIT = "^[0-9a-f]{40}$";
const IMAGE_PARAMETERS = IMAGE_PURPOSES.map(imageParameter);

/** The region has images, or every image is given. A plan checks it of the provider's region, too. */
export const KNOWN_IMAGES_RULE: CrossFieldRule = {
  blame: "region",
  when: { not: { all: IMAGE_PARAMETERS.map((name) => ({ given: name })) } },
  require: { parameter: "region", isOneOf: REGIONS_WITH_IMAGES },
  must: "be one whose images are known, or all six images must be given",
  write: `for example us-east-1, or ${IMAGE_PARAMETERS.slice(0, -1).join(", ")} and ${IMAGE_PARAMETERS.at(-1)}`,
};

/** All rules between parameters. */
export const CROSS_FIELD_RULES: readonly CrossFieldRule[] = [
  {
    blame: "opensearch_endpoint",
    when: { parameter: "input_type", is: "opensearch" },
    require: { given: "opensearch_endpoint" },
    must: "be given when input_type is opensearch",
    write: 'the domain\'s URL, or input_type = "s3"',
  },
  {
    blame: "opensearch_endpoint",
    when: { parameter: "register_connector", is: true },
    require: { given: "opensearch_endpoint" },
    must: "be given when register_connector is true",
    write: "the domain's URL, or register_connector = false",
  },
  {
    blame: "opensearch_index_name",
    when: { parameter: "input_type", is: "opensearch" },
    require: { given: "opensearch_index_name" },
    must: "be given when input_type is opensearch",
    write: 'the index\'s name, or input_type = "s3"',
  },
  {
    blame: "s3_corpus_path",
    when: { parameter: "input_type", is: "s3" },
    require: { given: "s3_corpus_path" },
    must: "be given when input_type is s3",
    write: 'the corpus\'s S3 URI, or input_type = "opensearch"',
  },
  {
    blame: "register_connector",
    when: { parameter: "deploy_endpoint", is: false },
    require: { parameter: "register_connector", is: false },
    must: "be false when deploy_endpoint is false, because there is no endpoint to register",
    write: "register_connector = false, or deploy_endpoint = true",
  },
  {
    blame: "scoring_max_negatives",
    require: { parameter: "scoring_max_negatives", isAtMost: "num_hard_negatives" },
    must: "be at most num_hard_negatives, the negatives there are to score",
    write: "a smaller number, or raise num_hard_negatives",
  },
  {
    blame: "num_negatives",
    require: { parameter: "num_negatives", isAtMost: "scoring_max_negatives" },
    must: "be at most scoring_max_negatives, the negatives that have a score",
    write: "a smaller number, or raise scoring_max_negatives",
  },
  {
    blame: "base_model_id",
    when: { parameter: "model_type", is: "sparse" },
    require: { not: { parameter: "base_model_id", is: DEFAULT_BASE_MODELS.dense } },
    must: `be a sparse encoder when model_type is sparse, and ${DEFAULT_BASE_MODELS.dense} is none`,
    write: `for example ${DEFAULT_BASE_MODELS.sparse}, or leave it out`,
  },
  {
    blame: "judge_model_id",
    require: { not: { parameter: "judge_model_id", equals: "teacher_model_id" } },
    must: "not be the teacher, because a student resembles its teacher",
    write: "another model, or leave it out",
  },
  {
    blame: "train_batch_size",
    require: { parameter: "train_batch_size", isAtMost: "total_batch_size" },
    must: "be at most total_batch_size",
    write: "a smaller number, or raise total_batch_size",
  },
  {
    blame: "max_steps",
    require: { not: { parameter: "max_steps", is: 0 } },
    must: "not be 0, because nothing would be trained",
    write: "a number of steps, or -1 for one epoch",
  },
  {
    blame: "max_instance_count",
    when: { not: { parameter: "max_instance_count", is: 0 } },
    require: { parameter: "initial_instance_count", isAtMost: "max_instance_count" },
    must: "be 0 or at least initial_instance_count, below which the endpoint never scales",
    write: "0 for no scaling, or a larger number",
  },
  {
    blame: "keep_alive_seconds",
    when: { parameter: "use_spot_instances", is: true },
    require: { parameter: "keep_alive_seconds", is: 0 },
    must: "be 0 when use_spot_instances is true, because SageMaker keeps no spot instance warm",
    write: "0, or use_spot_instances = false",
  },
  {
    blame: "base_model_revision",
    when: { parameter: "trust_remote_code", is: true },
    require: { parameter: "base_model_revision", matches: COMMIT },
    must: "be a commit when trust_remote_code is true, because a branch or a tag can be moved to other code",
    write: "the commit's 40 digits, or trust_remote_code = false",
  },
  {
    blame: "security_group_ids",
    require: {
      any: [
        { all: [{ given: "security_group_ids" }, { given: "subnet_ids" }] },
        { not: { any: [{ given: "security_group_ids" }, { given: "subnet_ids" }] } },
      ],
    },
    must: "be given exactly when subnet_ids is",
    write: "both to run in a VPC, or neither",
  },
  {
    blame: "access_log_bucket_name",
    when: { given: "existing_bucket_name" },
    require: { not: { given: "access_log_bucket_name" } },
    must: "be empty when existing_bucket_name is given, because that bucket's settings are its owner's",
    write: "one of the two only",
  },
  {
    blame: "notification_emails",
    when: { given: "notification_topic_arn" },
    require: { not: { given: "notification_emails" } },
    must: "be empty when notification_topic_arn is given, because the addresses subscribe to the topic that is made otherwise",
    write: "[], or subscribe them to your topic",
  },
  KNOWN_IMAGES_RULE,
];

/** The sentence that refuses values. */
export function crossFieldMessage({ blame, must, write }: CrossFieldRule): string {
  return `${blame} must ${must}; write ${write}.`;
}

/** What must hold whenever the rule applies, in one condition. */
export function conditionOf({ when, require }: CrossFieldRule): Condition {
  return when === undefined ? require : { any: [{ not: when }, require] };
}

/** The rules that an execution's input can break. */
export const EXECUTION_RULES = CROSS_FIELD_RULES.filter((rule) =>
  parametersOf(conditionOf(rule)).every((name) => EXECUTION_PARAMETER_NAMES.includes(name)),
);

/** The sentences of the rules that these values break. A rule about a value that is not known breaks nothing yet. */
export function brokenRules(values: KnownValues, rules: readonly CrossFieldRule[] = CROSS_FIELD_RULES): string[] {
  return rules.filter((rule) => holds(conditionOf(rule), values) === false).map(crossFieldMessage);
}
