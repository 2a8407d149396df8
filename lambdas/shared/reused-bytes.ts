/** Below it, copying byte by byte is faster than a call of what copies memory. */
const SHORT_COPY_BYTES = 48;
const MAX_BYTES_A_CHARACTER = 3;

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

  /** Adds a copy of a part of `source`. */
  append(source: Buffer, start = 0, end = source.length): void {
    this.#reserve(end - start);
    const target = this.#bytes;
    if (end - start > SHORT_COPY_BYTES) {
      this.#length += source.copy(target, this.#length, start, end);
      return;
    }
    let length = this.#length;
    for (let index = start; index < end; index += 1) {
      target[length] = source[index] ?? 0;
      length += 1;
    }
    this.#length = length;
  }

  /** Adds a text in UTF-8. */
  appendText(text: string): void {
    this.#reserve(text.length * MAX_BYTES_A_CHARACTER);
    this.#length += this.#bytes.write(text, this.#length);
  }

  appendByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
