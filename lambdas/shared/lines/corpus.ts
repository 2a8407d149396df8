/// <reference lib="es2024.string" />
import type { S3Client } from "@aws-sdk/client-s3";
import { CorpusDocument, CorpusManifest } from "../../../pipeline/artifacts.ts";
import { PartWriter, partName } from "../aws/part-writer.ts";
import { deleteObjects, listKeys, readObject, readText, writeJson } from "../aws/s3-objects.ts";
import { below, formatS3Uri, type S3Location } from "../aws/s3-uri.ts";
import { readLineBlocks, UnreadableLine } from "./line-blocks.ts";

const PART = /\/part-(\d{5,})\.jsonl$/;

/** Longer than any line this pipeline writes: 20 MB of input text whose every character may need an escape of 6 bytes. */
const MAX_CORPUS_LINE_BYTES = 128 * 1024 * 1024;

/** The corpus folder of a run: `<run>/corpus/`. */
export function corpusPrefix(run: S3Location): S3Location {
  return below(run, "corpus/");
}

/** Writes the documents of a run's corpus; see {@link PartWriter}. */
export function corpusWriter(s3: S3Client, run: S3Location, firstPart = 0): PartWriter {
  return new PartWriter(s3, { prefix: corpusPrefix(run), name: "part", firstPart });
}

/** A document as a line of the corpus. Half of a surrogate pair, which is no text, becomes U+FFFD. */
export function corpusLine(id: string, text: string): string {
  return JSON.stringify({ id: id.toWellFormed(), text: text.toWellFormed() });
}

/** Removes what an earlier attempt left: the manifest and every part from `firstPart` on. */
export async function discardCorpus(s3: S3Client, run: S3Location, firstPart = 0): Promise<void> {
  const prefix = corpusPrefix(run);
  const stale: string[] = [];
  for await (const key of listKeys(s3, prefix)) {
    const number = PART.exec(key)?.[1];
    if (number === undefined || Number(number) >= firstPart) stale.push(key);
  }
  await deleteObjects(s3, prefix.bucket, stale);
}

/** Writes the manifest, which marks the corpus as complete. */
export async function writeCorpusManifest(s3: S3Client, run: S3Location, manifest: CorpusManifest): Promise<void> {
  await writeJson(s3, below(corpusPrefix(run), "manifest.json"), CorpusManifest.parse(manifest));
}

/** Reads the manifest of the corpus at `prefix`. */
async function readCorpusManifest(s3: S3Client, prefix: S3Location): Promise<CorpusManifest> {
  return CorpusManifest.parse(JSON.parse(await readText(s3, below(prefix, "manifest.json"))));
}

/** Streams the documents of the corpus at `prefix` in their order, many at a time. */
export async function* readCorpus(s3: S3Client, prefix: S3Location): AsyncGenerator<CorpusDocument[]> {
  const { part_count } = await readCorpusManifest(s3, prefix);
  for (let part = 0; part < part_count; part += 1) {
    const location = below(prefix, partName("part", part));
    for await (const { firstLine, lines } of readLineBlocks(readObject(s3, location), MAX_CORPUS_LINE_BYTES)) {
      yield lines.map((line, index) => {
        if (line instanceof UnreadableLine) {
          throw new Error(`${formatS3Uri(location)}: line ${firstLine + index} is ${line.reason}`);
        }
        return CorpusDocument.parse(JSON.parse(line));
      });
    }
  }
}
