/** Lets a fixed number of holders in at once; the others wait in order. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns false, without a slot, when `giveUp` is aborted before one is free */
  async acquire(giveUp: AbortSignal): Promise<boolean> {
    if (giveUp.aborted) return false;
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      const enter = () => resolve(true);
      this.#waiting.add(enter);
      giveUp.addEventListener("abort", () => {
        if (this.#waiting.delete(enter)) resolve(false);
      });
    });
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
