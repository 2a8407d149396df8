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
const BYTE_ORDER_MARK = "\uFEFF";

function decodeLine(bytes: Buffer, maxLineBytes: number): string | UnreadableLine {
  if (bytes.length > maxLineBytes) return new UnreadableLine(`longer than ${maxLineBytes} bytes`);
  if (!isUtf8(bytes)) return new UnreadableLine("not valid UTF-8");
  const line = bytes.toString("utf8");
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function withoutByteOrderMark(line: string | UnreadableLine): string | UnreadableLine {
  return typeof line === "string" && line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line;
}

/**
 * Cuts a stream of bytes into lines, in memory bounded by `maxLineBytes`: the bytes of a longer line are dropped as they come in.
 * LF and CRLF end a line, and nothing else does. The last line may lack its end. A byte order mark at the start is no part of the
 * text. Lines come in blocks, because a promise for every line costs more than parsing it.
 */
export async function* readLineBlocks(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<LineBlock> {
  /** The pieces of a line whose end has not come yet. */
  let pieces: Buffer[] = [];
  let openBytes = 0;
  let firstLine = 1;

  const keepOpen = (bytes: Buffer) => {
    openBytes += bytes.length;
    if (openBytes > maxLineBytes) pieces = [];
    // The piece outlives its chunk, whose memory may be used again.
    else pieces.push(Buffer.from(bytes));
  };
  const endOpenLine = (): string | UnreadableLine => {
    const line =
      openBytes > maxLineBytes
        ? new UnreadableLine(`longer than ${maxLineBytes} bytes`)
        : decodeLine(Buffer.concat(pieces, openBytes), maxLineBytes);
    pieces = [];
    openBytes = 0;
    return line;
  };
  const blockOf = (lines: (string | UnreadableLine)[]): LineBlock => {
    const [first = ""] = lines;
    const block = { firstLine, lines: firstLine === 1 ? [withoutByteOrderMark(first), ...lines.slice(1)] : lines };
    firstLine += lines.length;
    return block;
  };

  for await (const received of chunks) {
    const chunk = Buffer.from(received.buffer, received.byteOffset, received.byteLength);
    const lines: (string | UnreadableLine)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (openBytes > 0) {
        keepOpen(chunk.subarray(start, end));
        lines.push(endOpenLine());
      } else lines.push(decodeLine(chunk.subarray(start, end), maxLineBytes));
      start = end + 1;
    }
    if (start < chunk.length) keepOpen(chunk.subarray(start));
    if (lines.length > 0) yield blockOf(lines);
  }
  if (openBytes > 0) yield blockOf([endOpenLine()]);
}
