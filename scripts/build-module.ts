import { fileURLToPath } from "node:url";
import { MODULE_NAME, writeModule } from "../modules/terraform-module/write-module.ts";

const directory = fileURLToPath(new URL(`../dist/${MODULE_NAME}`, import.meta.url));
writeModule(directory, {
  lambdas: fileURLToPath(new URL("../lambdas", import.meta.url)),
  trainingScripts: fileURLToPath(new URL("../training-script", import.meta.url)),
});
process.stdout.write(`${directory}\n`);
