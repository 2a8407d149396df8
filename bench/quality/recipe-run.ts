import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { seededRandom } from "../../emulation/stubs/bedrock/seeded-random.ts";
import { EvaluationReport, GateDecision, ScoredQuery } from "../../pipeline/artifacts.ts";
import { flagOf, JOB_ARGUMENTS, type ParameterName, parameter } from "../../pipeline/parameters/table.ts";
import { JOBS, type JobStage } from "../../pipeline/stages.ts";
import type { JudgedOn } from "./quality-options.ts";
import type { Recipe } from "./recipes.ts";

const SCRIPTS = fileURLToPath(new URL("../../training-script", import.meta.url));

/** A stage's script failed; the message has the end of its output. */
export class StageError extends Error {
  override readonly name = "StageError";
}

/** What a finished stage leaves. */
export interface StageOutput {
  readonly output: string;
  /** Changes with all that the output depends on. */
  readonly key: string;
}

/** Values of parameters; the others have their defaults. */
type Values = Readonly<Partial<Record<ParameterName, string | number | boolean>>>;

/** What all runs have in common. */
export interface Workbench {
  /** Finished stages lie here, each under a hash of all that it depends on. */
  readonly directory: string;
  readonly python: string;
  /** Stages that were begun, by key: of runs that go on at the same time, one runs a stage that they share. */
  readonly begun: Map<string, Promise<StageOutput>>;
  /** Of the scripts: where models are found. */
  readonly environment: Readonly<Record<string, string>>;
  readonly modelType: "dense" | "sparse";
  readonly baseModelId: string;
  readonly teacherModelId: string;
  readonly steps: number;
  /** Train on scores that have changed places within each query: a training made worse on purpose. */
  readonly shuffledScores: boolean;
  say(line: string): void;
}

/** A collection ready for the stages. */
export interface PreparedCollection {
  readonly name: string;
  /** Holds `corpus/`, `records/` and `generated/`. */
  readonly inputs: string;
  /** Changes with the inputs. */
  readonly key: string;
  /** Folder with queries.jsonl and qrels.tsv. */
  readonly judgements: string;
}

/** What a run measured; nDCG@10 in 0..1. */
export interface RunResult {
  /** Absent when only dev was asked for; its set "judged" is there for test alone. */
  readonly report: EvaluationReport | undefined;
  /** Whether the gate lets the model be deployed. */
  readonly deploy: boolean | undefined;
  readonly dev: { readonly before: number; readonly after: number };
  readonly trainQueries: number;
  readonly steps: number;
}

/** Tokens after which a text is cut: on the collections used, the small base models rank as well with 96 as with 128. */
const MAX_SEQ_LENGTH = 96;
const ROWS_PER_STEP = 16;
const LEARNING_RATE = 1e-4;
const MINING_SEED = 42;

const TrainingResult = z.object({
  train_queries: z.number(),
  steps: z.number(),
  dev_ndcg_before: z.number(),
  dev_ndcg_after: z.number(),
});

/** Hash of every script, so that no stage of other code is taken for one of this. */
export async function scriptsKey(): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of (await readdir(SCRIPTS, { recursive: true })).filter((name) => name.endsWith(".py")).sort()) {
    hash.update(entry).update(await readFile(path.join(SCRIPTS, entry)));
  }
  return hash.digest("hex");
}

/**
 * Mines, scores and trains with a recipe and, unless only dev is asked for, evaluates: on the synthetic queries that were
 * held out and, for test, on the human ones.
 *
 * @throws StageError
 */
export async function runRecipe(
  bench: Workbench,
  collection: PreparedCollection,
  recipe: Recipe,
  seed: number,
  on: JudgedOn,
): Promise<RunResult> {
  const key = `${await scriptsKey()}${collection.key}`;
  const values: Values = {
    ...recipe,
    model_type: bench.modelType,
    base_model_id: bench.baseModelId,
    teacher_model_id: bench.teacherModelId,
    max_seq_length: MAX_SEQ_LENGTH,
    max_steps: bench.steps,
    train_batch_size: ROWS_PER_STEP,
    total_batch_size: ROWS_PER_STEP,
    learning_rate: LEARNING_RATE,
    seed,
  };
  // Every seed trains on the same queries and negatives, so that the spread is that of the training.
  const mining = await stage(bench, key, "mining", channelsIn(collection.inputs), { ...values, seed: MINING_SEED });
  const scores = await stage(bench, mining.key, "scoring", { "training-data": mining.output }, values);
  const taught = bench.shuffledScores
    ? await once(bench, `${scores.key}-shuffled`, (key) => shuffled(scores.output, key))
    : scores;
  const model = await stage(bench, taught.key, "training", { scores: taught.output }, values);
  const trained = TrainingResult.parse(JSON.parse(await readFile(path.join(model.output, "training.json"), "utf8")));
  const result = {
    dev: { before: trained.dev_ndcg_before, after: trained.dev_ndcg_after },
    trainQueries: trained.train_queries,
    steps: trained.steps,
  };
  if (on === "dev") return { ...result, report: undefined, deploy: undefined };
  const evaluation = await stage(
    bench,
    model.key,
    "evaluation",
    {
      corpus: path.join(collection.inputs, "corpus"),
      "training-data": mining.output,
      model: model.output,
      ...(on === "test" && { judgements: collection.judgements }),
    },
    values,
  );
  const read = async (file: string) => JSON.parse(await readFile(path.join(evaluation.output, file), "utf8"));
  return {
    ...result,
    report: EvaluationReport.parse(await read("report.json")),
    deploy: GateDecision.parse(await read("decision.json")).deploy,
  };
}

/** Scores in which each query's own have changed places, so that they say nothing about its documents. */
async function shuffled(scores: string, key: string): Promise<StageOutput> {
  const output = path.join(path.dirname(scores), "shuffled");
  await cp(scores, output, { recursive: true });
  const random = seededRandom("shuffled scores");
  const file = path.join(output, "train.jsonl");
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  const changed = lines.map((line) => {
    const query = ScoredQuery.parse(JSON.parse(line));
    const order = query.scores.map((score) => ({ score, place: random() })).sort((a, b) => a.place - b.place);
    return JSON.stringify({ ...query, scores: order.map(({ score }) => score) });
  });
  await writeFile(file, `${changed.join("\n")}\n`);
  return { output, key };
}

/** Does what leads to a key once, however many runs ask for it. */
function once(bench: Workbench, key: string, begin: (key: string) => Promise<StageOutput>): Promise<StageOutput> {
  const begun = bench.begun.get(key) ?? begin(key);
  bench.begun.set(key, begun);
  return begun;
}

function channelsIn(folder: string): Record<string, string> {
  return Object.fromEntries(["corpus", "records", "generated"].map((name) => [name, path.join(folder, name)]));
}

/** Runs a script as SageMaker would, unless it has been run with the same inputs and arguments. */
async function stage(
  bench: Workbench,
  inputKey: string,
  job: JobStage,
  channels: Readonly<Record<string, string>>,
  values: Values,
): Promise<StageOutput> {
  const { program: script } = JOBS[job];
  const args = JOB_ARGUMENTS[job].flatMap((name) => {
    const value = values[name] ?? parameter(name).default;
    return value === "" ? [] : [`--${flagOf(name)}`, String(value)];
  });
  // The input key stands for what the channels hold, their names for which of the optional ones are given.
  const key = createHash("sha256")
    .update(JSON.stringify([inputKey, script, Object.keys(channels), args]))
    .digest("hex")
    .slice(0, 24);
  return once(bench, key, () => runStage(bench, key, script, channels, args));
}

async function runStage(
  bench: Workbench,
  key: string,
  script: string,
  channels: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<StageOutput> {
  const folder = path.join(bench.directory, `${path.parse(script).name}-${key}`);
  const output = path.join(folder, "model");
  if (isFinished(folder)) return { output, key };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const startedAt = Date.now();
  const environment = Object.entries(channels).map(([name, value]) => [`SM_CHANNEL_${name.toUpperCase()}`, value]);
  const { failed, all } = await execa(bench.python, [path.join(SCRIPTS, script), ...args], {
    env: { ...bench.environment, ...Object.fromEntries(environment), SAGEMAKER_BASE_DIR: folder },
    all: true,
    reject: false,
  });
  const log = path.join(folder, "log.txt");
  await writeFile(log, all ?? "");
  if (failed) throw new StageError(`${script} failed; its whole output is in ${log}:\n${(all ?? "").slice(-2000)}`);
  await rm(path.join(folder, "checkpoints"), { recursive: true, force: true });
  await writeFile(path.join(folder, "finished.partial"), "");
  await rename(path.join(folder, "finished.partial"), path.join(folder, "finished"));
  bench.say(`${script} took ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
  return { output, key };
}

function isFinished(folder: string): boolean {
  return existsSync(path.join(folder, "finished"));
}
