import { hash } from "node:crypto";
import type { Split } from "../../pipeline/artifacts.ts";

/** Hex digits of a number that a double holds exactly. */
const KEY_DIGITS = 13;

/** What is decided about a document from its id alone, so that every run decides alike. */
export interface IdKeys {
  /** 24 hex digits, the same wherever the document turns up; a Bedrock recordId. */
  readonly recordId: string;
  /** Uniform below 2^52: of documents with one text, the one with the smallest is taken. */
  readonly order: number;
  /** Uniform below 2^28, for choices within the document. */
  readonly choice: number;
}

/** Hashes the id of a document. */
export function idKeys(id: string): IdKeys {
  const idHash = hash("sha256", id);
  return {
    recordId: idHash.slice(0, 24),
    order: Number.parseInt(idHash.slice(24, 24 + KEY_DIGITS), 16),
    choice: Number.parseInt(idHash.slice(40, 47), 16),
  };
}

/** What is decided about a text, so that documents with one text count once and lie on one side of the split. */
export interface TextKeys {
  /** Uniform below 2^52: decides about the split. */
  readonly split: number;
  /** Uniform below 2^52: texts with the smallest ones are sampled. */
  readonly sample: number;
}

/** Hashes the text of a document. */
export function textKeys(text: string): TextKeys {
  const textHash = hash("sha256", text);
  return {
    split: Number.parseInt(textHash.slice(0, KEY_DIGITS), 16),
    sample: Number.parseInt(textHash.slice(KEY_DIGITS, 2 * KEY_DIGITS), 16),
  };
}

/** How many documents are held out for evaluation, and for watching the training. */
const HELD_OUT_SHARE = 0.1;
/** A mean over fewer queries says little; but never more than a quarter of a small corpus. */
const MIN_TEST_DOCUMENTS = 20;
const MIN_DEV_DOCUMENTS = 10;

/** The documents that queries are made for, each with a text of its own. */
export interface Sampling {
  /** Their positions among all documents that were offered, from 0, ascending. */
  readonly positions: Float64Array;
  /**
   * Different texts among all documents that were offered. A count where all of them are sampled; else an estimate from
   * how densely the sample's keys lie, with a standard error of one part in the sample size's square root.
   */
  readonly distinctTexts: number;
  /** @param split of the document's {@link TextKeys}. */
  splitOf(split: number): Split;
}

/** Keys are below this. */
const KEY_LIMIT = 16 ** KEY_DIGITS;

/** The position of a value in a sorted array that has it. */
function indexIn(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Chooses documents of `maxDocuments` different texts and splits them 80 : 10 : 10 into train, dev and test, with at
 * least 20 test documents where there are 80. Holds the keys of at most twice as many documents as it chooses.
 */
export class DocumentSampler {
  readonly #maxDocuments: number;
  readonly #sampleKeys: Float64Array;
  readonly #splitKeys: Float64Array;
  readonly #orderKeys: Float64Array;
  readonly #positions: Float64Array;
  #count = 0;
  #offered = 0;
  /** Texts with larger keys are not chosen. */
  #sampleBound = Number.POSITIVE_INFINITY;
  /** Whether there was a text that is not chosen. */
  #leftOut = false;

  constructor(maxDocuments: number) {
    this.#maxDocuments = maxDocuments;
    this.#sampleKeys = new Float64Array(2 * maxDocuments);
    this.#splitKeys = new Float64Array(2 * maxDocuments);
    this.#orderKeys = new Float64Array(2 * maxDocuments);
    this.#positions = new Float64Array(2 * maxDocuments);
  }

  /** Offers a document by the keys of its text. `orderOf`, its id's key, is asked only when it may be chosen. */
  offer({ sample, split }: TextKeys, orderOf: () => number): void {
    const position = this.#offered;
    this.#offered += 1;
    if (sample > this.#sampleBound) {
      this.#leftOut = true;
      return;
    }
    if (this.#count === this.#sampleKeys.length) this.#drop();
    this.#set(this.#count, sample, split, orderOf(), position);
    this.#count += 1;
  }

  #set(index: number, sample: number, split: number, order: number, position: number): void {
    this.#sampleKeys[index] = sample;
    this.#splitKeys[index] = split;
    this.#orderKeys[index] = order;
    this.#positions[index] = position;
  }

  /** Lets go of all but one document of each of the `maxDocuments` texts with the smallest keys. */
  #drop(): void {
    const distinct = this.#sampleKeys
      .slice(0, this.#count)
      .sort()
      .filter((key, index, sorted) => key !== sorted[index - 1])
      .subarray(0, this.#maxDocuments);
    if (distinct.length === this.#maxDocuments) this.#sampleBound = distinct.at(-1) ?? this.#sampleBound;
    const placeOf = new Int32Array(distinct.length).fill(-1);
    let kept = 0;
    for (let index = 0; index < this.#count; index += 1) {
      const sample = this.#sampleKeys[index] ?? 0;
      if (sample > this.#sampleBound) {
        this.#leftOut = true;
        continue;
      }
      const text = indexIn(distinct, sample);
      const order = this.#orderKeys[index] ?? 0;
      let place = placeOf[text] ?? -1;
      if (place === -1) {
        place = kept;
        placeOf[text] = place;
        kept += 1;
      } else if (order >= (this.#orderKeys[place] ?? 0)) continue;
      this.#set(place, sample, this.#splitKeys[index] ?? 0, order, this.#positions[index] ?? 0);
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
      positions: this.#positions.slice(0, count).sort(),
      distinctTexts: this.#distinctTexts(),
      splitOf: (split) => (split < testBound ? "test" : split < devBound ? "dev" : "train"),
    };
  }

  /** See {@link Sampling.distinctTexts}; the estimate is that of k minimum values. */
  #distinctTexts(): number {
    if (!this.#leftOut) return this.#count;
    return Math.min(this.#offered, Math.round(((this.#count - 1) * KEY_LIMIT) / this.#sampleBound));
  }
}
