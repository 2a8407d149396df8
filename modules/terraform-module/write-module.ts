import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { App } from "cdktf";
import type { PipelineSources } from "../fine-tuning-pipeline.ts";
import { moduleFiles } from "./module-files.ts";
import { type ModuleExample, moduleReadme } from "./module-readme.ts";
import { ModuleStack } from "./module-stack.ts";

/** Name of the module as the Terraform registry wants it: `terraform-<provider>-<name>`. */
export const MODULE_NAME = "terraform-aws-opensearch-finetuning";

const STACK_ID = "module";
const README_TEMPLATE = fileURLToPath(new URL("module-readme.md", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("examples", import.meta.url));
const LICENSE = fileURLToPath(new URL("../../LICENSE", import.meta.url));
/** What goes into the module as it is: the tests, and which rules of tflint and checkov do not apply, and why. */
const COPIED = ["tests", ".tflint.hcl", ".checkov.yaml"].map((name) => fileURLToPath(new URL(name, import.meta.url)));

/** An example has no comment that says what it shows. */
export class UndescribedExampleError extends Error {
  override readonly name = "UndescribedExampleError";
}

/**
 * Writes the Terraform module: the same files, byte for byte, whenever the sources are the same.
 *
 * @param directory is replaced.
 * @throws NotAModuleError, UndescribedExampleError
 */
export function writeModule(directory: string, sources: PipelineSources): void {
  const outdir = mkdtempSync(path.join(tmpdir(), "terraform-module-"));
  try {
    const app = new App({ outdir, skipValidation: true });
    new ModuleStack(app, STACK_ID, sources);
    app.synth();
    const synthesized = path.join(outdir, "stacks", STACK_ID);
    const { files, outputs } = moduleFiles(JSON.parse(readFileSync(path.join(synthesized, "cdk.tf.json"), "utf8")));
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(directory, name), content);
    cpSync(path.join(synthesized, "assets"), path.join(directory, "assets"), { recursive: true });
    for (const source of [EXAMPLES, LICENSE, ...COPIED]) {
      cpSync(source, path.join(directory, path.basename(source)), { recursive: true });
    }
    const readme = moduleReadme(readFileSync(README_TEMPLATE, "utf8"), outputs, examples());
    writeFileSync(path.join(directory, "README.md"), readme);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function examples(): ModuleExample[] {
  return readdirSync(EXAMPLES)
    .sort()
    .map((name) => {
      const text = readFileSync(path.join(EXAMPLES, name, "main.tf"), "utf8");
      const description = /^# (.+)$/m.exec(text)?.[1];
      if (description === undefined) {
        throw new UndescribedExampleError(`examples/${name}/main.tf must begin with a comment that says what it shows`);
      }
      return { name, description };
    });
}
