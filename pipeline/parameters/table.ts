/** Every parameter of the pipeline, once. */
import { JOB_STAGES, type JobStage } from "../stages.ts";
import { CORPUS_PARAMETERS } from "./corpus.ts";
import { DEPLOYMENT_PARAMETERS } from "./deployment.ts";
import { EVALUATION_PARAMETERS } from "./evaluation.ts";
import { GENERAL_PARAMETERS } from "./general.ts";
import { INFRASTRUCTURE_PARAMETERS } from "./infrastructure.ts";
import { JOB_RUNTIME_PARAMETERS } from "./job-runtime.ts";
import { MINING_PARAMETERS } from "./mining.ts";
import type { Parameter, ParameterType } from "./parameter.ts";
import { QUERIES_PARAMETERS } from "./queries.ts";
import { SCORING_PARAMETERS } from "./scoring.ts";
import { TRAINING_PARAMETERS } from "./training.ts";

/** The parameters by group, in the order of the documentation. A group's key is its heading. */
export const PARAMETER_GROUPS = {
  General: GENERAL_PARAMETERS,
  Corpus: CORPUS_PARAMETERS,
  "Query generation": QUERIES_PARAMETERS,
  "Hard-negative mining": MINING_PARAMETERS,
  "Teacher scoring": SCORING_PARAMETERS,
  Training: TRAINING_PARAMETERS,
  "Evaluation and gate": EVALUATION_PARAMETERS,
  "Run time of the jobs": JOB_RUNTIME_PARAMETERS,
  Deployment: DEPLOYMENT_PARAMETERS,
  Infrastructure: INFRASTRUCTURE_PARAMETERS,
} as const satisfies Record<string, Record<string, Parameter>>;

/** All parameters by their Terraform variable's name, in the order of the documentation. */
export const PARAMETERS = {
  ...GENERAL_PARAMETERS,
  ...CORPUS_PARAMETERS,
  ...QUERIES_PARAMETERS,
  ...MINING_PARAMETERS,
  ...SCORING_PARAMETERS,
  ...TRAINING_PARAMETERS,
  ...EVALUATION_PARAMETERS,
  ...JOB_RUNTIME_PARAMETERS,
  ...DEPLOYMENT_PARAMETERS,
  ...INFRASTRUCTURE_PARAMETERS,
} as const;

/** Name of a parameter, as in Terraform, in an execution's input and, with hyphens, on a script's command line. */
export type ParameterName = keyof typeof PARAMETERS;

/** All names, in the order of the documentation. */
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as readonly ParameterName[];

/** Names of the parameters that an execution sees. */
export const EXECUTION_PARAMETER_NAMES = PARAMETER_NAMES.filter((name) => parameter(name).scope !== "deployment");

type TypeOf<Type extends ParameterType> = {
  string: string;
  number: number;
  bool: boolean;
  "list(string)": readonly string[];
  "map(string)": Readonly<Record<string, string>>;
}[Type];

/** TypeScript type of a parameter's value: the literals it may be, or its type. */
export type ValueOf<Name extends ParameterName> = (typeof PARAMETERS)[Name] extends {
  readonly rule: { readonly oneOf: readonly (infer Literal)[] };
}
  ? Literal
  : TypeOf<(typeof PARAMETERS)[Name]["type"]>;

/** The parameter of this name. */
export function parameter(name: ParameterName): Parameter {
  return PARAMETERS[name];
}

/** The parameters that a job gets as command-line arguments, in the order of the documentation. */
export function argumentsOf(job: JobStage): readonly ParameterName[] {
  return PARAMETER_NAMES.filter((name) => parameter(name).jobs?.includes(job));
}

/** The parameter as a script's flag, without its hyphens in front. */
export function flagOf(name: ParameterName): string {
  return name.replaceAll("_", "-");
}

/** The arguments of each job. */
export const JOB_ARGUMENTS: Readonly<Record<JobStage, readonly ParameterName[]>> = Object.fromEntries(
  JOB_STAGES.map((stage) => [stage, argumentsOf(stage)]),
) as Record<JobStage, readonly ParameterName[]>;

/** The name of a parameter as a prop of the construct. */
export function propName<Name extends string>(name: Name): PropName<Name> {
  return name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()) as PropName<Name>;
}

/** Type of {@link propName}. */
export type PropName<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<PropName<Tail>>}`
  : Name;
