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
export const Report = Measurement.pick({ seconds: true, items: true, unit: true, peak_mib: true, note: true });
export type Report = z.infer<typeof Report>;

/** Does the work of a measured process: times it, and prints the {@link Report}. */
export async function measured(work: () => Promise<{ items: number; unit: string; note?: string }>): Promise<void> {
  const started = process.hrtime.bigint();
  const done = await work();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const report: Report = { seconds, ...done, peak_mib: process.resourceUsage().maxRSS / 1024 };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** V8's share of a 2 GB function, as Lambda's runtime would set it; the baseline gets what it needs to end at all. */
const HEAP_MB = { ours: 1800, baseline: 12_000 };

/** Runs a script of this folder as a process of its own, and prints its report as a measurement. */
export async function measure(
  { s3, documents, teardown }: Workbench,
  { stage, variant, script, args }: { stage: string; variant: string; script: string; args: readonly string[] },
): Promise<Report> {
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
  const { stdout } = await child;
  const report = Report.parse(JSON.parse(stdout));
  const measurement: Measurement = { stage, variant, documents, ...report };
  process.stdout.write(`${JSON.stringify(measurement)}\n`);
  return report;
}
