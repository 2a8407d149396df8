import { Token } from "cdktf";
import { message, PARAMETER_NAMES, type ParameterValue, parameter, satisfiesRule } from "../../pipeline/parameters.ts";
import { propName } from "./document.ts";
import type { FineTuningPipelineProps } from "./fine-tuning-pipeline-props.ts";

/** Props of the pipeline break rules; the message has a line for each. */
export class InvalidPropsError extends Error {
  override readonly name = "InvalidPropsError";
}

/** The props with the default of every parameter that was not given. */
export type PipelineParameters = Required<FineTuningPipelineProps>;

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
  for (const name of PARAMETER_NAMES) {
    const prop = propName(name);
    const { default: defaultValue, rule } = parameter(name);
    const value = given[prop] ?? defaultValue;
    parameters[prop] = value;
    if (value === undefined || (!Token.isUnresolved(value) && !satisfiesRule(rule, value as ParameterValue))) {
      problems.push(message(name));
    }
  }
  if (problems.length > 0) throw new InvalidPropsError(problems.join("\n"));
  return parameters as unknown as PipelineParameters;
}
