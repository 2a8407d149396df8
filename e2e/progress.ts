/** How far something is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is counted, for people: `steps`. */
  readonly unit: string;
}

/** From when on an estimate is worth showing. */
const SHORTEST_OBSERVATION_MS = 5_000;

/** Tells from two looks at a progress how long the rest will take. */
export class TimeLeft {
  #first: { readonly done: number; readonly total: number; readonly at: number } | undefined;
  #last = 0;

  /**
   * @param now milliseconds of any clock that goes on.
   * @returns seconds; undefined until enough was seen.
   */
  after({ done, total }: Progress, now: number): number | undefined {
    if (this.#first === undefined || done < this.#last || total !== this.#first.total) {
      this.#first = { done, total, at: now };
    }
    this.#last = done;
    const { done: before, at } = this.#first;
    if (done === before || now - at < SHORTEST_OBSERVATION_MS) return undefined;
    return ((total - done) * (now - at)) / (done - before) / 1000;
  }
}

/** `34 of 80 steps, about 2 min left`. */
export function progressText({ done, total, unit }: Progress, secondsLeft: number | undefined): string {
  const text = `${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} ${unit}`;
  return secondsLeft === undefined || done >= total ? text : `${text}, about ${duration(secondsLeft)} left`;
}

/** Seconds for people: `45 s`, `3 min`. */
export function duration(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}
