import path from "node:path";
import type { NetworkName } from "./network.ts";

/** What runs the benchmarks of a stage. */
type Language = "typescript" | "python";

/**
 * The benchmarks: `bench/<file>`, called with `--documents <n> --corpus <JSON Lines with id, title and text>`, and the TypeScript ones with
 * `--networks <names>`. Each measures its
 * baseline too, prints measurements (see {@link import("./measurement.ts").Measurement}), and says everything else on its
 * standard error.
 */
const BENCHMARKS = {
  extraction: { language: "typescript", file: "extraction.ts" },
  validation: { language: "typescript", file: "validation.ts" },
  preparation: { language: "typescript", file: "preparation.ts" },
  mining: { language: "python", file: "mining.py" },
  scoring: { language: "python", file: "scoring.py" },
  training: { language: "python", file: "training.py" },
} as const satisfies Record<string, { language: Language; file: string }>;

/** A stage that has a benchmark. */
export type BenchmarkStage = keyof typeof BENCHMARKS;
export const BENCHMARK_STAGES = Object.keys(BENCHMARKS) as BenchmarkStage[];

/** A program and its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

const BENCH = import.meta.dirname;

/** Node with what lets it run TypeScript. */
export function nodeCommand(script: string, args: readonly string[]): Command {
  return { command: process.execPath, args: ["--import", "tsx", path.join(BENCH, script), ...args] };
}

/** The command that measures a stage on a corpus, over networks where it calls services. */
export function benchmarkCommand(
  stage: BenchmarkStage,
  documents: number,
  corpus: string,
  networks: readonly NetworkName[],
): Command {
  const benchmark: { language: Language; file: string } = BENCHMARKS[stage];
  const args = ["--documents", String(documents), "--corpus", corpus];
  if (benchmark.language === "typescript") {
    return nodeCommand(benchmark.file, [...args, "--networks", networks.join(",")]);
  }
  return nodeCommand("../../emulation/python/run.ts", ["training", path.join(BENCH, benchmark.file), ...args]);
}
