import { isUtf8 } from "node:buffer";

/** Why a line of bytes is not a line of text. */
export class UnreadableLine {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Consecutive lines of a text, without their line ends. */
export interface LineBlock {
  /** The number of the first line in the text, from 1. */
  readonly firstLine: number;
  readonly lines: readonly (string | UnreadableLine)[];
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Bytes that are decoded at once: large enough that the cost of a block does not matter, small enough not to be felt. */
const BLOCK_BYTES = 256 * 1024;

function unreadableLength(maxLineBytes: number): UnreadableLine {
  return new UnreadableLine(`longer than ${maxLineBytes} bytes`);
}

function withoutCarriageReturn(line: string): string {
  return line.charCodeAt(line.length - 1) === CARRIAGE_RETURN ? line.slice(0, -1) : line;
}

/** The lines of `bytes`, whose last line has no newline. */
export function decodeLines(bytes: Buffer, maxLineBytes: number): (string | UnreadableLine)[] {
  if (bytes.length <= maxLineBytes && isUtf8(bytes)) {
    const lines = bytes.toString("utf8").split("\n");
    if (bytes.includes(CARRIAGE_RETURN)) return lines.map(withoutCarriageReturn);
    return lines;
  }
  const lines: (string | UnreadableLine)[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const line = bytes.subarray(start, end);
    if (line.length > maxLineBytes) lines.push(unreadableLength(maxLineBytes));
    else if (!isUtf8(line)) lines.push(new UnreadableLine("not valid UTF-8"));
    else lines.push(withoutCarriageReturn(line.toString("utf8")));
    start = end + 1;
  }
  return lines;
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/**
 * Cuts a stream of bytes between lines, in memory bounded by `maxLineBytes`: a longer line is dropped as it comes in. A byte
 * order mark at the start is not part of the text; the last line may lack its newline.
 *
 * @returns one or more whole lines at a time, the last of them without its newline; what stands for a dropped line.
 */
export async function* readWholeLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<Buffer | UnreadableLine> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  /** Bytes at the end of `pending` that belong to a line whose end has not come yet. */
  let openLineBytes = 0;
  let dropping = false;
  let atStart = true;

  const block = (bytes: Buffer): Buffer => {
    const text = atStart ? withoutByteOrderMark(bytes) : bytes;
    atStart = false;
    return text;
  };

  for await (const received of chunks) {
    let chunk = Buffer.from(received.buffer, received.byteOffset, received.byteLength);
    if (dropping) {
      const end = chunk.indexOf(NEWLINE);
      if (end === -1) continue;
      dropping = false;
      yield unreadableLength(maxLineBytes);
      chunk = chunk.subarray(end + 1);
    }
    const lastNewline = chunk.lastIndexOf(NEWLINE);
    pending.push(chunk);
    pendingBytes += chunk.length;
    openLineBytes = lastNewline === -1 ? openLineBytes + chunk.length : chunk.length - lastNewline - 1;
    const complete = pendingBytes - openLineBytes;
    if (openLineBytes <= maxLineBytes && (complete === 0 || pendingBytes < BLOCK_BYTES)) continue;

    const bytes = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending, pendingBytes);
    if (complete > 0) yield block(bytes.subarray(0, complete - 1));
    if (openLineBytes > maxLineBytes) {
      dropping = true;
      atStart = false;
      openLineBytes = 0;
    }
    pending = openLineBytes > 0 ? [bytes.subarray(complete)] : [];
    pendingBytes = openLineBytes;
  }
  if (dropping) yield unreadableLength(maxLineBytes);
  else if (pendingBytes > 0) {
    const bytes = Buffer.concat(pending, pendingBytes);
    yield block(openLineBytes === 0 ? bytes.subarray(0, bytes.length - 1) : bytes);
  }
}

/**
 * Cuts a stream of bytes into lines like {@link readWholeLines}. LF and CRLF end a line. Lines are handed out in blocks, because a
 * promise for every line costs more than parsing it.
 */
export async function* readLineBlocks(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<LineBlock> {
  let firstLine = 1;
  for await (const block of readWholeLines(chunks, maxLineBytes)) {
    const lines = block instanceof UnreadableLine ? [block] : decodeLines(block, maxLineBytes);
    yield { firstLine, lines };
    firstLine += lines.length;
  }
}
