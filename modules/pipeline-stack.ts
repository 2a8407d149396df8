import path from "node:path";
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { App, Fn, type IResolvable, LocalBackend, TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { CleanIdStack, StackOutput } from "./clean-id-stack.ts";
import { FineTuningPipeline, type FineTuningPipelineProps, type PipelineSources } from "./fine-tuning-pipeline.ts";
import {
  CROSS_FIELD_RULES,
  message,
  PARAMETER_NAMES,
  type ParameterName,
  type ParameterType,
  parameter,
  terraformConditions,
} from "./parameters.ts";
import { propName } from "./parameters-document.ts";

/** Provider versions the stack is written for; one of them is what the tests run. */
const AWS_PROVIDER_VERSION = "~> 5.90";
/** The first version in which a variable's validation may refer to other variables. */
const TERRAFORM_VERSION = ">= 1.9.0";

/** The stack that `cdktf deploy` deploys: every parameter a Terraform variable, one pipeline, its outputs. */
export class PipelineStack extends CleanIdStack {
  constructor(scope: Construct, id: string, sources: PipelineSources) {
    super(scope, id);
    const variables = new Map(PARAMETER_NAMES.map((name) => [name, this.#variable(name)]));
    const region = variables.get("region")?.stringValue;
    const tags = variables.get("tags")?.value;
    new AwsProvider(this, "aws", { ...(region === undefined ? {} : { region }), defaultTags: [{ tags }] });
    new LocalBackend(this, { path: statePath(App.of(this).outdir, id) });
    this.addOverride("terraform.required_version", TERRAFORM_VERSION);
    this.addOverride("terraform.required_providers.aws", { source: "hashicorp/aws", version: AWS_PROVIDER_VERSION });

    const props = Object.fromEntries(
      PARAMETER_NAMES.flatMap((name) => {
        const variable = variables.get(name);
        return variable === undefined ? [] : [[propName(name), expression(variable, parameter(name).type)]];
      }),
    );
    const pipeline = new FineTuningPipeline(this, "pipeline", props as unknown as FineTuningPipelineProps, sources);
    this.#outputs(pipeline);
  }

  #variable(name: ParameterName): TerraformVariable {
    const { type, default: defaultValue, description } = parameter(name);
    const conditions = terraformConditions(name);
    const variable = new TerraformVariable(this, name, {
      type,
      description,
      nullable: false,
      ...(defaultValue === undefined ? {} : { default: defaultValue }),
      validation: [
        ...(conditions.length === 0
          ? []
          : [{ condition: `\${${conditions.join(" && ")}}`, errorMessage: message(name) }]),
        ...CROSS_FIELD_RULES.filter((rule) => rule.parameter === name).map((rule) => ({
          condition: `\${${rule.condition}}`,
          errorMessage: rule.message,
        })),
      ],
    });
    variable.overrideLogicalId(name);
    return variable;
  }

  #outputs({ bucket, roles, functions, stateMachine }: FineTuningPipeline): void {
    const output = (name: string, description: string, value: unknown) =>
      new StackOutput(this, name, { description, value });
    const functionEntries = Object.entries(functions.byName);
    output("data_bucket_name", "Bucket with everything the pipeline reads and writes.", bucket.name);
    output("state_machine_arn", "State machine to start.", stateMachine.arn);
    output(
      "function_arns",
      "The functions by name.",
      Object.fromEntries(functionEntries.map(([name, { arn }]) => [name, arn])),
    );
    output("role_arns", "The roles by principal.", {
      ...Object.fromEntries(functionEntries.map(([name, { roleArn }]) => [name, roleArn])),
      job: roles.job.arn,
      serving: roles.serving.arn,
      bedrock: roles.bedrock.arn,
      connector: roles.connector.arn,
      workflow: stateMachine.roleArn,
    });
    output("opensearch_role_mapping", "Roles to map in OpenSearch before the first execution.", {
      read_access: functions.byName["data-extractor"].roleArn,
      ml_full_access: functions.byName["register-model"].roleArn,
    });
    output(
      "example_execution_input",
      "Input of an execution: what is left out has the value given at deployment.",
      Fn.jsonencode({ max_steps: 100, queries_per_document: 3 }),
    );
  }
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
