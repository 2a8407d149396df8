import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { cacheDirectory } from "../../emulation/cache/cache.ts";
import { CommandLineEnd } from "../../emulation/command-line.ts";
import { type BenchmarkStage, benchmarkCommand } from "./benchmarks.ts";
import { corpusFile } from "./corpus-file.ts";
import { thisMachine } from "./machine.ts";
import { type Measurement, parseMeasurement, renderMeasurements } from "./measurement.ts";
import { type ScaleOptions, scaleOptions } from "./scale-options.ts";

const RESULTS_DIRECTORY = "bench-results";

/** Runs the benchmark of one stage on one corpus and gives each measurement to `take` as it is made. */
async function measure(
  stage: BenchmarkStage,
  documents: number,
  corpus: string,
  networks: ScaleOptions["networks"],
  signal: AbortSignal,
  take: (measurement: Measurement) => void,
): Promise<void> {
  process.stderr.write(`${stage}, ${documents.toLocaleString("en-US")} documents\n`);
  const { command, args } = benchmarkCommand(stage, documents, corpus, networks);
  const benchmark = execa(command, args, {
    stdin: "ignore",
    stderr: "inherit",
    cancelSignal: signal,
    // A benchmark ends what it has started before it goes.
    forceKillAfterDelay: 30_000,
  });
  for await (const line of benchmark) take(parseMeasurement(line));
}

async function measureAll(options: ScaleOptions, signal: AbortSignal): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const documents of options.documents) {
    const corpus = await corpusFile(cacheDirectory("bench"), options.seed, documents);
    for (const stage of options.stages) {
      await measure(stage, documents, corpus, options.networks, signal, (measurement) => {
        measurements.push(measurement);
        process.stderr.write(`${renderMeasurements([measurement]).split("\n").at(-1)}\n`);
      });
    }
  }
  return measurements;
}

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interruption.abort());

try {
  const options = scaleOptions(process.argv.slice(2));
  const started = new Date().toISOString();
  const load = loadavg()[0];
  const measurements = await measureAll(options, interruption.signal);
  await mkdir(RESULTS_DIRECTORY, { recursive: true });
  const file = path.join(RESULTS_DIRECTORY, `${started.replaceAll(":", "-")}.json`);
  const results = { started, machine: thisMachine(), load_before: load, options, measurements };
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`${renderMeasurements(measurements)}\n\nWritten to ${file}\n`);
} catch (error) {
  if (error instanceof CommandLineEnd) {
    error.print();
    process.exitCode = error.exitCode;
  } else if (interruption.signal.aborted) {
    process.exitCode = 130;
  } else {
    process.stderr.write(`${(error as Error).stack ?? error}\n`);
    process.exitCode = 1;
  }
}
