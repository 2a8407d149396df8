import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { App } from "cdktf";
import { execa } from "execa";
import { z } from "zod";
import { writeCliConfiguration } from "../../emulation/terraform/cli-configuration.ts";
import { JOB_STAGES } from "../../modules/jobs/training-jobs.ts";
import { PipelineStack } from "../../modules/pipeline-stack.ts";
import { FUNCTION_NAMES } from "../../modules/workflow/definition.ts";

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
  for (const name of FUNCTION_NAMES) {
    mkdirSync(path.join(lambdas, name), { recursive: true });
    writeFileSync(path.join(lambdas, name, "index.ts"), `export const handler = async () => "${name}";\n`);
  }
  mkdirSync(path.join(trainingScripts, "requirements"), { recursive: true });
  writeFileSync(path.join(trainingScripts, "train.py"), "print('training')\n");
  for (const stage of JOB_STAGES) {
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
