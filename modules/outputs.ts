import { TerraformLocal } from "cdktf";
import type { Construct } from "constructs";
import { REPORT_FUNCTION, START_FUNCTION } from "../pipeline/functions.ts";
import type { FineTuningPipeline } from "./fine-tuning-pipeline.ts";
import { StackOutput } from "./terraform/clean-id-stack.ts";
import { withEntryIf } from "./terraform/json.ts";

/** Declares what the deployed stack and the Terraform module put out. */
export function declareOutputs(scope: Construct, pipeline: FineTuningPipeline): void {
  const { bucket, roles, functions, stateMachine, observability, start } = pipeline;
  const output = (name: string, description: string, value: unknown) =>
    new StackOutput(scope, name, { description, value });
  const functionEntries = Object.entries(functions.byName);
  output("data_bucket_name", "Bucket with everything the pipeline reads and writes.", bucket.name);
  output("state_machine_arn", "State machine to start.", stateMachine.arn);
  output(
    "function_arns",
    "The functions by name.",
    Object.fromEntries(functionEntries.map(([name, { arn }]) => [name, arn])),
  );
  // A local, because CDKTF writes a map within a call otherwise than terraform fmt, which outputs.tf must pass.
  const permanent = new TerraformLocal(scope, "permanent_role_arns", {
    ...Object.fromEntries(functionEntries.map(([name, { roleArn }]) => [name, roleArn])),
    job: roles.job.arn,
    serving: roles.serving.arn,
    bedrock: roles.bedrock.arn,
    connector: roles.connector.arn,
    workflow: stateMachine.roleArn,
    [REPORT_FUNCTION]: observability.reportFunction.roleArn,
  });
  output(
    "role_arns",
    "The roles by principal.",
    withEntryIf(permanent.expression, start.when, START_FUNCTION, start.roleArn),
  );
  output("opensearch_role_mapping", "Roles to map in OpenSearch before the first execution.", {
    read_access: functions.byName["data-extractor"].roleArn,
    ml_full_access: functions.byName["register-model"].roleArn,
  });
  output("notifications_topic_arn", "Topic that tells how each execution ended.", observability.topicArn);
  output("dashboard_name", "Dashboard in CloudWatch.", observability.dashboardName);
  output(
    "example_execution_input",
    "Input of an execution: what is left out has the value given at deployment.",
    JSON.stringify({ max_steps: 100, queries_per_document: 3 }),
  );
}
