import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import type { Construct } from "constructs";
import { PARAMETER_NAMES } from "../pipeline/parameters/table.ts";
import { FineTuningPipeline, type PipelineSources } from "./fine-tuning-pipeline.ts";
import { declareOutputs } from "./outputs.ts";
import { declareVariables, propsFrom } from "./parameters/variables.ts";
import { configureBackend, type S3BackendSettings } from "./terraform/backend.ts";
import { CleanIdStack } from "./terraform/clean-id-stack.ts";
import { REQUIRED_PROVIDERS, REQUIRED_VERSION } from "./terraform/versions.ts";

/** The stack that `cdktf deploy` deploys: every parameter a Terraform variable, one pipeline, its outputs. */
export class PipelineStack extends CleanIdStack {
  /** @param backend where the state lies; a local file when left out. */
  constructor(scope: Construct, id: string, sources: PipelineSources, backend?: S3BackendSettings) {
    super(scope, id);
    const variables = declareVariables(this, PARAMETER_NAMES);
    const region = variables.get("region")?.stringValue;
    new AwsProvider(this, "aws", region === undefined ? {} : { region });
    this.addOverride("terraform.required_version", REQUIRED_VERSION);
    this.addOverride("terraform.required_providers", REQUIRED_PROVIDERS);
    configureBackend(this, id, backend);
    declareOutputs(this, new FineTuningPipeline(this, "pipeline", propsFrom(variables), sources));
  }
}
