import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A child process that ended, or did not get ready, although the harness needs it. */
export class ProcessFailedError extends Error {
  override readonly name = "ProcessFailedError";
}

export interface ProcessOptions {
  /** What the process is called in messages. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  /** The whole environment of the child; nothing is inherited. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Standard output and standard error are appended here. */
  readonly logFile: string;
  /** Run as this user, for programs that refuse to run as root. @default - the user of this process */
  readonly uid?: number;
  readonly gid?: number;
}

/** A running child process, alone in its process group so that it can be ended with all that it started. */
export interface StartedProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves with the exit code (null when a signal ended it). */
  readonly exited: Promise<number | null>;
  readonly running: boolean;
  /** Ends the whole process group: SIGTERM, then SIGKILL after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

const running = new Set<number>();

/**
 * Sends a signal to a process group, if there is anybody left in it.
 *
 * @param kill @default - the system's
 */
export function signalGroup(
  pid: number,
  signal: NodeJS.Signals,
  kill: (pid: number, signal: NodeJS.Signals) => unknown = process.kill,
): void {
  try {
    kill(-pid, signal);
  } catch (error) {
    // Of a group in which all have ended and were not waited for, macOS and the BSDs say EPERM.
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ESRCH", "EPERM"].includes(code)) throw error;
  }
}

process.on("exit", () => {
  for (const pid of running) signalGroup(pid, "SIGKILL");
});

/** Starts a process in a group of its own; the group is killed at the latest when this process exits. */
export function startProcess(options: ProcessOptions): StartedProcess {
  const log = openSync(options.logFile, "a");
  const child: ChildProcess = spawn(options.command, [...(options.args ?? [])], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", log, log],
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  closeSync(log);
  // A command that cannot be started is reported below; without a listener its event would end this process.
  child.once("error", () => undefined);
  const { pid } = child;
  if (pid === undefined) {
    throw new ProcessFailedError(`${options.name} could not be started: is ${options.command} installed?`);
  }
  running.add(pid);
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      ended = true;
      // What the process started may outlive it.
      signalGroup(pid, "SIGKILL");
      running.delete(pid);
      resolve(code);
    });
  });
  return {
    name: options.name,
    pid,
    logFile: options.logFile,
    exited,
    get running() {
      return !ended;
    },
    async stop(graceMs = 10_000) {
      if (ended) return;
      signalGroup(pid, "SIGTERM");
      await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
      if (!ended) signalGroup(pid, "SIGKILL");
      await exited;
    },
  };
}

/** The last lines of a log, for error messages. */
export function logTail(logFile: string, lines = 20): string {
  if (!existsSync(logFile)) return "";
  return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
}

/**
 * Polls `probe` until it gives true.
 *
 * @throws ProcessFailedError with the end of the log when the process ends first or `timeoutMs` passes.
 */
export async function waitUntilReady(
  started: StartedProcess,
  probe: () => Promise<boolean>,
  timeoutMs: number,
  intervalMs = 200,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (!started.running) {
      throw new ProcessFailedError(
        `${started.name} ended with code ${await started.exited} before it was ready.\n${logTail(started.logFile)}`,
      );
    }
    if (await probe().catch(() => false)) return;
    await sleep(intervalMs);
  }
  throw new ProcessFailedError(
    `${started.name} was not ready after ${timeoutMs / 1000} s (log: ${started.logFile}).\n${logTail(started.logFile)}`,
  );
}
