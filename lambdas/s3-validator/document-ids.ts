/** Two 32-bit hashes of a string (murmur-like mixing of its UTF-16 code units). */
function hash(text: string): [number, number] {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x85ebca77);
    b = Math.imul(b ^ unit, 0xc2b2ae3d);
    a ^= a >>> 13;
    b ^= b >>> 15;
  }
  a = Math.imul(a ^ (b >>> 16), 0x9e3779b1);
  b = Math.imul(b ^ (a >>> 15), 0x27d4eb2f);
  return [(a ^ (a >>> 16)) >>> 0, (b ^ (b >>> 13)) >>> 0];
}

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
    const slot = this.#slot(id);
    if (this.#uses[slot] !== 0) return false;
    this.#add(id, slot);
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
        this.#add(candidate, free);
        return candidate;
      }
    }
  }

  #add(id: string, slot: number): void {
    const [high, low] = hash(id);
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#uses[slot] = 1;
    this.#size += 1;
    if (this.#size * 3 > this.#uses.length * 2) this.#grow();
  }

  /** The slot that holds the id, or the free one where it belongs. */
  #slot(id: string): number {
    const [high, low] = hash(id);
    return this.#find(high, low);
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
