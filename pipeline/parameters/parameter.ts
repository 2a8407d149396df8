/** What a parameter is, and the kinds of parameters that several stages have. */
import type { JobStage } from "../stages.ts";

/** Types a parameter may have, in Terraform's notation. */
export type ParameterType = "string" | "number" | "bool" | "list(string)" | "map(string)";

/** A value of a parameter. */
export type ParameterValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

/** A condition on a value. Patterns use what JavaScript and RE2 (Terraform) have in common, and carry their own anchors. */
export interface ParameterRule {
  readonly integer?: true;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly oneOf?: readonly (string | number)[];
  /** Of a map: the keys it may have. The pattern is then that of its values. */
  readonly keys?: readonly string[];
}

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
  /** For the documentation: effect first, units included. */
  readonly description: string;
  /**
   * `execution`: the variable is the default, an execution's input may override it.
   * `suffixed`: an execution's input may add a hyphen and a suffix to it.
   * `fixed`: executions see it, but a different value is refused, because permissions were granted for this one.
   * `deployment`: only the infrastructure sees it.
   */
  readonly scope: "execution" | "suffixed" | "fixed" | "deployment";
  /** Why an execution may not change it; completes "must be the deployment's, because ...". */
  readonly fixedBecause?: string;
  /** Jobs that get it as a command-line argument of the same name. */
  readonly jobs?: readonly JobStage[];
}

export const HUGGING_FACE_ID = "^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$";
export const OPTIONAL_HUGGING_FACE_ID = "^([A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?)?$";
const HUGGING_FACE_REVISION = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$";
export const S3_BUCKET = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";
const ML_INSTANCE_TYPE = "^ml\\.[a-z][a-z0-9-]*\\.([0-9]*x?large|medium)$";
/** Whatever partition: `aws`, `aws-cn`, `aws-us-gov`. */
export const arnOfAccount = (service: string, region: string) => `arn:aws[a-z-]*:${service}:${region}:[0-9]{12}:`;

export const FLAG = { type: "bool", rule: {}, must: "true or false", write: "true or false" } as const;

/** A SageMaker instance type. */
export const instanceType = (defaultType: string, description: string, example: string) =>
  ({
    type: "string",
    default: defaultType,
    rule: { pattern: ML_INSTANCE_TYPE },
    must: "a SageMaker instance type",
    write: `for example ${example}`,
    description,
    scope: "execution",
  }) as const;

/** A whole number between two bounds. */
export const integer = (defaultValue: number, min: number, max: number, description: string) =>
  ({
    type: "number",
    default: defaultValue,
    rule: { integer: true, min, max },
    must: `a whole number from ${min} to ${max}`,
    write: `for example ${defaultValue}`,
    description,
    scope: "execution",
  }) as const;

/** A number between two bounds. */
export const real = (defaultValue: number, min: number, max: number, description: string) =>
  ({
    type: "number",
    default: defaultValue,
    rule: { min, max },
    must: `a number from ${min} to ${max}`,
    write: `for example ${defaultValue}`,
    description,
    scope: "execution",
  }) as const;

/** A revision of a model on the Hugging Face Hub. */
export const revision = (description: string) =>
  ({
    type: "string",
    default: DEFAULT_REVISION,
    rule: { pattern: HUGGING_FACE_REVISION },
    must: "a commit, tag or branch",
    write: "for example main, or the commit's 40 digits",
    description,
    scope: "execution",
  }) as const;

/** The branch that a model on the Hugging Face Hub has when nothing else is said. */
export const DEFAULT_REVISION = "main";
