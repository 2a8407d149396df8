import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { CorpusDocument } from "../../pipeline/artifacts.ts";

/**
 * What a corpus consists of, whatever the order and the parts in which it was written: the number of its documents and the sum of
 * their hashes.
 *
 * @param directory holds the parts.
 */
export async function corpusDigest(directory: string): Promise<string> {
  let sum = 0n;
  let documents = 0;
  for (const file of await readdir(directory)) {
    if (!file.endsWith(".jsonl")) continue;
    for await (const line of createInterface({ input: createReadStream(path.join(directory, file)) })) {
      const { id, text } = CorpusDocument.parse(JSON.parse(line));
      sum += createHash("sha256").update(`${id}\n${text}`).digest().readBigUInt64LE();
      documents += 1;
    }
  }
  return `${documents} documents, ${BigInt.asUintN(64, sum).toString(16)}`;
}
