import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { execa } from "execa";
import { z } from "zod";
import { Teardown } from "../../emulation/processes/teardown.ts";
import { nodeOptions } from "../../modules/functions/node-options.ts";
import { nodeCommand } from "./benchmarks.ts";
import { type Measurement, Report } from "./measurement.ts";
import { NETWORK_NAMES, type NetworkName } from "./network.ts";

/** What a benchmark works with. */
export interface Workbench {
  /** Documents of the corpus. */
  readonly documents: number;
  /** JSON Lines with `id`, `title` and `text`. */
  readonly corpus: string;
  /** An empty directory, removed at the end. */
  readonly directory: string;
  /** Networks that the stage is measured over. */
  readonly networks: readonly NetworkName[];
  /** The object store: a directory in which a bucket is a folder and an object a file. */
  readonly objects: string;
  readonly teardown: Teardown;
}

const Arguments = z.object({
  documents: z.coerce.number().int().positive(),
  corpus: z.string().min(1),
  networks: z
    .string()
    .transform((names) => names.split(","))
    .pipe(z.array(z.enum(NETWORK_NAMES))),
});

async function startObjectStore(directory: string, network: NetworkName, teardown: Teardown): Promise<string> {
  const { command, args } = nodeCommand("object-store.ts", [directory, network]);
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
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { documents: text, corpus: text, networks: text } });
  const { documents, corpus, networks } = Arguments.parse(values);
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
    await run({ documents, corpus, directory, networks, objects: path.join(directory, "s3"), teardown });
  } catch (error) {
    if (!interrupted) process.stderr.write(`${(error as Error).stack}\n`);
    process.exitCode = 1;
  } finally {
    await teardown.run();
  }
}

/** Ours run with the options of a 2 GB function, as the three that are measured are; the baseline gets the heap it needs to end at all. */
const NODE_OPTIONS = { ours: nodeOptions(2048), baseline: "--max-old-space-size=12000" };

/** A way to do a stage's work: a script of this folder and its arguments. */
export interface Variant {
  readonly variant: string;
  readonly script: string;
  readonly args: readonly string[];
}

/** A script of this folder as one file, as the functions are deployed: loading sources one by one would be measured too. */
async function bundled(script: string, directory: string): Promise<string> {
  const outfile = path.join(directory, script.replace(/\.ts$/, ".mjs"));
  await build({
    entryPoints: [path.join(import.meta.dirname, script)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    external: ["supports-color"],
    logLevel: "error",
  });
  return outfile;
}

async function runMeasured(
  { directory, teardown }: Workbench,
  endpoint: string,
  { variant, script, args }: Variant,
): Promise<Report> {
  const file = await bundled(script, directory);
  const child = execa(process.execPath, [file, ...args], {
    stdin: "ignore",
    stderr: "inherit",
    extendEnv: false,
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      POWERTOOLS_LOG_LEVEL: "ERROR",
      NODE_NO_WARNINGS: "1",
      NODE_OPTIONS: variant.startsWith("ours") ? NODE_OPTIONS.ours : NODE_OPTIONS.baseline,
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
 * the highest of all runs. The first turn of each is not counted.
 *
 * @param variantsOf what is run over a network.
 * @param observed wraps each run, to add to its note what is seen from outside.
 */
export async function measureInTurns(
  workbench: Workbench,
  stage: string,
  variantsOf: (network: NetworkName) => readonly Variant[],
  observed: (run: () => Promise<Report>) => Promise<Report> = (run) => run(),
): Promise<void> {
  const { documents, objects, networks, teardown } = workbench;
  for (const network of networks) {
    const endpoint = await startObjectStore(objects, network, teardown);
    const variants = variantsOf(network);
    const reports = new Map<string, Report[]>();
    // In the round before the first, the services that all variants use compile their code.
    for (let repetition = 0; repetition <= repetitionsFor(documents); repetition += 1) {
      for (const variant of variants) {
        const report = await observed(() => runMeasured(workbench, endpoint, variant));
        if (repetition === 0) continue;
        reports.set(variant.variant, [...(reports.get(variant.variant) ?? []), report]);
      }
    }
    for (const [variant, runs] of reports) {
      const median = [...runs].sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)];
      if (median === undefined) continue;
      const peak_mib = Math.max(...runs.map((run) => run.peak_mib));
      const measurement: Measurement = { stage, network, variant, documents, ...median, peak_mib };
      process.stdout.write(`${JSON.stringify(measurement)}\n`);
    }
  }
}
