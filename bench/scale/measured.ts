import type { Report } from "./measurement.ts";

function cpuSeconds(): number {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return (userCPUTime + systemCPUTime) / 1e6;
}

/** Does the work of a measured process: times it, and prints the {@link Report}. */
export async function measured(work: () => Promise<{ items: number; unit: string }>): Promise<void> {
  const started = process.hrtime.bigint();
  const cpuBefore = cpuSeconds();
  const done = await work();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const report: Report = {
    seconds,
    ...done,
    cpu_seconds: cpuSeconds() - cpuBefore,
    peak_mib: process.resourceUsage().maxRSS / 1024,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
