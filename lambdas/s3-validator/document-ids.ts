/**
 * Makes the ids of a corpus unique in bounded memory: 12 bytes a slot at 64-bit hashes, some 200 MB for 10 million ids.
 * Two different ids with one hash (about 3 in a million corpora of 10 million documents) count as duplicates, which
 * gives one of them a suffix and does no other harm.
 */
export class DocumentIds {
  #high: Uint32Array;
  #low: Uint32Array;
  /** How many documents came with the id; 0 marks a free slot. */
  #uses: Uint32Array;
  #size = 0;
  #duplicates = 0;
  /** The hash of the id that was looked up last. */
  #idHigh = 0;
  #idLow = 0;

  /** @param capacity slots at the start, a power of two; grows by doubling. */
  constructor(capacity = 1 << 16) {
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#uses = new Uint32Array(capacity);
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
    if (this.#uses[slot] !== 0) return false;
    this.#add(slot);
    return true;
  }

  /** The id itself when it is new, else `<id>#<n>`, where n counts the documents with this id. */
  unique(id: string): string {
    if (this.addNew(id)) return id;
    this.#duplicates += 1;
    for (;;) {
      const occurrence = (this.#uses[this.#slot(id)] ?? 0) + 1;
      this.#uses[this.#slot(id)] = occurrence;
      const candidate = `${id}#${occurrence}`;
      const free = this.#slot(candidate);
      if (this.#uses[free] === 0) {
        this.#add(free);
        return candidate;
      }
    }
  }

  /** Two 32-bit hashes (murmur-like mixing of UTF-16 code units). */
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
  }

  /** Fills a free slot with the id that was looked up last. */
  #add(slot: number): void {
    this.#high[slot] = this.#idHigh;
    this.#low[slot] = this.#idLow;
    this.#uses[slot] = 1;
    this.#size += 1;
    if (this.#size * 3 > this.#uses.length * 2) this.#grow();
  }

  /** The slot that holds the id, or the free one where it belongs. */
  #slot(id: string): number {
    this.#hash(id, 0, id.length);
    return this.#find(this.#idHigh, this.#idLow);
  }

  #find(high: number, low: number): number {
    const mask = this.#uses.length - 1;
    let slot = low & mask;
    while (this.#uses[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [high, low, uses] = [this.#high, this.#low, this.#uses];
    this.#high = new Uint32Array(uses.length * 2);
    this.#low = new Uint32Array(uses.length * 2);
    this.#uses = new Uint32Array(uses.length * 2);
    for (let old = 0; old < uses.length; old += 1) {
      const count = uses[old];
      if (count === undefined || count === 0) continue;
      const slot = this.#find(high[old] ?? 0, low[old] ?? 0);
      this.#high[slot] = high[old] ?? 0;
      this.#low[slot] = low[old] ?? 0;
      this.#uses[slot] = count;
    }
  }
}
