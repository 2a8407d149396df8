import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { z } from "zod";
import { Teardown } from "../emulation/teardown.ts";
import { Measurement } from "./measurement.ts";
import { nodeCommand } from "./stages.ts";

/** What a benchmark works with. */
export interface Workbench {
  /** Documents of the corpus. */
  readonly documents: number;
  /** JSON Lines with `id`, `title` and `text`. */
  readonly corpus: string;
  /** An empty directory, removed at the end. */
  readonly directory: string;
  /** The object store: address, and the directory in which a bucket is a folder and an object a file. */
  readonly s3: { readonly endpoint: string; readonly directory: string };
  readonly teardown: Teardown;
}

const Arguments = z.object({ documents: z.coerce.number().int().positive(), corpus: z.string().min(1) });

async function startObjectStore(directory: string, teardown: Teardown): Promise<string> {
  const { command, args } = nodeCommand("object-store.ts", [directory]);
  const server = execa(command, args, { stdin: "ignore", stderr: "inherit", reject: false });
  teardown.add(async () => {
    server.kill();
    await server;
  });
  const [port] = (await once(createInterface(server.stdout), "line")) as [string];
  return `http://127.0.0.1:${port}`;
}

/** The entry point of a benchmark: makes its workbench from the command line, runs it, and leaves nothing behind. */
export async function benchmark(run: (workbench: Workbench) => Promise<void>): Promise<void> {
  const { values } = parseArgs({ options: { documents: { type: "string" }, corpus: { type: "string" } } });
  const { documents, corpus } = Arguments.parse(values);
  const teardown = new Teardown();
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      interrupted = true;
      void teardown.run().finally(() => process.exit(130));
    });
  }
  try {
    const directory = await mkdtemp(path.join(tmpdir(), "bench-"));
    teardown.add(() => rm(directory, { recursive: true, force: true }));
    const objects = path.join(directory, "s3");
    const endpoint = await startObjectStore(objects, teardown);
    await run({ documents, corpus, directory, s3: { endpoint, directory: objects }, teardown });
  } catch (error) {
    if (!interrupted) process.stderr.write(`${(error as Error).stack}\n`);
    process.exitCode = 1;
  } finally {
    await teardown.run();
  }
}

/** What a measured process reports of its work. */
export const Report = Measurement.omit({ stage: true, variant: true, documents: true });
export type Report = z.infer<typeof Report>;

function cpuSeconds(): number {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return (userCPUTime + systemCPUTime) / 1e6;
}

/** Does the work of a measured process: times it, and prints the {@link Report}. */
export async function measured(work: () => Promise<{ items: number; unit: string }>): Promise<void> {
  const started = process.hrtime.bigint();
  const cpuBefore = cpuSeconds();
  const done = await work();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const report: Report = {
    seconds,
    ...done,
    cpu_seconds: cpuSeconds() - cpuBefore,
    peak_mib: process.resourceUsage().maxRSS / 1024,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** V8's share of a 2 GB function, as Lambda's runtime would set it; the baseline gets what it needs to end at all. */
const HEAP_MB = { ours: 1800, baseline: 12_000 };

/** A way to do a stage's work: a script of this folder and its arguments. */
export interface Variant {
  readonly variant: string;
  readonly script: string;
  readonly args: readonly string[];
}

async function runMeasured({ s3, teardown }: Workbench, { variant, script, args }: Variant): Promise<Report> {
  const { command, args: scriptArgs } = nodeCommand(script, args);
  const heapMb = variant.startsWith("ours") ? HEAP_MB.ours : HEAP_MB.baseline;
  const child = execa(command, [`--max-old-space-size=${heapMb}`, ...scriptArgs], {
    stdin: "ignore",
    stderr: "inherit",
    extendEnv: false,
    env: {
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      POWERTOOLS_LOG_LEVEL: "ERROR",
      NODE_NO_WARNINGS: "1",
    },
  });
  teardown.add(async () => {
    child.kill();
    await child.catch(() => undefined);
  });
  return Report.parse(JSON.parse((await child).stdout));
}

/** A small corpus is worked through in a moment, which whatever else the machine does can double. */
function repetitionsFor(documents: number): number {
  return documents > 300_000 ? 1 : 3;
}

/**
 * Runs each variant as a process of its own, in turns, and prints the measurement of the median run; the peak of memory is
 * the highest of all runs.
 *
 * @param observed wraps each run, to add to its note what is seen from outside.
 */
export async function measureInTurns(
  workbench: Workbench,
  stage: string,
  variants: readonly Variant[],
  observed: (run: () => Promise<Report>) => Promise<Report> = (run) => run(),
): Promise<void> {
  const reports = new Map<string, Report[]>();
  for (let repetition = 0; repetition < repetitionsFor(workbench.documents); repetition += 1) {
    for (const variant of variants) {
      const report = await observed(() => runMeasured(workbench, variant));
      reports.set(variant.variant, [...(reports.get(variant.variant) ?? []), report]);
    }
  }
  for (const [variant, runs] of reports) {
    const median = [...runs].sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)];
    if (median === undefined) continue;
    const peak_mib = Math.max(...runs.map((run) => run.peak_mib));
    const measurement: Measurement = { stage, variant, documents: workbench.documents, ...median, peak_mib };
    process.stdout.write(`${JSON.stringify(measurement)}\n`);
  }
}
