import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { InvokeEndpointCommand, type SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import * as tar from "tar";
import { z } from "zod";
import type { StartedRuntime } from "../../emulation/runtimes/runtime.ts";
import { type Check, Checks } from "./check.ts";
import { runPython } from "./python-script.ts";
import type { RunArtifacts } from "./run-artifacts.ts";

/** What is tuned. */
export type ModelType = "dense" | "sparse";

/** A vector, or a sparse encoder's weights by word. */
const Embedding = z.union([z.array(z.number()).min(1), z.record(z.string(), z.number().positive())]);
export type Embedding = z.infer<typeof Embedding>;

/** One embedding a text. */
export const Embeddings = z.array(Embedding);
export type Embeddings = z.infer<typeof Embeddings>;

const LegacyPooling = z.object({
  word_embedding_dimension: z.number(),
  pooling_mode_cls_token: z.boolean(),
  pooling_mode_mean_tokens: z.boolean(),
});

/** Embeddings of the same texts: as they are, and with the model's prompts for queries and for documents. */
const EmbeddingsByUse = z.object({ plain: Embeddings, query: Embeddings, document: Embeddings });
type EmbeddingsByUse = z.infer<typeof EmbeddingsByUse>;

/** `training.json` of the artifact. */
const Training = z.object({
  train_queries: z.number().int(),
  queries_dropped: z.record(z.string(), z.number().int()),
  steps: z.number().int(),
});

/** The tuned model, unpacked on this machine, and what it makes of the probe texts. */
export interface VerifiedModel {
  readonly checks: Check[];
  readonly directory: string;
  /** What it was trained on, and what the teacher's filter left out. */
  readonly training: z.infer<typeof Training>;
  readonly archiveKey: string;
  readonly probeTexts: readonly string[];
  readonly probeEmbeddings: EmbeddingsByUse;
}

/** Embeddings that come from the same weights differ by no more than this in any component. */
export const SAME_EMBEDDING_TOLERANCE = 1e-4;

/** The artifact loads, differs from the base model, and has the files that what serves it needs. */
export async function verifyModel(
  artifacts: RunArtifacts,
  runtime: StartedRuntime,
  {
    modelType,
    baseModelId,
    probeTexts,
    workDirectory,
  }: {
    readonly modelType: ModelType;
    readonly baseModelId: string;
    readonly probeTexts: readonly string[];
    readonly workDirectory: string;
  },
): Promise<VerifiedModel> {
  const checks = new Checks("model");
  const archiveKey = await artifacts.find("model/", "/output/model.tar.gz");
  const archive = path.join(workDirectory, "model.tar.gz");
  const directory = path.join(workDirectory, "model");
  await artifacts.download(archiveKey, archive);
  await mkdir(directory, { recursive: true });
  await tar.extract({ file: archive, cwd: directory });
  const training = Training.parse(JSON.parse(await readFile(path.join(directory, "training.json"), "utf8")));

  if (modelType === "dense") {
    const pooling = LegacyPooling.safeParse(
      JSON.parse(await readFile(path.join(directory, "1_Pooling", "config.json"), "utf8")),
    );
    checks.expect(
      "pooling config that Text Embeddings Inference reads",
      pooling.success,
      pooling.success ? `${pooling.data.word_embedding_dimension} dimensions` : pooling.error.message,
    );
  }

  const output = await runPython(
    runtime,
    [fileURLToPath(new URL("embed_texts.py", import.meta.url)), modelType, directory, baseModelId],
    { input: JSON.stringify(probeTexts) },
  );
  const [tuned, base] = z.tuple([EmbeddingsByUse, EmbeddingsByUse]).parse(JSON.parse(output));
  const difference = largestDifference(tuned.plain, base.plain);
  checks.expect(
    "loads and differs from the base",
    tuned.plain.length === probeTexts.length && difference > SAME_EMBEDDING_TOLERANCE,
    `largest difference in an embedding ${difference.toFixed(4)}`,
  );
  return { checks: checks.results, directory, training, archiveKey, probeTexts, probeEmbeddings: tuned };
}

/** The endpoint returns the artifact's embeddings, with the prompt that a request names or without any. */
export async function verifyEndpoint(
  client: SageMakerRuntimeClient,
  endpointName: string,
  model: VerifiedModel,
): Promise<Check[]> {
  const checks = new Checks("endpoint");
  for (const [use, prompt] of [
    ["plain", {}],
    ["query", { prompt_name: "query" }],
    ["document", { prompt_name: "document" }],
  ] as const) {
    const { Body } = await client.send(
      new InvokeEndpointCommand({
        EndpointName: endpointName,
        ContentType: "application/json",
        Body: JSON.stringify({ inputs: model.probeTexts, ...prompt }),
      }),
    );
    const served = Embeddings.parse(JSON.parse(Body.transformToString()));
    const difference = largestDifference(served, model.probeEmbeddings[use]);
    checks.expect(
      `returns the artifact's embeddings (${use})`,
      served.length === model.probeTexts.length && difference <= SAME_EMBEDDING_TOLERANCE,
      `${endpointName}, largest difference ${difference.toExponential(1)}`,
    );
  }
  return checks.results;
}

/** The largest difference of any component; infinite when the shapes differ. A word without a weight weighs nothing. */
export function largestDifference(a: Embeddings, b: Embeddings): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((largest, one, i) => {
    const other = b[i] ?? [];
    if (lengthOf(one) !== lengthOf(other)) return Number.POSITIVE_INFINITY;
    const [first, second] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
    const components = new Set([...first.keys(), ...second.keys()]);
    return [...components].reduce(
      (most, key) => Math.max(most, Math.abs((first.get(key) ?? 0) - (second.get(key) ?? 0))),
      largest,
    );
  }, 0);
}

/** Of a vector; words with weights have none. */
function lengthOf(embedding: Embedding): number | undefined {
  return Array.isArray(embedding) ? embedding.length : undefined;
}
