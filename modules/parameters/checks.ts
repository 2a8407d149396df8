import { Token } from "cdktf";
import type { KnownValues } from "../../pipeline/parameters/conditions.ts";
import { brokenRules } from "../../pipeline/parameters/cross-field-rules.ts";
import type { ParameterValue } from "../../pipeline/parameters/parameter.ts";
import { PARAMETER_NAMES, type ParameterName, parameter, propName } from "../../pipeline/parameters/table.ts";
import { inPropNames, message, satisfiesRule } from "../../pipeline/parameters/values.ts";
import type { FineTuningPipelineProps, PipelineParameters } from "./props.ts";

/** Props of the pipeline break rules; the message has a line for each. */
export class InvalidPropsError extends Error {
  override readonly name = "InvalidPropsError";
}

/**
 * Checks the props and fills in the defaults. Terraform expressions are not known yet: their values are checked at plan time, by
 * the variables' validation.
 *
 * @throws InvalidPropsError
 */
export function checkedParameters(props: FineTuningPipelineProps): PipelineParameters {
  const given: Readonly<Record<string, unknown>> = { ...props };
  const problems: string[] = [];
  const parameters: Record<string, unknown> = {};
  const known: Partial<Record<ParameterName, ParameterValue>> = {};
  for (const name of PARAMETER_NAMES) {
    if (name === "region") continue;
    const prop = propName(name);
    const { default: defaultValue, rule } = parameter(name);
    const value = given[prop] ?? defaultValue;
    parameters[prop] = value;
    if (value === undefined) {
      problems.push(message(name));
      continue;
    }
    if (Token.isUnresolved(value)) continue;
    if (satisfiesRule(rule, value as ParameterValue)) known[name] = value as ParameterValue;
    else problems.push(message(name));
  }
  problems.push(...brokenRules(known satisfies KnownValues));
  if (problems.length > 0) throw new InvalidPropsError(problems.map(inPropNames).join("\n"));
  return parameters as unknown as PipelineParameters;
}
