/** One thing that a run verified on a real artifact, or could not. */
export interface Check {
  readonly stage: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "not run";
  /** What was found: counts when it passed, the first offender when it failed; why, when it was not run. */
  readonly detail: string;
}

/** Collects a stage's checks. */
export class Checks {
  readonly results: Check[] = [];
  readonly #stage: string;

  constructor(stage: string) {
    this.#stage = stage;
  }

  /** Records that `name` holds, or does not. */
  expect(name: string, passed: boolean, detail: string): void {
    this.results.push({ stage: this.#stage, name, outcome: passed ? "passed" : "failed", detail });
  }

  /** Records that `offenders` is empty, naming the first few when it is not. */
  expectNone(name: string, offenders: readonly string[], detail: string): void {
    this.expect(
      name,
      offenders.length === 0,
      offenders.length === 0 ? detail : `${offenders.length} offend, first: ${offenders.slice(0, 3).join("; ")}`,
    );
  }

  /** Records that nothing can be said about `name`, because something that it presupposes did not come about. */
  notRun(name: string, because: string): void {
    this.results.push({ stage: this.#stage, name, outcome: "not run", detail: `because ${because}` });
  }
}

/** The checks that failed themselves. */
export function failed(checks: readonly Check[]): Check[] {
  return checks.filter(({ outcome }) => outcome === "failed");
}
