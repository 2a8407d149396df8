import { hash } from "node:crypto";
import type { Split } from "../../pipeline/artifacts.ts";

/** Hex digits of a number that a double holds exactly. */
const KEY_DIGITS = 13;

/** What decides about a document, from its id alone, so that every run decides alike. */
export interface IdKeys {
  /** 24 hex digits, the same wherever the document turns up; a Bedrock recordId. */
  readonly recordId: string;
  /** Uniform below 2^52: documents with the smallest ones are sampled. */
  readonly sample: number;
  /** Uniform below 2^28, for choices within the document. */
  readonly choice: number;
}

/** Hashes the id of a document. */
export function idKeys(id: string): IdKeys {
  const idHash = hash("sha256", id);
  return {
    recordId: idHash.slice(0, 24),
    sample: Number.parseInt(idHash.slice(24, 24 + KEY_DIGITS), 16),
    choice: Number.parseInt(idHash.slice(40, 47), 16),
  };
}

/** Uniform below 2^52, of a document's text: its split. Documents with one text are on one side of it. */
export function splitKey(text: string): number {
  return Number.parseInt(hash("sha256", text).slice(0, KEY_DIGITS), 16);
}

/** How many documents are held out for evaluation, and for watching the training. */
const HELD_OUT_SHARE = 0.1;
/** A mean over fewer queries says little; but never more than a quarter of a small corpus. */
const MIN_TEST_DOCUMENTS = 20;
const MIN_DEV_DOCUMENTS = 10;

/** The documents that queries are made for. */
export interface Sampling {
  /** Their positions among all documents that were offered, from 0, in that order. */
  readonly positions: Float64Array;
  /** @param split the document's {@link splitKey}. */
  splitOf(split: number): Split;
}

/**
 * Chooses `maxDocuments` of the documents and splits them 80 : 10 : 10 into train, dev and test, with at least 20 test
 * documents where the corpus has 80. Holds the keys of at most twice as many documents as it chooses.
 */
export class DocumentSampler {
  readonly #maxDocuments: number;
  readonly #sampleKeys: Float64Array;
  readonly #splitKeys: Float64Array;
  readonly #positions: Float64Array;
  #count = 0;
  #offered = 0;
  /** Documents with larger keys are not chosen. */
  #sampleBound = Number.POSITIVE_INFINITY;

  constructor(maxDocuments: number) {
    this.#maxDocuments = maxDocuments;
    this.#sampleKeys = new Float64Array(2 * maxDocuments);
    this.#splitKeys = new Float64Array(2 * maxDocuments);
    this.#positions = new Float64Array(2 * maxDocuments);
  }

  /** Offers a document. `splitKeyOf` is asked only when it may be chosen. */
  offer(sample: number, splitKeyOf: () => number): void {
    const position = this.#offered;
    this.#offered += 1;
    if (sample > this.#sampleBound) return;
    if (this.#count === this.#sampleKeys.length) this.#drop();
    this.#sampleKeys[this.#count] = sample;
    this.#splitKeys[this.#count] = splitKeyOf();
    this.#positions[this.#count] = position;
    this.#count += 1;
  }

  /** Lets go of all but the smallest `maxDocuments` keys. */
  #drop(): void {
    if (this.#count <= this.#maxDocuments) return;
    const sorted = this.#sampleKeys.slice(0, this.#count).sort();
    this.#sampleBound = sorted[this.#maxDocuments - 1] ?? this.#sampleBound;
    let kept = 0;
    for (let index = 0; index < this.#count && kept < this.#maxDocuments; index += 1) {
      const sample = this.#sampleKeys[index] ?? Number.POSITIVE_INFINITY;
      if (sample > this.#sampleBound) continue;
      this.#sampleKeys[kept] = sample;
      this.#splitKeys[kept] = this.#splitKeys[index] ?? 0;
      this.#positions[kept] = this.#positions[index] ?? 0;
      kept += 1;
    }
    this.#count = kept;
  }

  /** The sample of what was offered. */
  choose(): Sampling {
    this.#drop();
    const count = this.#count;
    const sorted = this.#splitKeys.slice(0, count).sort();
    const testDocuments = Math.max(
      Math.round(count * HELD_OUT_SHARE),
      Math.min(MIN_TEST_DOCUMENTS, Math.floor(count / 4)),
    );
    const devDocuments = Math.max(
      Math.round(count * HELD_OUT_SHARE),
      Math.min(MIN_DEV_DOCUMENTS, Math.floor(count / 8)),
    );
    const testBound = sorted[testDocuments] ?? Number.POSITIVE_INFINITY;
    const devBound = sorted[testDocuments + devDocuments] ?? Number.POSITIVE_INFINITY;
    return {
      positions: this.#positions.slice(0, count),
      splitOf: (split) => (split < testBound ? "test" : split < devBound ? "dev" : "train"),
    };
  }
}
