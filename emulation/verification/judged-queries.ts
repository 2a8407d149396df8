import { copyFile, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { EvaluationReport, type EvaluationSet } from "../../lambdas/shared/contract.ts";
import type { CollectionFiles } from "../collection.ts";
import type { StartedRuntime } from "../runtimes/runtime.ts";
import type { VerifiedModel } from "./model.ts";
import { runPython } from "./python-script.ts";
import { ArtifactError, type RunArtifacts } from "./run-artifacts.ts";

const EVALUATE = fileURLToPath(new URL("../../training-script/evaluate.py", import.meta.url));

/**
 * Evaluates base, tuned and BM25 on the collection's human judgements with the product's own `evaluate.py`, run as
 * SageMaker would run it with a `judgements` channel.
 */
export async function evaluateOnJudgedQueries(options: {
  readonly artifacts: RunArtifacts;
  readonly runtime: StartedRuntime;
  readonly collectionFiles: CollectionFiles;
  readonly model: VerifiedModel;
  readonly baseModelId: string;
  readonly trainingDataFolder: string;
  readonly workDirectory: string;
}): Promise<EvaluationSet> {
  const base = path.join(options.workDirectory, "judged-queries");
  const channel = async (name: string) => {
    const directory = path.join(base, "input", "data", name);
    await mkdir(directory, { recursive: true });
    return directory;
  };
  const corpus = await channel("corpus");
  for (const key of await options.artifacts.list("corpus/")) {
    await options.artifacts.download(key, path.join(corpus, path.posix.basename(key)));
  }
  const trainingData = await channel("training-data");
  await options.artifacts.download(`${options.trainingDataFolder}test.jsonl`, path.join(trainingData, "test.jsonl"));
  const model = await channel("model");
  await options.artifacts.download(options.model.archiveKey, path.join(model, "model.tar.gz"));
  const judgements = await channel("judgements");
  await copyFile(options.collectionFiles.queriesFile, path.join(judgements, "queries.jsonl"));
  await copyFile(options.collectionFiles.qrelsFile, path.join(judgements, "qrels.tsv"));
  await copyFile(options.collectionFiles.excludeFile, path.join(judgements, "exclude.tsv"));
  const modelDirectory = path.join(base, "model");
  await mkdir(modelDirectory, { recursive: true });

  await runPython(options.runtime, [EVALUATE, "--base-model-id", options.baseModelId, "--force-deploy", "true"], {
    env: {
      SAGEMAKER_BASE_DIR: base,
      SM_MODEL_DIR: modelDirectory,
      SM_CHANNEL_CORPUS: corpus,
      "SM_CHANNEL_TRAINING-DATA": trainingData,
      SM_CHANNEL_TRAINING_DATA: trainingData,
      SM_CHANNEL_MODEL: model,
      SM_CHANNEL_JUDGEMENTS: judgements,
    },
  });
  const report = EvaluationReport.parse(JSON.parse(await readFile(path.join(modelDirectory, "report.json"), "utf8")));
  const judged = report.sets.find(({ name }) => name === "judged");
  if (judged === undefined) throw new ArtifactError("evaluate.py reported no judged set although it got judgements");
  return judged;
}
