import { ReusedBytes } from "./reused-bytes.ts";

const NEWLINE = 0x0a;

/** Collects lines as bytes, each with its newline. */
export class EncodedLines {
  readonly #collected: ReusedBytes;
  #count = 0;

  /** @param capacity bytes there is room for at the start; grows by doubling. */
  constructor(capacity: number) {
    this.#collected = new ReusedBytes(capacity);
  }

  /** Lines there are. */
  get count(): number {
    return this.#count;
  }

  get bytes(): Buffer {
    return this.#collected.bytes;
  }

  /** Makes room for other lines where these are. */
  clear(): void {
    this.#collected.clear();
    this.#count = 0;
  }

  /** Adds a line (without its newline). */
  add(line: string): void {
    this.#collected.appendText(line);
    this.endLine();
  }

  /** Adds bytes to the line that is being written. */
  write(bytes: Buffer): void {
    this.#collected.append(bytes);
  }

  /** Adds a part of `source` in the same way. */
  copy(source: Buffer, start: number, end: number): void {
    this.#collected.append(source, start, end);
  }

  endLine(): void {
    this.#collected.appendByte(NEWLINE);
    this.#count += 1;
  }
}
