import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { heldBelow, procReader, psReader, sampleMemory } from "../../../emulation/processes/memory.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "memory-test-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const ABSENT = procReader("/no/such/proc");

async function withoutPrograms<T>(run: () => Promise<T>): Promise<T> {
  const { PATH } = process.env;
  process.env.PATH = directory;
  try {
    return await run();
  } finally {
    process.env.PATH = PATH;
  }
}

async function peakOf(readers: Parameters<typeof sampleMemory>[1]): Promise<number | undefined> {
  const sampler = sampleMemory(10, readers);
  await new Promise((resolve) => setTimeout(resolve, 500));
  sampler.stop();
  return sampler.peakGiB();
}

describe("the memory of a run", () => {
  it("is that of a process and what it started, at any depth, and nobody else's", () => {
    const processes = [
      { pid: 10, parent: 1, kib: 1 },
      { pid: 11, parent: 10, kib: 2 },
      { pid: 12, parent: 11, kib: 4 },
      { pid: 20, parent: 1, kib: 8 },
    ];
    expect(heldBelow(10, processes)).toBe(7);
  });

  it("is read from /proc, with names that look like fields", async () => {
    for (const [pid, parent] of [
      [7, 1],
      [8, 7],
    ]) {
      await mkdir(path.join(directory, String(pid)));
      await writeFile(path.join(directory, String(pid), "stat"), `${pid} (a) S 99) S ${parent} 0 0`);
      await writeFile(path.join(directory, String(pid), "smaps_rollup"), "Rss:  900 kB\nPss:  300 kB\n");
    }
    expect(await procReader(directory)()).toEqual([
      { pid: 7, parent: 1, kib: 300 },
      { pid: 8, parent: 7, kib: 300 },
    ]);
  });

  it("is read by ps where there is no /proc", async () => {
    expect(await psReader()).toContainEqual({ pid: process.pid, parent: process.ppid, kib: expect.any(Number) });
    expect(await peakOf([ABSENT, psReader])).toBeGreaterThan(0.01);
  });

  it("is unknown where there is neither", async () => {
    expect(await withoutPrograms(() => peakOf([ABSENT, psReader]))).toBeUndefined();
  });
});
