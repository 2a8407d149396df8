const NEWLINE = 0x0a;

/** Below it, copying byte by byte is faster than a call of what copies memory. */
const SHORT_COPY_BYTES = 48;

/** Collects lines as bytes, each with its newline. */
export class EncodedLines {
  #bytes: Buffer;
  #length = 0;
  #count = 0;

  /** @param capacity bytes there is room for at the start; grows by doubling. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  /** Lines there are. */
  get count(): number {
    return this.#count;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for other lines where these are. */
  clear(): void {
    this.#length = 0;
    this.#count = 0;
  }

  /** Adds a line (without its newline). */
  add(line: string): void {
    this.#reserve(line.length * 3);
    this.#length += this.#bytes.write(line, this.#length);
    this.endLine();
  }

  /** Adds bytes to the line that is being written. */
  write(bytes: Buffer): void {
    this.copy(bytes, 0, bytes.length);
  }

  /** Adds a part of `source` in the same way. */
  copy(source: Buffer, start: number, end: number): void {
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

  endLine(): void {
    this.#reserve(1);
    this.#bytes[this.#length] = NEWLINE;
    this.#length += 1;
    this.#count += 1;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
