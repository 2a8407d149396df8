import { hash } from "node:crypto";
import type { CorpusDocument, Split } from "../shared/contract.ts";

/** Hex digits of a number that a double holds exactly. */
const KEY_DIGITS = 13;

/** What decides about a document, from its id and text alone, so that every run decides alike. */
export interface DocumentKeys {
  /** 24 hex digits, the same wherever the document turns up; a Bedrock recordId. */
  readonly recordId: string;
  /** Uniform below 2^52: documents with the smallest ones are sampled. */
  readonly sample: number;
  /** Uniform below 2^52, of the text: the split. Documents with one text are on one side of it. */
  readonly split: number;
  /** Uniform below 2^28, for choices within the document. */
  readonly choice: number;
}

/** Hashes a document. */
export function documentKeys({ id, text }: CorpusDocument): DocumentKeys {
  const idHash = hash("sha256", id);
  return {
    recordId: idHash.slice(0, 24),
    sample: Number.parseInt(idHash.slice(24, 24 + KEY_DIGITS), 16),
    split: Number.parseInt(hash("sha256", text).slice(0, KEY_DIGITS), 16),
    choice: Number.parseInt(idHash.slice(40, 47), 16),
  };
}

/** How many documents are held out for evaluation, and for watching the training. */
const HELD_OUT_SHARE = 0.1;
/** A mean over fewer queries says little; but never more than a quarter of a small corpus. */
const MIN_TEST_DOCUMENTS = 20;
const MIN_DEV_DOCUMENTS = 10;

/** Bounds of keys that make up the sample and its splits. */
export interface Sampling {
  /** Documents in the sample. */
  readonly size: number;
  includes(keys: DocumentKeys): boolean;
  splitOf(keys: DocumentKeys): Split;
}

/**
 * Chooses `maxDocuments` of the documents and splits them 80 : 10 : 10 into train, dev and test, with at least 20 test
 * documents where the corpus has 80.
 *
 * @param sampleKeys `sample` of every document.
 * @param splitKeys `split` of every document, in the same order.
 */
export function chooseSample(sampleKeys: Float64Array, splitKeys: Float64Array, maxDocuments: number): Sampling {
  const size = Math.min(maxDocuments, sampleKeys.length);
  const sampleBound = Float64Array.from(sampleKeys).sort()[size - 1] ?? -1;
  const chosen = new Float64Array(sampleKeys.length);
  let count = 0;
  for (let index = 0; index < sampleKeys.length && count < size; index += 1) {
    if ((sampleKeys[index] ?? 0) > sampleBound) continue;
    chosen[count] = splitKeys[index] ?? 0;
    count += 1;
  }
  const sorted = chosen.subarray(0, count).sort();
  const testDocuments = Math.max(
    Math.round(count * HELD_OUT_SHARE),
    Math.min(MIN_TEST_DOCUMENTS, Math.floor(count / 4)),
  );
  const devDocuments = Math.max(Math.round(count * HELD_OUT_SHARE), Math.min(MIN_DEV_DOCUMENTS, Math.floor(count / 8)));
  const testBound = sorted[testDocuments] ?? Number.POSITIVE_INFINITY;
  const devBound = sorted[testDocuments + devDocuments] ?? Number.POSITIVE_INFINITY;
  return {
    size: count,
    includes: ({ sample }) => sample <= sampleBound,
    splitOf: ({ split }) => (split < testBound ? "test" : split < devBound ? "dev" : "train"),
  };
}
