import path from "node:path";
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { App, LocalBackend } from "cdktf";
import type { Construct } from "constructs";
import { CleanIdStack } from "./clean-id-stack.ts";
import { FineTuningPipeline, type PipelineSources } from "./fine-tuning-pipeline.ts";
import { declareOutputs } from "./outputs.ts";
import { PARAMETER_NAMES } from "./parameters.ts";
import { declareVariables, propsFrom } from "./variables.ts";
import { REQUIRED_PROVIDERS, REQUIRED_VERSION } from "./versions.ts";

/** The stack that `cdktf deploy` deploys: every parameter a Terraform variable, one pipeline, its outputs. */
export class PipelineStack extends CleanIdStack {
  constructor(scope: Construct, id: string, sources: PipelineSources) {
    super(scope, id);
    const variables = declareVariables(this, PARAMETER_NAMES);
    const region = variables.get("region")?.stringValue;
    new AwsProvider(this, "aws", region === undefined ? {} : { region });
    new LocalBackend(this, { path: statePath(App.of(this).outdir, id) });
    this.addOverride("terraform.required_version", REQUIRED_VERSION);
    this.addOverride("terraform.required_providers", REQUIRED_PROVIDERS);
    declareOutputs(this, new FineTuningPipeline(this, "pipeline", propsFrom(variables), sources));
  }
}

/**
 * Path of the local state from the stack's directory. Output below the project is disposable, so the state lies at the project's
 * root; output elsewhere is a deployment of its own and keeps its state.
 */
function statePath(outdir: string, id: string): string {
  const toRoot = path.relative(path.resolve(outdir, "stacks", id), process.cwd());
  const belowProject = toRoot.split(path.sep).every((part) => part === "..");
  return belowProject
    ? path.posix.join(toRoot.split(path.sep).join("/"), `terraform.${id}.tfstate`)
    : `terraform.${id}.tfstate`;
}
