import { createReadStream, existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Receives the complete lines that were appended to a log since the last time, with when they were seen. */
export type LogConsumer = (lines: readonly string[], seen: Date) => void;

const POLL_MS = 300;

/** Chunks are held as latin1, one character a byte, until a line is whole, so that no UTF-8 character is split. */
function decode(line: string): string {
  return Buffer.from(line, "latin1").toString("utf8").replace(/\r$/, "");
}

/** Follows a log file that a process appends to. */
export class LogFollower {
  readonly #file: string;
  readonly #consume: LogConsumer;
  #offset: number;
  #partial = "";
  #ended = false;
  readonly #following: Promise<void>;

  /** @param offset bytes at the file's beginning that are not read */
  constructor(file: string, consume: LogConsumer, offset = 0) {
    this.#file = file;
    this.#offset = offset;
    this.#consume = consume;
    this.#following = this.#follow();
  }

  /** Reads what is left and stops. */
  async finish(): Promise<void> {
    this.#ended = true;
    await this.#following;
    await this.#read();
    if (this.#partial !== "") this.#consume([decode(this.#partial)], new Date());
    this.#partial = "";
  }

  async #follow(): Promise<void> {
    while (!this.#ended) {
      await this.#read();
      await sleep(POLL_MS, undefined, { ref: false });
    }
  }

  async #read(): Promise<void> {
    if (!existsSync(this.#file)) return;
    for await (const chunk of createReadStream(this.#file, { start: this.#offset })) {
      const bytes = chunk as Buffer;
      this.#offset += bytes.length;
      const lines = (this.#partial + bytes.toString("latin1")).split("\n");
      this.#partial = lines.pop() ?? "";
      if (lines.length > 0) {
        this.#consume(lines.map(decode), new Date());
      }
    }
  }
}
