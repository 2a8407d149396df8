import type { Construct } from "constructs";
import { PARAMETER_NAMES } from "../../pipeline/parameters/table.ts";
import { FineTuningPipeline, type PipelineSources } from "../fine-tuning-pipeline.ts";
import { declareOutputs } from "../outputs.ts";
import { declareVariables, propsFrom } from "../parameters/variables.ts";
import { CleanIdStack } from "../terraform/clean-id-stack.ts";

/** The module's parameters: all but the region, which is that of the provider it is given. */
export const MODULE_PARAMETER_NAMES = PARAMETER_NAMES.filter((name) => name !== "region");

/**
 * The pipeline as the content of a Terraform module: the resources have the addresses that they have in the deployed stack, and
 * no provider is configured. Its app must skip validation, which insists on a provider.
 */
export class ModuleStack extends CleanIdStack {
  constructor(scope: Construct, id: string, sources: PipelineSources) {
    super(scope, id);
    const variables = declareVariables(this, MODULE_PARAMETER_NAMES);
    declareOutputs(this, new FineTuningPipeline(this, "pipeline", propsFrom(variables), sources));
  }
}
