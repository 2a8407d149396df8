/** One thing the harness verified on a real artifact. */
export interface Check {
  readonly stage: string;
  readonly name: string;
  readonly passed: boolean;
  /** What was found: counts when it passed, the first offender when it did not. */
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
    this.results.push({ stage: this.#stage, name, passed, detail });
  }

  /** Records that `offenders` is empty, naming the first few when it is not. */
  expectNone(name: string, offenders: readonly string[], detail: string): void {
    this.expect(
      name,
      offenders.length === 0,
      offenders.length === 0 ? detail : `${offenders.length} offend, first: ${offenders.slice(0, 3).join("; ")}`,
    );
  }
}
