import { type IResolvable, TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { CROSS_FIELD_RULES, crossFieldMessage } from "../../pipeline/parameters/cross-field-rules.ts";
import type { ParameterType } from "../../pipeline/parameters/parameter.ts";
import { type ParameterName, parameter, propName } from "../../pipeline/parameters/table.ts";
import { message } from "../../pipeline/parameters/values.ts";
import type { FineTuningPipelineProps } from "./props.ts";
import { crossFieldCondition, validationConditions } from "./terraform-conditions.ts";

/** Declares a Terraform variable, with its validation, for each of these parameters. */
export function declareVariables(
  scope: Construct,
  names: readonly ParameterName[],
): ReadonlyMap<ParameterName, TerraformVariable> {
  return new Map(names.map((name) => [name, declareVariable(scope, name)]));
}

function declareVariable(scope: Construct, name: ParameterName): TerraformVariable {
  const { type, default: defaultValue, description, must } = parameter(name);
  const conditions = validationConditions(name);
  const variable = new TerraformVariable(scope, name, {
    type,
    description: conditions.length === 0 ? description : `${description} Must be ${must}.`,
    nullable: false,
    ...(defaultValue === undefined ? {} : { default: defaultValue }),
    validation: [
      ...(conditions.length === 0
        ? []
        : [{ condition: `\${${conditions.join(" && ")}}`, errorMessage: message(name) }]),
      ...CROSS_FIELD_RULES.filter((rule) => rule.blame === name).map((rule) => ({
        condition: `\${${crossFieldCondition(rule)}}`,
        errorMessage: crossFieldMessage(rule),
      })),
    ],
  });
  variable.overrideLogicalId(name);
  return variable;
}

/** The variables as props of the pipeline. */
export function propsFrom(variables: ReadonlyMap<ParameterName, TerraformVariable>): FineTuningPipelineProps {
  const props = [...variables].map(([name, variable]) => [propName(name), expression(variable, parameter(name).type)]);
  return Object.fromEntries(props) as unknown as FineTuningPipelineProps;
}

/** A variable as a prop of its type. */
function expression(variable: TerraformVariable, type: ParameterType): string | number | IResolvable | string[] {
  switch (type) {
    case "string":
      return variable.stringValue;
    case "number":
      return variable.numberValue;
    case "bool":
      return variable.booleanValue;
    case "list(string)":
      return variable.listValue;
    case "map(string)":
      return variable.value;
  }
}
