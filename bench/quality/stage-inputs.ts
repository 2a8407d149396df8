import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Collection, passageText } from "../../emulation/collections/collection.ts";
import { DocumentFrequency } from "../../emulation/stubs/bedrock/document-frequency.ts";
import { generateQueries } from "../../emulation/stubs/bedrock/query-generator.ts";
import { DocumentSampler, idKeys, splitKey } from "../../lambdas/bedrock-orchestrator/document-keys.ts";
import { stylesFor } from "../../lambdas/bedrock-orchestrator/prepare-input.ts";

/** Queries asked for each document; as in the end-to-end run. */
export const QUERIES_PER_DOCUMENT = 3;

/**
 * Writes what the mining stage reads (`corpus/`, `records/`, `generated/`), as the pipeline's Lambdas and the stand-in
 * language model would: the same sample, split, styles and queries.
 *
 * @param queryDocuments documents that queries are made for at most.
 */
export async function writeStageInputs(
  collection: Collection,
  directory: string,
  queryDocuments: number,
): Promise<void> {
  const documents = collection.documents
    .map((document) => ({ id: document.id, text: passageText(document) }))
    .filter(({ text }) => text.trim() !== "");
  const keys = documents.map(({ id, text }) => ({ ...idKeys(id), split: splitKey(text) }));
  const sampler = new DocumentSampler(queryDocuments);
  for (const { sample, split } of keys) sampler.offer(sample, () => split);
  const sampling = sampler.choose();
  const sampled = [...sampling.positions].flatMap((position) => {
    const [document, own] = [documents[position], keys[position]];
    return document === undefined || own === undefined ? [] : [{ document, keys: own }];
  });
  const frequency = DocumentFrequency.of(sampled.map(({ document }) => document.text));

  const records = sampled.map(({ document, keys: own }) => ({
    record_id: own.recordId,
    doc_id: document.id,
    split: sampling.splitOf(own.split),
    styles: stylesFor(own.choice, QUERIES_PER_DOCUMENT),
  }));
  const answers = sampled.map(({ document, keys: own }, index) => {
    const queries = generateQueries(document.text, records[index]?.styles ?? [], frequency);
    const content = [{ type: "text", text: JSON.stringify({ queries }) }];
    return { recordId: own.recordId, modelInput: {}, modelOutput: { content } };
  });
  await writeLines(path.join(directory, "corpus", "part-00000.jsonl"), documents);
  await writeLines(path.join(directory, "records", "part-00000.jsonl"), records);
  await writeLines(path.join(directory, "generated", "batch-00000.jsonl.out"), answers);
}

async function writeLines(file: string, rows: readonly object[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
