import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import pLimit from "p-limit";
import { z } from "zod";
import { cacheDirectory } from "../../emulation/cache/cache.ts";
import { readCollection } from "../../emulation/collections/collection.ts";
import { prepareDjangoCollection } from "../../emulation/collections/django-documentation.ts";
import { CommandLineEnd } from "../../emulation/command-line.ts";
import { prepareHubCache } from "../../emulation/models/hub-cache.ts";
import { pythonEnvironment } from "../../emulation/python/environment.ts";
import { type QualityOptions, qualityOptions } from "./quality-options.ts";
import { type PreparedCollection, runRecipe, StageError, type Workbench } from "./recipe-run.ts";
import { type Row, renderTable } from "./recipe-table.ts";
import { ablationsOf, RECIPES, type Recipe } from "./recipes.ts";
import { writeStageInputs } from "./stage-inputs.ts";

/** Parses `--set` into the type that the recipes have. */
function overrides(settings: readonly string[]): Partial<Recipe> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [name = "", value = ""] = setting.split("=");
      const known = (RECIPES.ours as Recipe)[name as keyof Recipe];
      if (known === undefined) throw new CommandLineEnd(`error: --set ${name}: recipes have no such setting.`, 2);
      if (typeof known === "boolean") return [name, z.enum(["true", "false"]).parse(value) === "true"];
      return [name, z.coerce.number().parse(value)];
    }),
  );
}

/** A recipe to run. */
interface Variant {
  readonly name: string;
  readonly recipe: Recipe;
  /** Of an ablation, the recipe that it changes. */
  readonly whole?: string;
}

function variantsOf(options: QualityOptions): Variant[] {
  const changed = overrides(options.settings);
  return options.recipes.flatMap((whole) => {
    const recipe = { ...(RECIPES[whole] as Recipe), ...changed };
    const ablations = ablationsOf(recipe, options.ablations);
    return [
      { name: whole, recipe },
      ...ablations.map(([change, ablated]) => ({ name: `${whole} ${change}`, recipe: ablated, whole })),
    ];
  });
}

async function prepare(collection: string, directory: string, options: QualityOptions): Promise<PreparedCollection> {
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

async function main(options: QualityOptions): Promise<void> {
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
    const variants = variantsOf(options);
    const seeds = Array.from({ length: options.seeds }, (_, index) => index + 1);
    const measure = async ({ name: recipeName, recipe }: Variant, seed: number) => {
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
      seeds.flatMap((seed) => variants.map((variant) => limit(measure, variant, seed))),
    ).finally(() => limit.clearQueue());
    const resultsOf = (recipe: string) =>
      results.filter(({ recipeName }) => recipeName === recipe).map(({ result }) => result);
    for (const { name: recipe, whole } of variants) {
      const against = whole === undefined ? undefined : resultsOf(whole);
      rows.push({ collection: collection.name, recipe, results: resultsOf(recipe), against });
    }
  }
  const command = `npm run bench:quality -- ${process.argv.slice(2).join(" ")}`.trim();
  const text = `${renderTable(rows, options.on)}\n`;
  process.stdout.write(text);
  if (options.output !== undefined) await writeFile(options.output, `\`${command}\`\n\n${text}`);
}

try {
  await main(qualityOptions(process.argv.slice(2)));
} catch (error) {
  if (error instanceof CommandLineEnd) {
    error.print();
    process.exitCode = error.exitCode;
  } else if (error instanceof StageError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
