/** Bytes that are collected where others were before. */
export class ReusedBytes {
  #bytes: Buffer;
  #length = 0;

  /** @param capacity bytes there is room for at the start; grows by doubling. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Those that were collected; they change when others are collected after {@link clear}. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for others where these are. */
  clear(): void {
    this.#length = 0;
  }

  /** Adds a copy. */
  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, length));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }
}
