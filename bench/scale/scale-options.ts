import { parseArgs } from "node:util";
import { z } from "zod";
import { UsageError } from "../../e2e/run/run-options.ts";
import { BENCHMARK_STAGES, type BenchmarkStage } from "./benchmarks.ts";
import { NETWORK_NAMES } from "./network.ts";

export const USAGE = `Measures the pipeline's stages on synthetic corpora, each against the straightforward way to do the same.

Usage: npm run bench:scale -- [options]

  --stages A,B        ${BENCHMARK_STAGES.join(", ")} (default all)
  --documents N,M     sizes of the corpus, each from 1000 to 10000000 (default 10000,100000)
  --networks A,B      loopback: this machine alone; region: with AWS's round trips and bandwidth a connection, simulated;
                      for extraction, validation and preparation (default both)
  --seed N            seed of the corpus (default 42)
  --help              this text

The corpora are kept in the user's cache directory (0.8 GB for a million documents). The table is printed, the
measurements are written to bench-results/.`;

const list = <Item>(item: z.ZodType<Item, string>) =>
  z
    .string()
    .transform((text) => [...new Set(text.split(",").map((part) => part.trim()))])
    .pipe(z.array(item).min(1));

const Options = z.object({
  stages: list(
    z.enum(BENCHMARK_STAGES as [BenchmarkStage, ...BenchmarkStage[]], {
      error: `--stages takes some of ${BENCHMARK_STAGES.join(", ")}, separated by commas`,
    }),
  ),
  documents: list(
    z.coerce
      .number<string>({ error: "--documents takes numbers, separated by commas" })
      .int("--documents takes whole numbers")
      .min(1000, "--documents takes numbers from 1000 on")
      .max(10_000_000, "--documents takes numbers up to 10000000"),
  ),
  networks: list(
    z.enum(NETWORK_NAMES, { error: `--networks takes some of ${NETWORK_NAMES.join(", ")}, separated by commas` }),
  ),
  seed: z.coerce.number({ error: "--seed takes a number" }).int().min(0),
});

/** What is measured. */
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
        stages: { type: "string", default: BENCHMARK_STAGES.join(",") },
        documents: { type: "string", default: "10000,100000" },
        networks: { type: "string", default: NETWORK_NAMES.join(",") },
        seed: { type: "string", default: "42" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}\n\n${USAGE}`, { cause });
  }
  if (values.help === true) return "help";
  const parsed = Options.safeParse(values);
  if (!parsed.success) {
    throw new UsageError(`${parsed.error.issues.map(({ message }) => message).join("\n")}\n\n${USAGE}`);
  }
  return parsed.data;
}
