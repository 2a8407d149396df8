import path from "node:path";
import { fileURLToPath } from "node:url";
import { MODULE_NAME, writeModule } from "../../../modules/terraform-module/write-module.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** Where what the pipeline runs lies, as `main.ts` has it. */
export const SOURCES = {
  lambdas: path.join(REPOSITORY, "lambdas"),
  trainingScripts: path.join(REPOSITORY, "training-script"),
};

/** Builds the module into a folder of `directory` and returns its path. */
export function buildModule(directory: string): string {
  const module = path.join(directory, MODULE_NAME);
  writeModule(module, SOURCES);
  return module;
}
