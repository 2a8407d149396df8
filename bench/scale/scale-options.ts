import { command, listOf, oneOf, readOptions, wholeNumber } from "../../emulation/command-line.ts";
import { BENCHMARK_STAGES, type BenchmarkStage } from "./benchmarks.ts";
import { NETWORK_NAMES, type NetworkName } from "./network.ts";

/** What is measured. */
export interface ScaleOptions {
  readonly stages: readonly BenchmarkStage[];
  /** Sizes of the corpus. */
  readonly documents: readonly number[];
  readonly networks: readonly NetworkName[];
  readonly seed: number;
}

const RUN = "npm run bench:scale";
const DEFAULT_DOCUMENTS = [10_000, 100_000];

/**
 * Reads the command line.
 *
 * @throws CommandLineEnd
 */
export function scaleOptions(args: readonly string[]): ScaleOptions {
  const program = command(
    RUN,
    "Measures the pipeline's stages on synthetic corpora, each against the straightforward way to do the same. The corpora are kept in the user's cache directory (0.8 GB for a million documents). The table is printed, the measurements are written to bench-results/.",
    [`${RUN} -- --stages validation --documents 1000`, `${RUN} -- --stages extraction,preparation --networks region`],
  )
    .option(
      "--stages <a,b>",
      `some of ${BENCHMARK_STAGES.join(", ")}`,
      listOf(oneOf(BENCHMARK_STAGES)),
      BENCHMARK_STAGES,
    )
    .option("--documents <n,m>", "sizes of the corpus", listOf(wholeNumber(1000, 10_000_000)), DEFAULT_DOCUMENTS)
    .option(
      "--networks <a,b>",
      "loopback: this machine alone; region: with AWS's round trips and bandwidth a connection, simulated; for extraction, validation and preparation",
      listOf(oneOf(NETWORK_NAMES)),
      NETWORK_NAMES,
    )
    .option("--seed <n>", "seed of the corpus", wholeNumber(0), 42);
  return readOptions<ScaleOptions>(program, args);
}
