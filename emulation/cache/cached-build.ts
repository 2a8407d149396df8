import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import lockfile from "proper-lockfile";

/** A lock whose holder has not renewed it for this long is taken to be left by a killed process. */
const STALE_LOCK_MS = 20_000;
const RETRY_MS = 500;

/** Tells the user on standard error what takes so long. */
export function reportProgress(message: string): void {
  process.stderr.write(`${message}\n`);
}

async function acquireLock(file: string, what: string): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await lockfile.lock(file, { realpath: false, stale: STALE_LOCK_MS });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      if (attempt === 0) reportProgress(`Another run is making ${what}; waiting for it ...`);
      await sleep(RETRY_MS);
    }
  }
}

/**
 * Runs `action` while no other process that asks for the same lock runs its own.
 *
 * @param file absolute path that stands for what is locked; need not exist, its folder must.
 * @param what for the message to a user who has to wait, as in "Another run is making OpenSearch 2.19.1".
 * @param action must not block the event loop for seconds, since the lock is renewed by a timer.
 */
export async function withLock<T>(file: string, what: string, action: () => Promise<T>): Promise<T> {
  const release = await acquireLock(file, what);
  try {
    return await action();
  } finally {
    await release();
  }
}

/**
 * Fills a folder of the cache once: later calls, also those of other processes, find it finished and return at once.
 * What a failed or killed run left behind is removed first. The folder is built in its final place, since a Python
 * environment cannot be moved; a marker file in it says that it is complete.
 *
 * @param directory absolute path of the folder; its parent must exist.
 * @param what for messages, e.g. `OpenSearch 2.19.1`.
 * @param build is given the path of the empty folder; must not block the event loop for seconds (see `withLock`).
 * @throws whatever `build` throws; the folder then counts as not built.
 */
export async function buildOnce(
  directory: string,
  what: string,
  build: (directory: string) => Promise<void>,
): Promise<void> {
  const marker = path.join(directory, ".complete");
  if (existsSync(marker)) return;
  await withLock(directory, what, async () => {
    if (existsSync(marker)) return;
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    const started = Date.now();
    reportProgress(`Making ${what} ...`);
    await build(directory);
    await writeFile(marker, "");
    reportProgress(`Made ${what} in ${Math.round((Date.now() - started) / 1000)} s.`);
  });
}
