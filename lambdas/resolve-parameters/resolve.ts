import { z } from "zod";
import { IMAGE_PURPOSES, type ImageKind, type Images } from "../../pipeline/images.ts";
import { brokenRules, EXECUTION_RULES } from "../../pipeline/parameters/cross-field-rules.ts";
import { DEFAULT_REVISION } from "../../pipeline/parameters/parameter.ts";
import {
  EXECUTION_PARAMETER_NAMES,
  flagOf,
  JOB_ARGUMENTS,
  type ParameterName,
  parameter,
  type ValueOf,
} from "../../pipeline/parameters/table.ts";
import { DEFAULT_BASE_MODELS } from "../../pipeline/parameters/training.ts";
import { argument, message, type ScalarValue, satisfiesRule, typed } from "../../pipeline/parameters/values.ts";
import { JOB_STAGES, JOBS, type JobStage } from "../../pipeline/stages.ts";
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
  images: z.record(z.enum(IMAGE_PURPOSES), z.string()),
  /** S3 URI of each job's code. */
  code_uris: z.record(z.enum(JOB_STAGES), z.string()),
});
export type ResolveRequest = z.infer<typeof ResolveRequest>;

type Defaults = ResolveRequest["defaults"];
type Values = Partial<Record<ParameterName, ScalarValue>>;

/** Every parameter with its value, and the container image of every job and of the endpoint. */
export interface ResolvedParameters {
  readonly parameters: Readonly<Values>;
  /**
   * Of each job: its program, its code, and its command-line arguments. An empty text is left out, because an empty hyperparameter
   * vanishes where SageMaker's training toolkit joins the command in a shell (up to 5.1.2).
   */
  readonly hyperparameters: Readonly<Record<JobStage, Readonly<Record<string, string>>>>;
  readonly images: Readonly<Record<JobStage | "serving", string>>;
}

/** A revision belongs to its model: an execution that takes another model takes that model's default branch with it. */
const REVISION_OF = [
  ["base_model_id", "base_model_revision"],
  ["teacher_model_id", "teacher_revision"],
] as const;

function isExecutionParameter(name: string): name is ParameterName {
  return (EXECUTION_PARAMETER_NAMES as readonly string[]).includes(name);
}

/** An empty `base_model_id` stands for the default of the model's type. */
function withBaseModel<Given extends Readonly<Record<string, unknown>>>(values: Given): Given {
  if (values.base_model_id !== "") return values;
  const type: ValueOf<"model_type"> = values.model_type === "sparse" ? "sparse" : "dense";
  return { ...values, base_model_id: DEFAULT_BASE_MODELS[type] };
}

function withRevisions(input: Readonly<Record<string, unknown>>, defaults: Defaults): Record<string, unknown> {
  const values = withBaseModel({ ...defaults, ...input });
  const deployed = withBaseModel(defaults);
  const revisions = REVISION_OF.flatMap(([model, revision]) =>
    values[model] === deployed[model] || input[revision] !== undefined ? [] : [[revision, DEFAULT_REVISION]],
  );
  return { ...values, ...Object.fromEntries(revisions) };
}

/** Why an execution may not have this value in the place of the deployment's, or undefined where it may. */
function changeRefusal(name: ParameterName, value: ScalarValue, deployed: Defaults[string]): string | undefined {
  const { scope, fixedBecause } = parameter(name);
  if (scope === "fixed" && value !== deployed) {
    return `${name} must be the deployment's, ${deployed}, because ${fixedBecause}; leave it out, or deploy with another ${name}.`;
  }
  if (scope === "suffixed" && value !== deployed && !String(value).startsWith(`${deployed}-`)) {
    return `${name} must be ${deployed}, or start with it and a hyphen, because the deployment's roles reach those names only; write for example ${deployed}-v2.`;
  }
  return undefined;
}

function resolveImages(parameters: Readonly<Values>, images: Images): ResolvedParameters["images"] {
  const image = (kind: ImageKind, instanceType: ParameterName) =>
    images[`${kind}_${hasGpu(String(parameters[instanceType])) ? "gpu" : "cpu"}`];
  const serving = parameters.model_type === "sparse" ? "sparse_serving" : "serving";
  const ofJobs = JOB_STAGES.map((stage) => [stage, image(JOBS[stage].image, JOBS[stage].instanceType)]);
  return { ...Object.fromEntries(ofJobs), serving: image(serving, "inference_instance_type") };
}

function hyperparameters(stage: JobStage, codeUri: string, parameters: Readonly<Values>): Record<string, string> {
  const given = JOB_ARGUMENTS[stage].flatMap((name) => {
    const value = parameters[name];
    return value === undefined || value === "" ? [] : [[flagOf(name), argument(value)]];
  });
  return {
    sagemaker_program: JOBS[stage].program,
    sagemaker_submit_directory: codeUri,
    ...Object.fromEntries(given),
  };
}

/**
 * Lays the execution's input over the deployment's defaults, and checks every value and their combination.
 *
 * @throws InvalidParametersError with everything that is wrong, not only the first thing.
 */
export function resolveParameters({ input, defaults, images, code_uris }: ResolveRequest): ResolvedParameters {
  const given = z.record(z.string(), z.unknown()).safeParse(input ?? {});
  if (!given.success) {
    throw new InvalidParametersError(
      "The execution's input must be a JSON object of parameters; {} takes all defaults.",
    );
  }
  const violations: string[] = [];
  for (const name of Object.keys(given.data)) {
    if (isExecutionParameter(name)) continue;
    violations.push(`${name} is not a parameter; did you mean ${closest(name, EXECUTION_PARAMETER_NAMES)}?`);
  }
  const values = withRevisions(given.data, defaults);
  const parameters: Values = {};
  for (const name of EXECUTION_PARAMETER_NAMES) {
    const raw = values[name] ?? null;
    const { type, rule } = parameter(name);
    const value = typed(raw, type);
    if (value === undefined || !satisfiesRule(rule, value)) {
      violations.push(raw === null ? `${name} is required: ${message(name)}` : `${shown(name, raw)}: ${message(name)}`);
      continue;
    }
    const refusal = changeRefusal(name, value, defaults[name] ?? null);
    if (refusal === undefined) parameters[name] = value;
    else violations.push(`${shown(name, raw)}: ${refusal}`);
  }
  violations.push(...brokenRules(parameters, EXECUTION_RULES));
  if (violations.length > 0) {
    throw new InvalidParametersError(`The parameters of this execution cannot be used:\n- ${violations.join("\n- ")}`);
  }
  return {
    parameters,
    hyperparameters: Object.fromEntries(
      JOB_STAGES.map((stage) => [stage, hyperparameters(stage, code_uris[stage], parameters)]),
    ) as ResolvedParameters["hyperparameters"],
    images: resolveImages(parameters, images),
  };
}

const shown = (name: string, value: unknown) => `${name} is ${JSON.stringify(value)}`;
