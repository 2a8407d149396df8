import { plainText, wordsOf } from "./passage.ts";

/** In how many passages each word occurs: what a language model knows about which words say little. */
export class DocumentFrequency {
  readonly #counts = new Map<string, number>();
  #documents = 0;

  /** @param passages as the corpus has them. */
  static of(passages: Iterable<string>): DocumentFrequency {
    const frequency = new DocumentFrequency();
    for (const passage of passages) frequency.add(wordsOf(plainText(passage)));
    return frequency;
  }

  add(words: Iterable<string>): void {
    this.#documents += 1;
    for (const word of new Set(words)) this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
  }

  /** Inverse document frequency of a word, 0 or more; the same for all words while nothing was added. */
  inverse(word: string): number {
    return Math.log((this.#documents + 2) / ((this.#counts.get(word.toLowerCase()) ?? 0) + 1));
  }
}
