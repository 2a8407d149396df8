import type { Teardown } from "./teardown.ts";

/** Exit codes as a shell gives them: 128 and the signal's number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const PARENT_POLL_MS = 500;

/** Whether a run was told to end before its time. */
export interface Interruption {
  readonly interrupted: boolean;
}

/**
 * Ends this process in order on Ctrl-C, SIGTERM and SIGHUP, and when the process that started it is gone: npm passes SIGTERM on
 * but dies of SIGHUP or SIGKILL alone. The parent is watched by its id, which every Unix system tells. (The script in
 * package.json says `exec`, so that the parent is npm and no shell in between that would outlive it.)
 *
 * @param teardown is run before the process exits.
 */
export function endOnInterruption(teardown: Teardown): Interruption {
  const state = { interrupted: false };
  const end = (why: string, exitCode: number) => {
    if (!state.interrupted) process.stderr.write(`\n${why}: ending everything that runs\n`);
    state.interrupted = true;
    void teardown.run().finally(() => process.exit(exitCode));
  };
  for (const [signal, exitCode] of Object.entries(EXIT_CODES)) process.on(signal, () => end(signal, exitCode));
  // With the terminal or the reader gone, writing fails; that must not keep the rest from being ended.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end("the process that started this run is gone", EXIT_CODES.SIGHUP);
  }, PARENT_POLL_MS);
  watch.unref();
  return state;
}
