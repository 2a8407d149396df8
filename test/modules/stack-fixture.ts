import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { App } from "cdktf";
import { execa } from "execa";
import { z } from "zod";
import { writeCliConfiguration } from "../../emulation/terraform/cli-configuration.ts";
import { PipelineStack } from "../../modules/pipeline-stack.ts";
import { FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION } from "../../pipeline/functions.ts";
import { JOB_STAGES } from "../../pipeline/stages.ts";

export const STACK_ID = "opensearch-finetuning";

/** A folder that goes away with the test. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const directory = mkdtempSync(path.join(tmpdir(), "modules-test-"));
  return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Writes the smallest functions and training scripts that can be deployed, and says where. */
export function writeSources(directory: string): { lambdas: string; trainingScripts: string } {
  const lambdas = path.join(directory, "lambdas");
  const trainingScripts = path.join(directory, "training-script");
  for (const name of [...FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION]) {
    mkdirSync(path.join(lambdas, name), { recursive: true });
    writeFileSync(path.join(lambdas, name, "index.ts"), `export const handler = async () => "${name}";\n`);
  }
  mkdirSync(path.join(trainingScripts, "requirements"), { recursive: true });
  writeFileSync(path.join(trainingScripts, "train.py"), "print('training')\n");
  for (const stage of [...JOB_STAGES, "inference"]) {
    writeFileSync(path.join(trainingScripts, "requirements", `${stage}.txt`), `${stage}==1.0\n`);
  }
  return { lambdas, trainingScripts };
}

const Variable = z.looseObject({
  type: z.string(),
  default: z.unknown().optional(),
  nullable: z.boolean(),
  description: z.string(),
  validation: z.array(z.object({ condition: z.string(), error_message: z.string() })).optional(),
});

const SynthesizedStack = z.looseObject({
  terraform: z.looseObject({
    required_version: z.string(),
    required_providers: z.record(z.string(), z.object({ source: z.string(), version: z.string() })),
    backend: z.record(z.string(), z.unknown()),
  }),
  variable: z.record(z.string(), Variable),
  resource: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))),
  output: z.record(z.string(), z.looseObject({ value: z.unknown() })),
});
export type SynthesizedStack = z.infer<typeof SynthesizedStack>;

/** Reads a synthesised stack. */
export function readStack(stackDirectory: string): SynthesizedStack {
  return SynthesizedStack.parse(JSON.parse(readFileSync(path.join(stackDirectory, "cdk.tf.json"), "utf8")));
}

/** Synthesises the stack with small sources and returns its folder. */
export function synthesize(directory: string): string {
  const outdir = path.join(directory, "cdktf.out");
  const app = new App({ outdir });
  new PipelineStack(app, STACK_ID, writeSources(directory));
  app.synth();
  return path.join(outdir, "stacks", STACK_ID);
}

/** Runs Terraform without any credentials; fails with what it said. */
export async function terraform(directory: string, args: readonly string[]): Promise<string> {
  const { file } = await writeCliConfiguration({
    workDirectory: directory,
    providerCache: path.join(tmpdir(), "terraform-providers"),
    env: process.env,
  });
  const { stdout } = await execa("terraform", args, {
    cwd: directory,
    env: { TF_CLI_CONFIG_FILE: file, TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1" },
  });
  return stdout;
}

const ACCOUNT = "123456789012";

/** A `terraform test` file that applies the stack against a mocked provider: every expression is evaluated, nothing is called. */
function mockedApply(stack: SynthesizedStack, variables: Readonly<Record<string, unknown>>): string {
  const overrides = Object.entries({
    aws_iam_role: (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
    aws_lambda_function: (name: string) => `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${name}`,
    aws_s3_bucket: (name: string) => `arn:aws:s3:::${name}`,
    aws_sns_topic: (name: string) => `arn:aws:sns:us-east-1:${ACCOUNT}:${name}`,
    aws_cloudwatch_event_rule: (name: string) => `arn:aws:events:us-east-1:${ACCOUNT}:rule/${name}`,
    aws_sfn_state_machine: (name: string) => `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:${name}`,
    aws_cloudwatch_log_group: (name: string) => `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${name}`,
  }).flatMap(([type, arn]) =>
    Object.keys(stack.resource[type] ?? {}).map(
      (name) =>
        `override_resource {\n  target = ${type}.${name}\n  values = { arn = "${arn(name)}", id = "${name}" }\n}\n`,
    ),
  );
  return `
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "${ACCOUNT}" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
}
variables {
${Object.entries(variables)
  .map(([name, value]) => `  ${name} = ${JSON.stringify(value)}`)
  .join("\n")}
}
${overrides.join("")}
run "apply" {
  command = apply
}
`;
}

const Resource = z.looseObject({
  address: z.string(),
  type: z.string(),
  values: z.record(z.string(), z.unknown()),
});
const AppliedState = z.object({
  type: z.literal("test_state"),
  test_state: z.looseObject({
    root_module: z.looseObject({ resources: z.array(Resource) }),
    outputs: z.record(z.string(), z.looseObject({ value: z.unknown() })),
  }),
});

/** What a mocked apply made. */
export interface AppliedStack {
  /** The values of the resources of a type, by their address; of one that is there or not, without its index. */
  resources(type: string): Record<string, Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Applies a synthesised stack against a mocked provider. */
export async function applyMocked(
  stackDirectory: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<AppliedStack> {
  writeFileSync(path.join(stackDirectory, "apply.tftest.hcl"), mockedApply(readStack(stackDirectory), variables));
  const output = await terraform(stackDirectory, ["test", "-json", "-verbose"]);
  for (const line of output.split("\n")) {
    const state = AppliedState.safeParse(JSON.parse(line));
    if (!state.success) continue;
    const { root_module, outputs } = state.data.test_state;
    return {
      resources: (type) =>
        Object.fromEntries(
          root_module.resources
            .filter((one) => one.type === type)
            .map(({ address, values }) => [address.replace(/\[0\]$/, ""), values]),
        ),
      outputs: Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value])),
    };
  }
  throw new Error("terraform test printed no state of the shape the tests read");
}
