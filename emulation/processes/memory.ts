import { readdir, readFile } from "node:fs/promises";

/** Samples the memory that this process and all its descendants hold together. */
export interface MemorySampler {
  /** The most that was held at one time, in GiB; undefined where there is no /proc. */
  peakGiB(): number | undefined;
  stop(): void;
}

/** Starts sampling each `intervalMs`. Shared pages are counted once (proportional set size). */
export function sampleMemory(intervalMs = 2000): MemorySampler {
  let peakKiB = 0;
  const timer = setInterval(() => {
    descendantsKiB(process.pid).then(
      (held) => {
        peakKiB = Math.max(peakKiB, held);
      },
      () => undefined,
    );
  }, intervalMs);
  timer.unref();
  return {
    peakGiB: () => (peakKiB === 0 ? undefined : peakKiB / 1024 ** 2),
    stop: () => clearInterval(timer),
  };
}

async function descendantsKiB(root: number): Promise<number> {
  const parents = new Map<number, number>();
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    const parent = /\) \S (\d+)/.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  let total = 0;
  for (const pid of parents.keys()) {
    let ancestor: number | undefined = pid;
    while (ancestor !== undefined && ancestor !== root) ancestor = parents.get(ancestor);
    if (ancestor !== root) continue;
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
    total += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return total;
}
