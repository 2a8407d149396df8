type Step = () => Promise<void>;

/** What has to be undone when a run ends, however it ends. */
export class Teardown {
  readonly #steps: Step[] = [];
  #running: Promise<void> | undefined;

  /** Adds a step; steps run in the reverse order. One that is added after the end runs at once. */
  add(step: Step): void {
    if (this.#running === undefined) this.#steps.push(step);
    else this.#running = this.#running.then(() => runStep(step));
  }

  /** Undoes everything once; a second call waits for the first. A step that fails does not keep the others from running. */
  run(): Promise<void> {
    this.#running ??= this.#runSteps();
    return this.#running;
  }

  async #runSteps(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await runStep(step);
  }
}

async function runStep(step: Step): Promise<void> {
  try {
    await step();
  } catch (error) {
    process.stderr.write(`teardown: ${(error as Error).message}\n`);
  }
}
