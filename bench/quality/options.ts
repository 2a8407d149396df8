import { parseArgs } from "node:util";
import { z } from "zod";
import { HUB_MODELS, HUB_SPARSE_MODELS } from "../../emulation/models/hub-cache.ts";
import { ELEMENTS, RECIPES } from "./recipes.ts";

/** The command line is wrong; the message says what to write. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const JUDGED_ON = ["dev", "held-out", "test"] as const;
/** The queries that a recipe is judged on. */
export type JudgedOn = (typeof JUDGED_ON)[number];

export const USAGE = `Measures recipes on retrieval collections with human relevance judgements, without AWS: the stand-in language model
writes queries, and the pipeline's own training scripts mine, score, train and evaluate.

Usage: npm run bench:quality -- [options]

  --collection DIR        BEIR format: corpus.jsonl, queries.jsonl, qrels.tsv, optionally exclude.tsv; or "django" (the default),
                          the collection of the end-to-end run. May be given several times.
  --recipe NAME           ${Object.keys(RECIPES).join(", ")}; may be given several times (default: all of these)
  --ablations             also each recipe with one element changed, off where it is on and on where it is off, in turn:
                          ${Object.keys(ELEMENTS).join(", ")}
  --ablation NAME         only this element of these; may be given several times
  --set NAME=VALUE        changes a setting in every recipe (a name of bench/quality/recipes.ts); may be given several times
  --model-type dense|sparse
                          what is tuned (default dense)
  --base MODEL            base model (default: dense ${HUB_MODELS[0]}, sparse ${HUB_SPARSE_MODELS[0]})
  --teacher MODEL         teacher (default BAAI/bge-small-en-v1.5)
  --seeds N               training seeds 1..N of each recipe (default 3)
  --jobs N                runs at a time, which share the cores evenly (default 1): small models train faster in several processes of
                          one thread each than one after the other on all cores
  --documents N           documents that queries are made for at most (default all)
  --steps N               optimiser steps, of 16 rows each (default 60)
  --on ${JUDGED_ON.join("|")}  test: nDCG@10 on the human queries; for choosing settings without a look at these, dev: on the synthetic
                          dev queries only; held-out: on the synthetic queries that training does not see at all, which is
                          what judges early stop and merge, as both rank dev best by construction (default test)
  --shuffled-scores       train on scores that have changed places within each query, to see that the gate stops the model
  --output FILE           also writes the table, with the command, as Markdown
  --help                  this text

Finished stages are kept in the cache directory, so that a bench that was interrupted goes on where it was.`;

const Options = z.object({
  collections: z.array(z.string().min(1)).min(1),
  recipes: z.array(z.enum(Object.keys(RECIPES) as [string, ...string[]], { error: "--recipe takes a name of --help" })),
  /** Elements to change one at a time. */
  ablations: z.array(
    z.enum(Object.keys(ELEMENTS) as [string, ...string[]], { error: "--ablation takes a name of --help" }),
  ),
  settings: z.array(z.string().regex(/^[a-z_]+=.+$/, "--set takes NAME=VALUE")),
  modelType: z.enum(["dense", "sparse"], { error: "--model-type takes dense or sparse" }),
  base: z.string().min(1),
  teacher: z.string().min(1),
  seeds: z.coerce.number({ error: "--seeds takes a number" }).int().min(1).max(20),
  jobs: z.coerce.number({ error: "--jobs takes a number" }).int().min(1, "--jobs takes a number from 1 on"),
  documents: z.coerce.number({ error: "--documents takes a number" }).int().min(100).optional(),
  steps: z.coerce.number({ error: "--steps takes a number" }).int().min(1),
  shuffledScores: z.boolean(),
  on: z.enum(JUDGED_ON, { error: `--on takes one of ${JUDGED_ON.join(", ")}` }),
  output: z.string().optional(),
});

/** What a run of the bench measures. */
export type Options = z.infer<typeof Options>;

/**
 * Reads the command line.
 *
 * @returns "help" when --help was given.
 * @throws UsageError
 */
export function parseOptions(args: readonly string[]): Options | "help" {
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        collection: { type: "string", multiple: true, default: ["django"] },
        recipe: { type: "string", multiple: true, default: Object.keys(RECIPES) },
        ablations: { type: "boolean", default: false },
        ablation: { type: "string", multiple: true, default: [] },
        set: { type: "string", multiple: true, default: [] },
        "model-type": { type: "string", default: "dense" },
        base: { type: "string" },
        teacher: { type: "string", default: "BAAI/bge-small-en-v1.5" },
        seeds: { type: "string", default: "3" },
        jobs: { type: "string", default: "1" },
        documents: { type: "string" },
        steps: { type: "string", default: "60" },
        on: { type: "string", default: "test" },
        "shuffled-scores": { type: "boolean", default: false },
        output: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}\n\n${USAGE}`, { cause });
  }
  if (values.help === true) return "help";
  const parsed = Options.safeParse({
    ...values,
    collections: values.collection,
    recipes: values.recipe,
    ablations: values.ablations === true ? Object.keys(ELEMENTS) : values.ablation,
    settings: values.set,
    modelType: values["model-type"],
    base: values.base ?? (values["model-type"] === "sparse" ? HUB_SPARSE_MODELS : HUB_MODELS)[0],
    shuffledScores: values["shuffled-scores"],
  });
  if (!parsed.success) {
    throw new UsageError(`${parsed.error.issues.map(({ message }) => message).join("\n")}\n\n${USAGE}`);
  }
  return parsed.data;
}
