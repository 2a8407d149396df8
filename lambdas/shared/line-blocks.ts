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
 * @returns one or more whole lines at a time, the last of them without its newline, until the next are asked for; what stands for a
 *   dropped line. Only a line that lies in several chunks is copied; the others stay where they came.
 */
export async function* readWholeLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<Buffer | UnreadableLine> {
  /** A line whose end has not come yet. */
  let open: Buffer[] = [];
  let openBytes = 0;
  let atStart = true;

  const block = (bytes: Buffer): Buffer => {
    const text = atStart ? withoutByteOrderMark(bytes) : bytes;
    atStart = false;
    return text;
  };
  const keepOpen = (bytes: Buffer) => {
    openBytes += bytes.length;
    if (openBytes > maxLineBytes) open = [];
    // What stays beyond its chunk is copied, because the chunk's memory may be used again.
    else open.push(Buffer.from(bytes));
  };
  const endOpenLine = (): Buffer | UnreadableLine => {
    const line = openBytes > maxLineBytes ? unreadableLength(maxLineBytes) : block(Buffer.concat(open, openBytes));
    open = [];
    openBytes = 0;
    atStart = false;
    return line;
  };

  for await (const received of chunks) {
    let chunk = Buffer.from(received.buffer, received.byteOffset, received.byteLength);
    if (openBytes > 0) {
      const end = chunk.indexOf(NEWLINE);
      keepOpen(end === -1 ? chunk : chunk.subarray(0, end));
      if (end === -1) continue;
      yield endOpenLine();
      chunk = chunk.subarray(end + 1);
    }
    const lastNewline = chunk.lastIndexOf(NEWLINE);
    if (lastNewline !== -1) yield block(chunk.subarray(0, lastNewline));
    if (lastNewline + 1 < chunk.length) keepOpen(chunk.subarray(lastNewline + 1));
  }
  if (openBytes > 0) yield endOpenLine();
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
