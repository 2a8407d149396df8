import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JudgedOn } from "../../../bench/quality/quality-options.ts";
import { runRecipe, type Workbench } from "../../../bench/quality/recipe-run.ts";
import { RECIPES, type Recipe } from "../../../bench/quality/recipes.ts";
import { evaluationReport, NOT_DEPLOYED } from "../../lambdas/shared/evaluation-fixture.ts";

const training = { train_queries: 1, steps: 1, dev_ndcg_before: 0, dev_ndcg_after: 0 };

/** Stands in for Python: leaves what the scripts would, and judged queries in the report when there are judgements. */
const PYTHON = `#!/bin/sh
mkdir -p "$SAGEMAKER_BASE_DIR/model" && cd "$SAGEMAKER_BASE_DIR/model" || exit 1
cat >training.json <<'END'
${JSON.stringify(training)}
END
cat >decision.json <<'END'
${JSON.stringify(NOT_DEPLOYED)}
END
if [ -n "$SM_CHANNEL_JUDGEMENTS" ]; then
  echo '${JSON.stringify(evaluationReport("held_out", "judged"))}' >report.json
else
  echo '${JSON.stringify(evaluationReport("held_out"))}' >report.json
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

  const run = (on: JudgedOn) => {
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
