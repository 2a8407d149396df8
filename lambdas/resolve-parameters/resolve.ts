import { z } from "zod";
import { argument, keeps, ParameterRule, type ParameterValue, typed } from "../../pipeline/parameter-rules.ts";
import { hasGpu } from "../shared/aws/instance-type.ts";
import { closest } from "./closest.ts";

/** Some parameters of the execution are missing, unknown or out of their range; the message lists all of them. */
export class InvalidParametersError extends Error {
  override readonly name = "InvalidParametersError";
}

/** The event of resolve-parameters. */
export const ResolveRequest = z.object({
  /** The execution's input as it was given. */
  input: z.unknown(),
  /** Values of the deployment; null where there is none. */
  defaults: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  rules: z.record(z.string(), ParameterRule),
  images: z.object({
    training_gpu: z.string(),
    training_cpu: z.string(),
    serving_gpu: z.string(),
    serving_cpu: z.string(),
    sparse_serving_gpu: z.string(),
    sparse_serving_cpu: z.string(),
  }),
});
export type ResolveRequest = z.infer<typeof ResolveRequest>;

/** Every parameter with its value, and the container image of every job and of the endpoint. */
export interface ResolvedParameters {
  readonly parameters: Record<string, ParameterValue>;
  /** The same values as strings, for SageMaker's hyperparameters. */
  readonly arguments: Record<string, string>;
  readonly images: Record<"processing" | "scoring" | "training" | "evaluation" | "serving", string>;
}

const IMAGE_OF_STAGE = [
  ["processing", "processing_instance_type", "training"],
  ["scoring", "scoring_instance_type", "training"],
  ["training", "training_instance_type", "training"],
  ["evaluation", "scoring_instance_type", "training"],
  ["serving", "inference_instance_type", "serving"],
] as const;

function resolveImages(parameters: Record<string, ParameterValue>, images: ResolveRequest["images"]) {
  const resolved: Partial<ResolvedParameters["images"]> = {};
  for (const [stage, parameter, image] of IMAGE_OF_STAGE) {
    const purpose = image === "serving" && parameters.model_type === "sparse" ? "sparse_serving" : image;
    resolved[stage] = images[`${purpose}_${hasGpu(String(parameters[parameter] ?? "")) ? "gpu" : "cpu"}`];
  }
  return resolved as ResolvedParameters["images"];
}

/** Numbers of which the first may not be above the second, and why. */
const AT_MOST = [
  ["scoring_max_negatives", "num_hard_negatives", "there are no more negatives to score"],
  ["num_negatives", "scoring_max_negatives", "no more negatives have a score"],
  ["train_batch_size", "total_batch_size", "it is a part of it"],
] as const;

/** A revision belongs to its model: an execution that takes another model takes that model's default branch with it. */
const REVISION_OF = { base_model_id: "base_model_revision", teacher_model_id: "teacher_revision" } as const;
const DEFAULT_BRANCH = "main";
const COMMIT = /^[0-9a-f]{40}$/;

/** The default base model is dense, so an execution that trains a sparse encoder and names no base gets this one. */
const DENSE_BASE = "BAAI/bge-m3";
const SPARSE_BASE = "opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill";

function withBaseModel(input: Readonly<Record<string, unknown>>, defaults: ResolveRequest["defaults"]) {
  const sparse = (input.model_type ?? defaults.model_type) === "sparse";
  const chosen = input.base_model_id !== undefined || defaults.base_model_id !== DENSE_BASE;
  return sparse && !chosen
    ? { ...defaults, base_model_id: SPARSE_BASE, base_model_revision: DEFAULT_BRANCH }
    : defaults;
}

function withRevisions(input: Readonly<Record<string, unknown>>, defaults: ResolveRequest["defaults"]) {
  const revised = { ...defaults };
  for (const [model, revision] of Object.entries(REVISION_OF)) {
    const given = input[model] ?? defaults[model];
    if (given !== defaults[model]) revised[revision] = DEFAULT_BRANCH;
  }
  return revised;
}

/** What does not fit together among values that each keep their rule. */
function crossFieldViolations(parameters: Record<string, ParameterValue>): string[] {
  const violations: string[] = [];
  // A value that broke its own rule is not among the parameters and has been reported.
  const require = (name: string, because: string) => {
    if (parameters[name] === "") violations.push(`${name} is required ${because}.`);
  };
  if (parameters.input_type === "opensearch") {
    require("opensearch_endpoint", "when input_type is opensearch");
    require("opensearch_index_name", "when input_type is opensearch");
  }
  if (parameters.input_type === "s3") require("s3_corpus_path", "when input_type is s3");
  if (parameters.register_connector === true) {
    require("opensearch_endpoint", "when register_connector is true: the model is registered there");
    if (parameters.deploy_endpoint !== true) {
      violations.push(
        "deploy_endpoint must be true when register_connector is true: the connector calls the endpoint.",
      );
    }
  }
  if (parameters.use_spot_instances === true && Number(parameters.keep_alive_seconds) > 0) {
    violations.push(
      "keep_alive_seconds must be 0 when use_spot_instances is true: SageMaker keeps no spot instance warm.",
    );
  }
  const [instances, mostInstances] = [Number(parameters.initial_instance_count), Number(parameters.max_instance_count)];
  if (mostInstances > 0 && mostInstances < instances) {
    violations.push(
      `max_instance_count (${mostInstances}) must be 0 or at least initial_instance_count (${instances}): the endpoint never scales below it.`,
    );
  }
  const { judge_model_id: judge, teacher_model_id: teacher } = parameters;
  if (judge !== undefined && judge === teacher) {
    violations.push(`judge_model_id (${judge}) must not be the teacher: a student resembles its teacher.`);
  }
  if (parameters.model_type === "sparse" && parameters.base_model_id === DENSE_BASE) {
    violations.push(
      `base_model_id must be a sparse encoder when model_type is sparse, and ${DENSE_BASE} is none: leave it out, or write for example ${SPARSE_BASE}.`,
    );
  }
  if (parameters.trust_remote_code === true && !COMMIT.test(String(parameters.base_model_revision))) {
    violations.push(
      "base_model_revision must be a commit, 40 digits, when the deployment has trust_remote_code: a branch or a tag can be moved to other code.",
    );
  }
  for (const [name, limit, reason] of AT_MOST) {
    const [value, most] = [parameters[name], parameters[limit]];
    if (typeof value === "number" && typeof most === "number" && value > most) {
      violations.push(`${name} (${value}) must be at most ${limit} (${most}): ${reason}.`);
    }
  }
  return violations;
}

/**
 * Lays the execution's input over the deployment's defaults, and checks every value and their combination.
 *
 * @throws InvalidParametersError with everything that is wrong, not only the first thing.
 */
export function resolveParameters({ input, defaults, rules, images }: ResolveRequest): ResolvedParameters {
  const given = z.record(z.string(), z.unknown()).safeParse(input ?? {});
  if (!given.success) {
    throw new InvalidParametersError(
      "The execution's input must be a JSON object of parameters; {} takes all defaults.",
    );
  }
  const violations: string[] = [];
  for (const name of Object.keys(given.data)) {
    if (name in rules) continue;
    violations.push(`${name} is not a parameter; did you mean ${closest(name, Object.keys(rules))}?`);
  }

  const values = withRevisions(given.data, withBaseModel(given.data, defaults));
  const parameters: Record<string, ParameterValue> = {};
  for (const [name, rule] of Object.entries(rules)) {
    const raw = given.data[name] ?? values[name] ?? null;
    if (raw === null) {
      violations.push(`${name} is required: ${rule.message}`);
      continue;
    }
    const value = typed(raw, rule);
    if (value === undefined || !keeps(value, rule)) {
      violations.push(`${name} is ${JSON.stringify(raw)}: ${rule.message}`);
      continue;
    }
    parameters[name] = value;
  }
  violations.push(...crossFieldViolations(parameters));
  if (violations.length > 0) {
    throw new InvalidParametersError(`The parameters of this execution cannot be used:\n- ${violations.join("\n- ")}`);
  }
  return {
    parameters,
    arguments: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, argument(value)])),
    images: resolveImages(parameters, images),
  };
}
