import { fileURLToPath } from "node:url";
import { App } from "cdktf";
import { PipelineStack } from "./modules/pipeline-stack.ts";
import { backendSettings } from "./modules/terraform/backend.ts";

const app = new App();
const sources = {
  lambdas: fileURLToPath(new URL("lambdas", import.meta.url)),
  trainingScripts: fileURLToPath(new URL("training-script", import.meta.url)),
};
const backend = backendSettings(app.node.tryGetContext("backend"), process.env);
new PipelineStack(app, "opensearch-finetuning", sources, backend);
app.synth();
