import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RECIPES, type Recipe } from "../../../bench/quality/recipes.ts";
import { runRecipe, type Workbench } from "../../../bench/quality/stages.ts";

const ranked = { ndcg_at_10: 0, recall_at_100: 0, mrr_at_10: 0 };
const interval = { low: 0, high: 0 };
const rankers = (value: unknown) =>
  Object.fromEntries(["bm25", "base", "tuned", "base_hybrid", "tuned_hybrid"].map((name) => [name, value]));
const gain = { mean: 0, low: 0, high: 0, wins: 0, losses: 0, ties: 0 };
const set = (name: string) => ({
  name,
  queries: 1,
  documents: 1,
  rankers: rankers(ranked),
  ndcg_intervals: rankers(interval),
  ...Object.fromEntries(
    ["ndcg", "recall", "mrr", "hybrid_ndcg", "hybrid_recall", "hybrid_mrr"].map((name) => [`${name}_gain`, gain]),
  ),
  styles: [],
  query_gains: [],
  gained: [],
  lost: [],
});
const report = (...names: string[]) =>
  JSON.stringify({
    base_model_id: "base",
    teacher_model_id: "teacher",
    judge_model_id: "",
    sets: names.map(set),
    sparsity: [],
    training: { train_loss: [], dev_loss: [], dev_ndcg: [] },
    settings: {},
  });
const decision = {
  deploy: true,
  reason: "",
  ndcg_base: 0,
  ndcg_tuned: 0,
  ndcg_gain_low: 0,
  query_prompt: "",
  document_prompt: "",
};
const training = { train_queries: 1, steps: 1, dev_ndcg_before: 0, dev_ndcg_after: 0 };

/** Stands in for Python: leaves what the scripts would, and judged queries in the report when there are judgements. */
const PYTHON = `#!/bin/sh
mkdir -p "$SAGEMAKER_BASE_DIR/model" && cd "$SAGEMAKER_BASE_DIR/model" || exit 1
echo '${JSON.stringify(training)}' > training.json
echo '${JSON.stringify(decision)}' > decision.json
if [ -n "$SM_CHANNEL_JUDGEMENTS" ]; then
  echo '${report("held_out", "judged")}' > report.json
else
  echo '${report("held_out")}' > report.json
fi
`;

describe("a run of a recipe", () => {
  let directory: string;
  let said: string[];
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "stages-"));
    await writeFile(path.join(directory, "python"), PYTHON, { mode: 0o755 });
    said = [];
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const run = (on: "dev" | "held-out" | "test") => {
    const bench: Workbench = {
      directory,
      python: path.join(directory, "python"),
      begun: new Map(),
      environment: {},
      modelType: "dense",
      baseModelId: "base",
      teacherModelId: "teacher",
      steps: 1,
      shuffledScores: false,
      say: (line) => said.push(line),
    };
    const collection = { name: "c", inputs: directory, key: "k", judgements: directory };
    return runRecipe(bench, collection, RECIPES.ours as Recipe, 1, on);
  };

  it("evaluates nothing when only dev is asked for", async () => {
    expect((await run("dev")).report).toBeUndefined();
  });

  it("does not take an evaluation on held-out queries for one on human queries", async () => {
    expect((await run("held-out")).report?.sets.map(({ name }) => name)).toEqual(["held_out"]);
    expect((await run("test")).report?.sets.map(({ name }) => name)).toEqual(["held_out", "judged"]);
  });

  it("runs no stage twice", async () => {
    await run("test");
    expect(said).toHaveLength(4);
    await run("test");
    expect(said).toHaveLength(4);
  });
});
