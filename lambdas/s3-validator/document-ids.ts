/**
 * Makes the ids of a corpus unique in bounded memory: 8 bytes a slot at 64-bit hashes, 134 MB for 10 million ids.
 * Two different ids with one hash (about 3 in a million corpora of 10 million documents) count as duplicates, which
 * gives one of them a suffix and does no other harm.
 */
export class DocumentIds {
  /** Halves of the hashes; two zeros mark a free slot. */
  #high: Uint32Array;
  #low: Uint32Array;
  /** How many documents came with an id that several have, by hash. */
  readonly #occurrences = new Map<string, number>();
  #size = 0;
  #duplicates = 0;
  /** The hash of the id that was looked up last. */
  #idHigh = 0;
  #idLow = 0;

  /** @param capacity slots at the start, a power of two; grows by doubling. */
  constructor(capacity = 1 << 16) {
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
  }

  /** Ids that another document had before. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Adds an id that no document had before; false when one had. */
  addNew(id: string): boolean {
    return this.addNewPart(id, 0, id.length);
  }

  /** The same of the id that stands at `start` to `end` in a text. */
  addNewPart(text: string, start: number, end: number): boolean {
    this.#hash(text, start, end);
    const slot = this.#find(this.#idHigh, this.#idLow);
    if (!this.#isFree(slot)) return false;
    this.#high[slot] = this.#idHigh;
    this.#low[slot] = this.#idLow;
    this.#size += 1;
    if (this.#size * 3 > this.#low.length * 2) this.#grow();
    return true;
  }

  /** The id itself when it is new, else `<id>#<n>`, where n counts the documents with this id. */
  unique(id: string): string {
    if (this.addNew(id)) return id;
    this.#duplicates += 1;
    const hash = `${this.#idHigh}/${this.#idLow}`;
    for (;;) {
      const occurrence = (this.#occurrences.get(hash) ?? 1) + 1;
      this.#occurrences.set(hash, occurrence);
      const candidate = `${id}#${occurrence}`;
      if (this.addNew(candidate)) return candidate;
    }
  }

  /** Two 32-bit hashes (murmur-like mixing of UTF-16 code units), never both 0. */
  #hash(text: string, start: number, end: number): void {
    let a = 0x9e3779b9;
    let b = 0x85ebca6b;
    for (let index = start; index < end; index += 1) {
      const unit = text.charCodeAt(index);
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
    return this.#low[slot] === 0 && this.#high[slot] === 0;
  }

  /** The slot that holds a hash, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const mask = this.#low.length - 1;
    let slot = low & mask;
    while (!this.#isFree(slot) && (this.#low[slot] !== low || this.#high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [high, low] = [this.#high, this.#low];
    this.#high = new Uint32Array(low.length * 2);
    this.#low = new Uint32Array(low.length * 2);
    for (let old = 0; old < low.length; old += 1) {
      const [oldHigh, oldLow] = [high[old] ?? 0, low[old] ?? 0];
      if (oldHigh === 0 && oldLow === 0) continue;
      const slot = this.#find(oldHigh, oldLow);
      this.#high[slot] = oldHigh;
      this.#low[slot] = oldLow;
    }
  }
}
