import { InvalidArgumentError, Option } from "commander";
import { command, oneOf, readOptions, repeated, wholeNumber } from "../../emulation/command-line.ts";
import { HUB_MODELS, HUB_SPARSE_MODELS } from "../../emulation/models/hub-cache.ts";
import { ELEMENTS, RECIPES } from "./recipes.ts";

const JUDGED_ON = ["dev", "held-out", "test"] as const;
/** The queries that a recipe is judged on. */
export type JudgedOn = (typeof JUDGED_ON)[number];

/** What a run of the bench measures. */
export interface QualityOptions {
  readonly collections: readonly string[];
  readonly recipes: readonly string[];
  /** Elements to change one at a time. */
  readonly ablations: readonly string[];
  /** `NAME=VALUE`, of every recipe. */
  readonly settings: readonly string[];
  readonly modelType: "dense" | "sparse";
  readonly base: string;
  readonly teacher: string;
  readonly seeds: number;
  readonly jobs: number;
  readonly documents?: number;
  readonly steps: number;
  readonly shuffledScores: boolean;
  readonly on: JudgedOn;
  readonly output?: string;
}

/** The options as they are called on the command line. */
type GivenOptions = Omit<QualityOptions, "collections" | "recipes" | "ablations" | "settings" | "base"> & {
  readonly collection: readonly string[];
  readonly recipe: readonly string[];
  readonly ablations: boolean;
  readonly ablation: readonly string[];
  readonly set: readonly string[];
  readonly base?: string;
};

const RUN = "npm run bench:quality";
const ELEMENT_NAMES = Object.keys(ELEMENTS);
const RECIPE_NAMES = Object.keys(RECIPES);

function setting(text: string): string {
  if (/^[a-z_]+=.+$/.test(text)) return text;
  throw new InvalidArgumentError("It takes NAME=VALUE.");
}

/** The command, for its help too. */
export function qualityCommand() {
  return command(
    RUN,
    "Measures recipes on retrieval collections with human relevance judgements, without AWS: the stand-in language model writes queries, and the pipeline's own training scripts mine, score, train and evaluate. Finished stages are kept in the cache directory, so that a bench that was interrupted goes on where it was.",
    [
      `${RUN} -- --recipe ours --seeds 5 --jobs 2`,
      `${RUN} -- --recipe ours --set temperature=0.1 --on dev`,
      `${RUN} -- --recipe ours --ablation merge --ablation calibration`,
    ],
  )
    .option(
      "--collection <dir>",
      'BEIR format: corpus.jsonl, queries.jsonl, qrels.tsv, optionally exclude.tsv; or "django", the collection of the end-to-end run; may be given several times',
      repeated((text) => text),
      ["django"],
    )
    .option(
      "--recipe <name>",
      `${RECIPE_NAMES.join(", ")}; may be given several times`,
      repeated(oneOf(RECIPE_NAMES)),
      RECIPE_NAMES,
    )
    .option(
      "--ablations",
      `also each recipe with one element changed, off where it is on and on where it is off, in turn: ${ELEMENT_NAMES.join(", ")}`,
      false,
    )
    .option(
      "--ablation <name>",
      "only this element of these; may be given several times",
      repeated(oneOf(ELEMENT_NAMES)),
      [],
    )
    .option(
      "--set <name=value>",
      "changes a setting in every recipe (a name of bench/quality/recipes.ts); may be given several times",
      repeated(setting),
      [],
    )
    .addOption(new Option("--model-type <type>", "what is tuned").choices(["dense", "sparse"]).default("dense"))
    .option("--base <model>", `base model; without it dense ${HUB_MODELS[0]}, sparse ${HUB_SPARSE_MODELS[0]}`)
    .option("--teacher <model>", "teacher", "BAAI/bge-small-en-v1.5")
    .option("--seeds <n>", "training seeds 1..n of each recipe", wholeNumber(1, 20), 3)
    .option(
      "--jobs <n>",
      "runs at a time, which share the cores evenly: small models train faster in several processes of one thread each than one after the other on all cores",
      wholeNumber(1),
      1,
    )
    .option("--documents <n>", "documents that queries are made for at most; without it all", wholeNumber(100))
    .option("--steps <n>", "optimiser steps, of 16 rows each", wholeNumber(1), 60)
    .addOption(
      new Option(
        "--on <queries>",
        "test: nDCG@10 on the human queries; for choosing settings without a look at these, dev: on the synthetic dev queries only; held-out: on the synthetic queries that training does not see at all, which is what judges early stop and merge, as both rank dev best by construction",
      )
        .choices(JUDGED_ON)
        .default("test"),
    )
    .option(
      "--shuffled-scores",
      "train on scores that have changed places within each query, to see that the gate stops the model",
      false,
    )
    .option("--output <file>", "also writes the table, with the command, as Markdown");
}

/**
 * Reads the command line.
 *
 * @throws CommandLineEnd
 */
export function qualityOptions(args: readonly string[]): QualityOptions {
  const { collection, recipe, ablations, ablation, set, base, ...options } = readOptions<GivenOptions>(
    qualityCommand(),
    args,
  );
  const baseModels = options.modelType === "sparse" ? HUB_SPARSE_MODELS : HUB_MODELS;
  return {
    ...options,
    collections: collection,
    recipes: recipe,
    ablations: ablations ? ELEMENT_NAMES : ablation,
    settings: set,
    base: base ?? baseModels[0],
  };
}
