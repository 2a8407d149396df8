import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

/** Memory of one process. */
export interface ProcessMemory {
  readonly pid: number;
  readonly parent: number;
  readonly kib: number;
}

/** Tells the memory of the processes of this machine. Rejects where the system has no such way. */
export type MemoryReader = () => Promise<readonly ProcessMemory[]>;

/** Samples the memory that this process and all its descendants hold together. */
export interface MemorySampler {
  /** The most that was held at one time, in GiB; undefined where no reader works. */
  peakGiB(): number | undefined;
  stop(): void;
}

/** Of Linux: shared pages are counted once (proportional set size). */
export function procReader(root = "/proc"): MemoryReader {
  return async () => {
    const processes: ProcessMemory[] = [];
    for (const entry of await readdir(root)) {
      if (!/^\d+$/.test(entry)) continue;
      const file = (name: string) => readFile(path.join(root, entry, name), "utf8").catch(() => "");
      const parent = /^.*\) \S (\d+)/s.exec(await file("stat"))?.[1];
      const kib = /^Pss:\s+(\d+)/m.exec(await file("smaps_rollup"))?.[1];
      if (parent !== undefined) processes.push({ pid: Number(entry), parent: Number(parent), kib: Number(kib ?? 0) });
    }
    if (!processes.some(({ kib }) => kib > 0)) throw new Error(`${root} tells no process's memory`);
    return processes;
  };
}

/** Of macOS, the BSDs and other Unix systems: shared pages are counted once a process (resident set size). */
export const psReader: MemoryReader = async () => {
  const { stdout } = await execa("ps", ["-A", "-o", "pid=", "-o", "ppid=", "-o", "rss="]);
  return stdout.split("\n").map((line) => {
    const [pid = 0, parent = 0, kib = 0] = line.trim().split(/\s+/).map(Number);
    return { pid, parent, kib };
  });
};

/**
 * Starts sampling.
 *
 * @param readers tried in this order at each sample; the first that works counts.
 */
export function sampleMemory(
  intervalMs = 2000,
  readers: readonly MemoryReader[] = [procReader(), psReader],
): MemorySampler {
  let peakKiB = 0;
  const timer = setInterval(() => {
    void firstOf(readers).then((processes) => {
      peakKiB = Math.max(peakKiB, heldBelow(process.pid, processes));
    });
  }, intervalMs);
  timer.unref();
  return {
    peakGiB: () => (peakKiB === 0 ? undefined : peakKiB / 1024 ** 2),
    stop: () => clearInterval(timer),
  };
}

async function firstOf(readers: readonly MemoryReader[]): Promise<readonly ProcessMemory[]> {
  for (const read of readers) {
    const processes = await read().catch(() => undefined);
    if (processes !== undefined) return processes;
  }
  return [];
}

/** What a process and its descendants hold together, in KiB. */
export function heldBelow(root: number, processes: readonly ProcessMemory[]): number {
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const isBelow = (pid: number) => {
    let ancestor: number | undefined = pid;
    const seen = new Set<number>();
    while (ancestor !== undefined && ancestor !== root && !seen.has(ancestor)) {
      seen.add(ancestor);
      ancestor = parents.get(ancestor);
    }
    return ancestor === root;
  };
  return processes.filter(({ pid }) => isBelow(pid)).reduce((total, { kib }) => total + kib, 0);
}
