import type { IResolvable } from "cdktf";
import type { PARAMETERS, ParameterName, PropName, ValueOf } from "../../pipeline/parameters/table.ts";

/** A parameter as a prop: a literal of its rule, or its type. A list is CDKTF's, a flag may be a Terraform expression. */
type Prop<Name extends ParameterName> = (typeof PARAMETERS)[Name]["type"] extends "bool"
  ? boolean | IResolvable
  : (typeof PARAMETERS)[Name]["type"] extends "list(string)"
    ? string[]
    : (typeof PARAMETERS)[Name]["type"] extends "map(string)"
      ? Record<string, string>
      : ValueOf<Name>;

type WithDefault = {
  [Name in ParameterName]: (typeof PARAMETERS)[Name] extends { readonly default: unknown } ? Name : never;
}[ParameterName];

/** Parameters that are the provider's, not the construct's. */
export type ProviderParameter = "region";

/** Every parameter of the construct by its prop's name, given or by default. */
export type PipelineParameters = {
  readonly [Name in Exclude<ParameterName, ProviderParameter> as PropName<Name>]: Prop<Name>;
};

/**
 * Parameters of the pipeline; docs/parameters.md has the meaning and the default of each. A text or a number may be a Terraform
 * expression in CDKTF's encoding.
 */
export type FineTuningPipelineProps = Omit<PipelineParameters, PropName<WithDefault>> &
  Partial<Pick<PipelineParameters, PropName<Exclude<WithDefault, ProviderParameter>>>>;
