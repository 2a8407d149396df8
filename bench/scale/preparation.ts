// prepare_input of stage 2: a sample of the corpus as Bedrock records, against the whole corpus in a list.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { corpusLine } from "../../lambdas/shared/lines/corpus.ts";
import { benchmark, measureInTurns } from "./stage-benchmark.ts";

async function* corpusLines(corpus: string): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(corpus) })) {
    const { id, text } = JSON.parse(line);
    yield `${corpusLine(id, text)}\n`;
  }
}

await benchmark(async (workbench) => {
  const { objects, corpus, documents } = workbench;
  const directory = path.join(objects, "bench", "corpus");
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, "documents.jsonl");
  await pipeline(Readable.from(corpusLines(corpus)), createWriteStream(file));
  await symlink(file, path.join(directory, "part-00000.jsonl"));
  const lost = { empty_documents: 0, missing_ids: 0, duplicate_ids: 0, invalid_documents: 0, invalid_lines: [] };
  await writeFile(
    path.join(directory, "manifest.json"),
    JSON.stringify({ document_count: documents, ...lost, part_count: 1, truncated: false, source: corpus }),
  );
  const variants = ["baseline", "ours"].map((variant) => ({
    variant,
    script: "preparation-process.ts",
    args: [variant, String(documents), "s3://bench/corpus/", `s3://bench/${variant}/`],
  }));
  await measureInTurns(workbench, "preparation", () => variants);
});
