// Stage 1 for input_type=opensearch against one page after the other into memory, from a real node.
import { readFileSync } from "node:fs";
import path from "node:path";
import { OpenSearchNode } from "../../emulation/opensearch/node.ts";
import { corpusDigest } from "./corpus-digest.ts";
import type { Report } from "./measurement.ts";
import { fillIndex } from "./open-search-index.ts";
import { benchmark, measureInTurns, type Workbench } from "./stage-benchmark.ts";

const SHARDS = 2;
const VARIANTS = ["baseline", "ours"];
/** Clock ticks a second, in which Linux counts CPU time. */
const TICKS = 100;

function cpuSecondsOf(pid: number): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / TICKS;
}

async function withNodeCpu(pid: number, run: () => Promise<Report>): Promise<Report> {
  const before = cpuSecondsOf(pid);
  const report = await run();
  return { ...report, note: `node: ${(cpuSecondsOf(pid) - before).toFixed(1)} CPU s` };
}

async function measureExtraction(workbench: Workbench): Promise<void> {
  const { objects, corpus, documents, directory, teardown } = workbench;
  const node = await new OpenSearchNode()
    .withHeapMb(1024)
    // As a node of a cluster is run, which the harness's short-lived ones are not.
    .withJavaOption("-XX:TieredStopAtLevel=4")
    .withWorkDirectory(directory)
    .start();
  teardown.add(() => node.stop());
  await fillIndex(node.url, "documents", SHARDS, corpus);
  await measureInTurns(
    workbench,
    "extraction",
    (network) =>
      VARIANTS.map((variant) => ({
        variant,
        script: "extraction-process.ts",
        args: [variant, node.url, "documents", `s3://bench/${variant}/`, network],
      })),
    (run) => withNodeCpu(node.pid, run),
  );
  const [expected, ...found] = await Promise.all(
    VARIANTS.map((variant) => corpusDigest(path.join(objects, "bench", variant, "corpus"))),
  );
  if (found.some((digest) => digest !== expected)) {
    throw new Error(`extraction of ${documents} documents: ours are ${found.join("; ")}, the baseline's ${expected}`);
  }
}

await benchmark(measureExtraction);
