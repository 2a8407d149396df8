/** Conditions between parameters as data: evaluated here, and rendered for Terraform by `modules/parameters`. */
import type { ParameterValue } from "./parameter.ts";
import type { ParameterName } from "./table.ts";

/** A condition on parameters. */
export type Condition =
  /** The value is this one. */
  | { readonly parameter: ParameterName; readonly is: string | number | boolean }
  /** The value is not empty: a text, or a list. */
  | { readonly given: ParameterName }
  /** The text matches; the pattern carries its own anchors. */
  | { readonly parameter: ParameterName; readonly matches: string }
  /** The text is one of these. */
  | { readonly parameter: ParameterName; readonly isOneOf: readonly string[] }
  /** The first number is at most the second. */
  | { readonly parameter: ParameterName; readonly isAtMost: ParameterName }
  /** The two texts are equal. */
  | { readonly parameter: ParameterName; readonly equals: ParameterName }
  | { readonly not: Condition }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] };

/** Values by parameter; what is unknown is left out. */
export type KnownValues = Readonly<Partial<Record<ParameterName, ParameterValue>>>;

/** Names of the parameters that a condition looks at. */
export function parametersOf(condition: Condition): readonly ParameterName[] {
  if ("not" in condition) return parametersOf(condition.not);
  if ("all" in condition) return condition.all.flatMap(parametersOf);
  if ("any" in condition) return condition.any.flatMap(parametersOf);
  if ("given" in condition) return [condition.given];
  if ("isAtMost" in condition) return [condition.parameter, condition.isAtMost];
  if ("equals" in condition) return [condition.parameter, condition.equals];
  return [condition.parameter];
}

/** Whether a condition holds; undefined when it depends on a value that is not known. */
export function holds(condition: Condition, values: KnownValues): boolean | undefined {
  if ("not" in condition) {
    const inner = holds(condition.not, values);
    return inner === undefined ? undefined : !inner;
  }
  if ("all" in condition) return decided(condition.all, values, false);
  if ("any" in condition) return decided(condition.any, values, true);
  const known = parametersOf(condition).map((name) => values[name]);
  const [value, other] = known;
  if (known.includes(undefined) || value === undefined) return undefined;
  if ("is" in condition) return value === condition.is;
  if ("given" in condition) return typeof value === "string" || Array.isArray(value) ? value.length > 0 : true;
  if ("matches" in condition) return new RegExp(condition.matches).test(String(value));
  if ("isOneOf" in condition) return condition.isOneOf.includes(String(value));
  if ("isAtMost" in condition) return Number(value) <= Number(other);
  return value === other;
}

/** Of `all`, one false decides; of `any`, one true. Otherwise every part has to be known. */
function decided(conditions: readonly Condition[], values: KnownValues, decisive: boolean): boolean | undefined {
  const parts = conditions.map((condition) => holds(condition, values));
  if (parts.includes(decisive)) return decisive;
  return parts.includes(undefined) ? undefined : !decisive;
}
