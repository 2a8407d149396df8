import { fileURLToPath } from "node:url";
import { execa } from "execa";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** Where a suite's output goes: a suite in the foreground shows it at once, one in the background when it ended. */
export interface Output {
  /** Whether what a command writes is shown while it runs. */
  readonly live: boolean;
  write(text: string): void;
}

/** Long enough to remove containers and network. */
const TEARDOWN_LIMIT_MS = 60_000;

/**
 * Runs a command of this repository, or of its packages, in the repository's folder.
 *
 * @param limitMs after which it is ended. @default - none
 * @returns whether it exited with 0.
 */
export async function run(
  output: Output,
  command: string,
  args: readonly string[],
  limitMs?: number,
): Promise<boolean> {
  output.write(`\n$ ${command} ${args.join(" ")}\n`);
  const { exitCode, timedOut, all } = await execa(command, args, {
    cwd: REPOSITORY,
    stdin: "ignore",
    ...(output.live ? { stdout: "inherit", stderr: "inherit" } : { all: true }),
    reject: false,
    preferLocal: true,
    ...(limitMs === undefined ? {} : { timeout: limitMs, forceKillAfterDelay: TEARDOWN_LIMIT_MS }),
  });
  if (all) output.write(`${all}\n`);
  if (timedOut) output.write(`ended after its limit of ${(limitMs ?? 0) / 1000} s\n`);
  return exitCode === 0;
}

/** The arguments of `tsx` that run a module of the Python environment of the training scripts. */
export function pythonModule(module: string, ...args: readonly string[]): string[] {
  return ["emulation/python/run.ts", "training", "-m", module, ...args];
}
