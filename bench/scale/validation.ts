// Stage 1 for input_type=s3 against the same work done line by line in memory.
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { corpusDigest } from "./corpus-digest.ts";
import { benchmark, measureInTurns } from "./stage-benchmark.ts";

await benchmark(async (workbench) => {
  const { objects, corpus, documents } = workbench;
  const bucket = path.join(objects, "bench");
  await mkdir(path.join(bucket, "corpora"), { recursive: true });
  await copyFile(corpus, path.join(bucket, "corpora", "corpus.jsonl"));
  const variants = ["baseline", "ours"].map((variant) => ({
    variant,
    script: "validation-process.ts",
    args: [variant, "s3://bench/corpora/corpus.jsonl", `s3://bench/${variant}/`],
  }));
  await measureInTurns(workbench, "validation", () => variants);
  const [expected, found] = await Promise.all(
    ["baseline", "ours"].map((variant) => corpusDigest(path.join(bucket, variant, "corpus"))),
  );
  if (expected !== found)
    throw new Error(`validation of ${documents} documents: ours is ${found}, the baseline's ${expected}`);
});
