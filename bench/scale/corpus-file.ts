import { createWriteStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SyntheticCorpus } from "./corpus.ts";

const DOCUMENTS_AT_ONCE = 500;

function* lines(seed: number, documents: number): Generator<string> {
  const corpus = new SyntheticCorpus(seed);
  for (let start = 0; start < documents; start += DOCUMENTS_AT_ONCE) {
    let block = "";
    for (let number = start; number < Math.min(documents, start + DOCUMENTS_AT_ONCE); number += 1) {
      block += `${JSON.stringify(corpus.document(number))}\n`;
    }
    yield block;
  }
}

/**
 * The synthetic corpus as JSON Lines with `id`, `title` and `text`; written when it is not there yet.
 *
 * @returns the file in `directory`.
 */
export async function corpusFile(directory: string, seed: number, documents: number): Promise<string> {
  const file = path.join(directory, `corpus-v1-seed${seed}-${documents}.jsonl`);
  if (await stat(file).catch(() => undefined)) return file;
  const partial = `${file}.${process.pid}`;
  await pipeline(Readable.from(lines(seed, documents)), createWriteStream(partial));
  await rename(partial, file);
  return file;
}
