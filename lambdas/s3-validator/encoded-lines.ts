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

  /** Adds a line (without its newline). */
  add(line: string): void {
    this.write(line);
    this.endLine();
  }

  /** Adds to the line that is being written. */
  write(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Adds a part of `source` to the line that is being written. */
  copy(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.#length += source.copy(this.#bytes, this.#length, start, end);
  }

  endLine(): void {
    this.write("\n");
    this.#count += 1;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
