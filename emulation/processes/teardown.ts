/** What has to be undone when a run ends, however it ends. */
export class Teardown {
  readonly #steps: (() => Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** Adds a step; steps run in the reverse order. */
  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  /** Undoes everything once; a second call waits for the first. A step that fails does not keep the others from running. */
  run(): Promise<void> {
    this.#running ??= this.#runSteps();
    return this.#running;
  }

  async #runSteps(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        process.stderr.write(`teardown: ${(error as Error).message}\n`);
      }
    }
  }
}
