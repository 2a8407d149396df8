import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import pLimit from "p-limit";
import { z } from "zod";
import { cacheDirectory } from "../emulation/cache.ts";
import { readCollection } from "../emulation/collection.ts";
import { prepareDjangoCollection } from "../emulation/fixtures/django-documentation.ts";
import { prepareHubCache } from "../emulation/fixtures/hub-cache.ts";
import { pythonEnvironment } from "../emulation/python/environment.ts";
import { type Options, parseOptions, USAGE, UsageError } from "./quality/options.ts";
import { ABLATIONS, RECIPES, type Recipe } from "./quality/recipes.ts";
import { writeStageInputs } from "./quality/stage-inputs.ts";
import { type PreparedCollection, runRecipe, StageError, type Workbench } from "./quality/stages.ts";
import { type Row, renderTable } from "./quality/table.ts";

/** Parses `--set` into the type that the recipes have. */
function overrides(settings: readonly string[]): Partial<Recipe> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [name = "", value = ""] = setting.split("=");
      const known = (RECIPES.ours as Recipe)[name as keyof Recipe];
      if (known === undefined) throw new UsageError(`--set ${name}: recipes have no such setting.`);
      if (typeof known === "boolean") return [name, z.enum(["true", "false"]).parse(value) === "true"];
      return [name, z.coerce.number().parse(value)];
    }),
  );
}

function recipesOf(options: Options): [string, Recipe][] {
  const changed = overrides(options.settings);
  const named = options.recipes.map((name): [string, Recipe] => [name, { ...(RECIPES[name] as Recipe), ...changed }]);
  const ablated = Object.entries(ABLATIONS).map(([name, change]): [string, Recipe] => [
    `ours-hybrid without ${name}`,
    { ...(RECIPES["ours-hybrid"] as Recipe), ...changed, ...change },
  ]);
  return options.ablations ? [...named, ...ablated] : named;
}

async function prepare(collection: string, directory: string, options: Options): Promise<PreparedCollection> {
  const folder = collection === "django" ? (await prepareDjangoCollection()).directory : path.resolve(collection);
  const read = await readCollection({
    corpusFile: path.join(folder, "corpus.jsonl"),
    queriesFile: path.join(folder, "queries.jsonl"),
    qrelsFile: path.join(folder, "qrels.tsv"),
    excludeFile: path.join(folder, "exclude.tsv"),
  });
  const documents = options.documents ?? read.documents.length;
  const key = createHash("sha256")
    .update(JSON.stringify([read.documents, documents]))
    .digest("hex")
    .slice(0, 12);
  const name = collection === "django" ? collection : path.basename(folder);
  const inputs = path.join(directory, `inputs-${name}-${key}`);
  await writeStageInputs(read, inputs, documents);
  return { name, inputs, key, judgements: folder };
}

async function main(options: Options): Promise<void> {
  const directory = cacheDirectory("bench-quality");
  await mkdir(directory, { recursive: true });
  const { python } = await pythonEnvironment("training");
  const { environment } = await prepareHubCache(python);
  const startedAt = Date.now();
  const bench: Workbench = {
    directory,
    python,
    begun: new Map(),
    environment: {
      ...environment,
      OMP_WAIT_POLICY: "PASSIVE",
      OMP_NUM_THREADS: String(Math.max(1, Math.floor(availableParallelism() / options.jobs))),
    },
    modelType: options.modelType,
    baseModelId: options.base,
    teacherModelId: options.teacher,
    steps: options.steps,
    shuffledScores: options.shuffledScores,
    say: (line) => process.stderr.write(`[${((Date.now() - startedAt) / 1000).toFixed(0).padStart(5)} s] ${line}\n`),
  };
  const rows: Row[] = [];
  const limit = pLimit(options.jobs);
  for (const name of options.collections) {
    const collection = await prepare(name, directory, options);
    const recipes = recipesOf(options);
    const seeds = Array.from({ length: options.seeds }, (_, index) => index + 1);
    const measure = async (recipeName: string, recipe: Recipe, seed: number) => {
      const run = `${collection.name}, ${recipeName}, seed ${seed}`;
      bench.say(run);
      const result = await runRecipe(bench, collection, recipe, seed, options.on);
      const { dev, trainQueries, steps } = result;
      bench.say(
        `${run}: dev nDCG@10 ${dev.before.toFixed(4)} -> ${dev.after.toFixed(4)} (${trainQueries} queries, ${steps} steps)`,
      );
      return { recipeName, result };
    };
    // Seed by seed, so that a bench that is interrupted has compared all recipes on some seeds.
    const results = await Promise.all(
      seeds.flatMap((seed) => recipes.map(([recipeName, recipe]) => limit(measure, recipeName, recipe, seed))),
    ).finally(() => limit.clearQueue());
    for (const [recipe] of recipes) {
      const ofRecipe = results.filter(({ recipeName }) => recipeName === recipe);
      rows.push({ collection: collection.name, recipe, results: ofRecipe.map(({ result }) => result) });
    }
  }
  const command = `npm run bench:quality -- ${process.argv.slice(2).join(" ")}`.trim();
  const text = `${renderTable(rows)}\n`;
  process.stdout.write(text);
  if (options.output !== undefined) await writeFile(options.output, `\`${command}\`\n\n${text}`);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") process.stdout.write(`${USAGE}\n`);
  else await main(options);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof StageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
