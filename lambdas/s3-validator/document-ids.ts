/** 16 MiB: a corpus of up to 1.4 million documents never waits for the table to grow. */
const DEFAULT_CAPACITY = 1 << 21;

/**
 * Makes the ids of a corpus unique in bounded memory: 8 bytes a slot at 64-bit hashes, 134 MB for 10 million ids.
 * Two different ids with one hash (about 3 in a million corpora of 10 million documents) count as duplicates, which
 * gives one of them a suffix and does no other harm.
 */
export class DocumentIds {
  /** The halves of a hash one after the other; two zeros mark a free slot. */
  #slots: Uint32Array;
  /** How many documents came with an id that several have, by hash. */
  readonly #occurrences = new Map<string, number>();
  #size = 0;
  #duplicates = 0;
  /** The hash of the id that was looked up last. */
  #idHigh = 0;
  #idLow = 0;

  /** @param capacity slots at the start, a power of two; grows by doubling. */
  constructor(capacity = DEFAULT_CAPACITY) {
    this.#slots = new Uint32Array(capacity * 2);
  }

  /** Ids that another document had before. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Adds an id that no document had before; false when one had. */
  #addNew(id: string): boolean {
    this.#hash(id);
    const slot = this.#find(this.#idHigh, this.#idLow);
    if (!this.#isFree(slot)) return false;
    this.#slots[slot] = this.#idLow;
    this.#slots[slot + 1] = this.#idHigh;
    this.#size += 1;
    if (this.#size * 3 > this.#slots.length) this.#grow();
    return true;
  }

  /** The id itself when it is new, else `<id>#<n>`, where n counts the documents with this id. */
  unique(id: string): string {
    if (this.#addNew(id)) return id;
    this.#duplicates += 1;
    const hash = `${this.#idHigh}/${this.#idLow}`;
    for (;;) {
      const occurrence = (this.#occurrences.get(hash) ?? 1) + 1;
      this.#occurrences.set(hash, occurrence);
      const candidate = `${id}#${occurrence}`;
      if (this.#addNew(candidate)) return candidate;
    }
  }

  /** Two 32-bit hashes (murmur-like mixing of UTF-16 code units), never both 0. */
  #hash(id: string): void {
    let a = 0x9e3779b9;
    let b = 0x85ebca6b;
    for (let index = 0; index < id.length; index += 1) {
      const unit = id.charCodeAt(index);
      a = Math.imul(a ^ unit, 0x85ebca77);
      b = Math.imul(b ^ unit, 0xc2b2ae3d);
      a ^= a >>> 13;
      b ^= b >>> 15;
    }
    a = Math.imul(a ^ (b >>> 16), 0x9e3779b1);
    b = Math.imul(b ^ (a >>> 15), 0x27d4eb2f);
    this.#idHigh = (a ^ (a >>> 16)) >>> 0;
    this.#idLow = (b ^ (b >>> 13)) >>> 0;
    if (this.#idHigh === 0 && this.#idLow === 0) this.#idLow = 1;
  }

  #isFree(slot: number): boolean {
    return this.#slots[slot] === 0 && this.#slots[slot + 1] === 0;
  }

  /** The slot that holds a hash, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (low << 1) & mask;
    while (!this.#isFree(slot) && (slots[slot] !== low || slots[slot + 1] !== high)) slot = (slot + 2) & mask;
    return slot;
  }

  #grow(): void {
    const smaller = this.#slots;
    this.#slots = new Uint32Array(smaller.length * 2);
    for (let old = 0; old < smaller.length; old += 2) {
      const [low, high] = [smaller[old] ?? 0, smaller[old + 1] ?? 0];
      if (high === 0 && low === 0) continue;
      const slot = this.#find(high, low);
      this.#slots[slot] = low;
      this.#slots[slot + 1] = high;
    }
  }
}
