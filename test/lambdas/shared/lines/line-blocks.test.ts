import { describe, expect, it } from "vitest";
import { readLineBlocks, UnreadableLine } from "../../../../lambdas/shared/lines/line-blocks.ts";

async function lines(chunks: readonly (string | Uint8Array)[], maxLineBytes = 1000) {
  async function* source() {
    for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  }
  const found: [number, string][] = [];
  for await (const block of readLineBlocks(source(), maxLineBytes)) {
    for (const [index, line] of block.lines.entries()) {
      found.push([block.firstLine + index, line instanceof UnreadableLine ? `<${line.reason}>` : line]);
    }
  }
  return found;
}

/** The text in chunks of every size, so that every boundary falls inside every line end and character once. */
async function linesAtEveryChunkSize(text: string | Uint8Array, maxLineBytes = 1000) {
  const bytes = Buffer.from(text as Uint8Array);
  const results = new Set<string>();
  for (let size = 1; size <= bytes.length; size += 1) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    results.add(JSON.stringify(await lines(chunks, maxLineBytes)));
  }
  expect(results.size).toBe(1);
  return JSON.parse([...results][0] ?? "");
}

describe("readLineBlocks", () => {
  it("cuts at LF and CRLF and takes a last line without newline", async () => {
    expect(await linesAtEveryChunkSize("one\ntwo\r\n\nfour — ü 😀\r\nlast")).toEqual([
      [1, "one"],
      [2, "two"],
      [3, ""],
      [4, "four — ü 😀"],
      [5, "last"],
    ]);
  });

  it("gives no line after the last newline, and none for nothing", async () => {
    expect(await lines(["one\n"])).toEqual([[1, "one"]]);
    expect(await lines([])).toEqual([]);
  });

  it("drops a byte order mark at the start only", async () => {
    expect(await linesAtEveryChunkSize("\uFEFFone\n\uFEFFtwo")).toEqual([
      [1, "one"],
      [2, "\uFEFFtwo"],
    ]);
  });

  it("marks the lines that are not UTF-8 and keeps the others", async () => {
    const bytes = Buffer.concat([Buffer.from("one\n"), Buffer.from([0x66, 0xff, 0x0a]), Buffer.from("dré\n")]);
    expect(await linesAtEveryChunkSize(bytes)).toEqual([
      [1, "one"],
      [2, "<not valid UTF-8>"],
      [3, "dré"],
    ]);
  });

  it("marks lines that are too long, wherever they are, and counts on", async () => {
    const long = "x".repeat(11);
    expect(await linesAtEveryChunkSize(`a\n${long}\nb\n${"y".repeat(10)}\n${long}`, 10)).toEqual([
      [1, "a"],
      [2, "<longer than 10 bytes>"],
      [3, "b"],
      [4, "y".repeat(10)],
      [5, "<longer than 10 bytes>"],
    ]);
  });

  it("does not hold a line that is too long", async () => {
    const chunk = Buffer.alloc(1024 * 1024, "x");
    async function* source() {
      for (let sent = 0; sent < 300; sent += 1) yield Buffer.from(chunk);
      yield Buffer.from("\nlast");
    }
    let peak = 0;
    const found: (string | UnreadableLine)[] = [];
    for await (const block of readLineBlocks(
      (async function* () {
        for await (const piece of source()) {
          peak = Math.max(peak, process.memoryUsage().arrayBuffers);
          yield piece;
        }
      })(),
      2 * 1024 * 1024,
    )) {
      found.push(...block.lines);
    }
    expect(found).toEqual([new UnreadableLine("longer than 2097152 bytes"), "last"]);
    expect(peak).toBeLessThan(200 * 1024 * 1024);
  });
});
