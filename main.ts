import { fileURLToPath } from "node:url";
import { App } from "cdktf";
import { PipelineStack } from "./modules/pipeline-stack.ts";

const app = new App();
new PipelineStack(app, "opensearch-finetuning", {
  lambdas: fileURLToPath(new URL("lambdas", import.meta.url)),
  trainingScripts: fileURLToPath(new URL("training-script", import.meta.url)),
});
app.synth();
