import { readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ContainersUnavailableError } from "../../emulation/containers/engine.ts";
import { findImages } from "../../emulation/images/available.ts";
import { type Output, REPOSITORY, run } from "./commands.ts";
import { atLeastOneFailure, type Counts, NOTHING } from "./counts.ts";
import { readJson } from "./report-files.ts";

const Check = z.object({ name: z.string(), outcome: z.enum(["passed", "failed", "not run"]), detail: z.string() });
const Results = z.object({
  checks: z.array(Check),
  executions: z.array(z.object({ checks: z.array(Check) })),
});

/** Named after the time of the run; reports on parts of it have more in their names. */
const RESULT_FILE = /Z\.json$/;

async function resultFiles(): Promise<string[]> {
  const directory = path.join(REPOSITORY, "e2e-results");
  const files = await readdir(directory).catch(() => []);
  return files.filter((file) => RESULT_FILE.test(file)).map((file) => path.join(directory, file));
}

/** Runs the pipeline in the local run and counts its checks. One at a time: the results are known by being new. */
export async function endToEnd(output: Output, options: readonly string[], limitMs?: number): Promise<Counts> {
  const before = new Set(await resultFiles());
  const succeeded = await run(output, "tsx", ["e2e/main.ts", ...options], limitMs);
  const [file] = (await resultFiles()).filter((candidate) => !before.has(candidate));
  const results = Results.safeParse(file === undefined ? undefined : await readJson(file));
  if (!results.success) return atLeastOneFailure(false, NOTHING);
  const checks = [...results.data.checks, ...results.data.executions.flatMap((execution) => execution.checks)];
  const withOutcome = (wanted: string) => checks.filter(({ outcome }) => outcome === wanted);
  const failures = withOutcome("failed").map(({ name, detail }) => `${name}: ${detail}`);
  return atLeastOneFailure(succeeded, {
    passed: withOutcome("passed").length,
    failed: failures.length,
    skipped: withOutcome("not run").length,
    failures,
  });
}

/** Pulling an image may hang for as long as the network does. */
const FIND_IMAGES_LIMIT_MS = 300_000;

/** @throws ContainersUnavailableError when the images cannot be had, or not in time. */
async function requireImages(): Promise<void> {
  const limit = async () => {
    await sleep(FIND_IMAGES_LIMIT_MS, undefined, { ref: false });
    throw new ContainersUnavailableError(`the images could not be had within ${FIND_IMAGES_LIMIT_MS / 1000} s`);
  };
  await Promise.race([findImages(), limit()]);
}

/**
 * The same in containers. Where no engine or image is to be had, the run counts as left out, with the reason.
 *
 * @param limitMs after which it is ended.
 */
export async function endToEndInContainers(
  output: Output,
  options: readonly string[],
  limitMs: number,
): Promise<Counts> {
  try {
    await requireImages();
  } catch (error) {
    if (!(error instanceof ContainersUnavailableError)) throw error;
    output.write(`\nthe end-to-end run in containers is left out, because ${error.message}\n`);
    return { ...NOTHING, skipped: 1 };
  }
  return endToEnd(output, ["--runtime", "containers", ...options], limitMs);
}
