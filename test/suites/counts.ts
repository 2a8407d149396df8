/** What a suite found. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of what failed, as far as the suite's report tells: a log that is read from its end should show them. */
  readonly failures?: readonly string[];
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

/** One thing that holds or not. */
export function one(succeeded: boolean): Counts {
  return succeeded ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
}

/** Failures that the suite's own report does not count (a crash, a missing report) count as one. */
export function atLeastOneFailure(succeeded: boolean, counts: Counts): Counts {
  return succeeded || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

/** Long enough for what was expected and what came instead, without a whole stack. */
const FAILURE_LENGTH = 1500;

/** A suite that ended: its name, counts and seconds. */
export interface Counted {
  readonly name: string;
  readonly counts: Counts;
  readonly seconds: number;
}

/** What failed, a line a suite, and one closing line that counts. */
export function closingReport(counted: readonly Counted[]): string {
  const failures = counted.flatMap(({ name, counts: { failures = [] } }) =>
    failures.map((failure) => `not ok: ${name}: ${failure.slice(0, FAILURE_LENGTH)}`),
  );
  const suites = counted.map(
    ({ name, counts: { passed, failed, skipped }, seconds }) =>
      `${name.padEnd(34)} ${passed} ok, ${failed} not ok, ${skipped} left out, ${seconds.toFixed(0)} s`,
  );
  const total = (key: "passed" | "failed" | "skipped") => counted.reduce((sum, { counts }) => sum + counts[key], 0);
  const closing = `${total("passed")} passed, ${total("failed")} failed, ${total("skipped")} skipped`;
  return `${[...failures, ...suites, closing].join("\n")}\n`;
}
