/** Words of the synthetic language, as many as a large technical corpus has. */
const VOCABULARY = 200_000;
/** Zipf-Mandelbrot: the word of rank r has a probability in proportion to 1 / (r + SHIFT)^EXPONENT. */
const EXPONENT = 1.07;
const SHIFT = 2.7;
/** Subjects that documents are about, each with words of its own that the others hardly use. */
const TOPICS = 1000;
const TOPIC_WORDS = 400;
/** Of the words of a document; without them no document would be a better answer to a query than another one. */
const TOPIC_SHARE = 0.25;
/** Length in words: log-normal, as passages of documentation and of encyclopedias are. */
const MEDIAN_WORDS = 110;
const LENGTH_SIGMA = 0.6;
const [MIN_WORDS, MAX_WORDS] = [12, 1200];
/** Entries of the table that turns a uniform number into a rank. */
const TABLE_SIZE = 1 << 20;

const SYLLABLES = [
  ..."ba be bi bo bu ca ce ci co cu da de di do du fa fe fi fo fu ga ge gi go gu ha he hi ho hu".split(" "),
  ..."la le li lo lu ma me mi mo mu na ne ni no nu pa pe pi po pu ra re ri ro ru sa se si so su".split(" "),
  ..."ta te ti to tu va ve vi vo vu an en in on un ar er ir or ur al el il ol ul st tr pr th sh".split(" "),
];

/** A document of the synthetic corpus. */
export interface SyntheticDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** Numbers in 0..1 that depend on the seed alone (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The word of a rank: the more frequent, the shorter, as in real languages; different for every rank. */
function wordOf(rank: number): string {
  let word = "";
  let rest = rank + SYLLABLES.length;
  for (; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) word += SYLLABLES[rest % SYLLABLES.length];
  return word;
}

/** Ranks by slices of equal probability. */
function rankTable(): Uint32Array {
  const weights = new Float64Array(VOCABULARY);
  let sum = 0;
  for (let rank = 0; rank < VOCABULARY; rank += 1) {
    sum += (rank + 1 + SHIFT) ** -EXPONENT;
    weights[rank] = sum;
  }
  const table = new Uint32Array(TABLE_SIZE);
  let rank = 0;
  for (let slot = 0; slot < TABLE_SIZE; slot += 1) {
    while ((weights[rank] ?? sum) < (sum * (slot + 0.5)) / TABLE_SIZE) rank += 1;
    table[slot] = rank;
  }
  return table;
}

/**
 * A corpus made up from a seed, of the length and vocabulary of real text: word frequencies after Zipf, lengths
 * log-normal (a mean of some 130 words, 850 bytes), sentences, and subjects with words of their own. A document depends on the seed
 * and its number alone, so that a smaller corpus is the beginning of a larger one.
 */
export class SyntheticCorpus {
  readonly #seed: number;
  readonly #words = Array.from({ length: VOCABULARY }, (_, rank) => wordOf(rank));
  readonly #ranks = rankTable();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The document with a number from 0. */
  document(number: number): SyntheticDocument {
    const random = randomNumbers(Math.imul(this.#seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca77));
    const topic = Math.floor(random() * TOPICS);
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const length = Math.round(MEDIAN_WORDS * Math.exp(LENGTH_SIGMA * normal));
    return {
      id: `doc-${number}`,
      title: this.#sentence(random, topic, 3 + Math.floor(random() * 6)),
      text: this.#text(random, topic, Math.min(MAX_WORDS, Math.max(MIN_WORDS, length))),
    };
  }

  #text(random: () => number, topic: number, words: number): string {
    let text = "";
    for (let left = words; left > 0; ) {
      const length = Math.min(left, 6 + Math.floor(random() * 18));
      text += `${text === "" ? "" : " "}${this.#sentence(random, topic, length)}.`;
      left -= length;
    }
    return text;
  }

  #sentence(random: () => number, topic: number, words: number): string {
    let sentence = "";
    for (let position = 0; position < words; position += 1) {
      const word = this.#word(random, topic);
      sentence += position === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : ` ${word}`;
    }
    return sentence;
  }

  #word(random: () => number, topic: number): string {
    const draw = random();
    if (draw >= TOPIC_SHARE) {
      const rank = this.#ranks[Math.floor(((draw - TOPIC_SHARE) / (1 - TOPIC_SHARE)) * TABLE_SIZE)] ?? 0;
      return this.#words[rank] ?? "";
    }
    // Squared: a subject's words are not equally frequent either.
    const own = Math.floor((draw / TOPIC_SHARE) ** 2 * TOPIC_WORDS);
    return this.#words[2000 + ((topic * TOPIC_WORDS + own) % (VOCABULARY - 2000))] ?? "";
  }
}
