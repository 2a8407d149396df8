import ora, { type Ora } from "ora";
import { type Progress, progressText, TimeLeft } from "../progress.ts";

/** In a log, a long stage says how far it is so often. */
const LOG_INTERVAL_MS = 15_000;

/** Where a run says what it does. */
export interface DisplayStreams {
  readonly out: NodeJS.WritableStream;
  /** The line that changes is shown here where this is a terminal; nobody's pipe reads it. */
  readonly terminal: NodeJS.WriteStream;
}

/** Says what a run does, line by line, and how far it is: on one changing line in a terminal, as lines now and then in a log. */
export class RunDisplay {
  readonly #streams: DisplayStreams;
  readonly #startedAt: number;
  readonly #now: () => number;
  #spinner: Ora | undefined;
  #activity = "";
  #timeLeft = new TimeLeft();
  #shownAt = Number.NEGATIVE_INFINITY;
  #shown = "";

  /** @param now milliseconds of a clock that goes on. */
  constructor(
    streams: DisplayStreams = { out: process.stdout, terminal: process.stderr },
    now: () => number = () => performance.now(),
  ) {
    this.#streams = streams;
    this.#now = now;
    this.#startedAt = now();
  }

  /** A line that stays, with the seconds since the beginning. */
  readonly say = (line: string): void => {
    const seconds = ((this.#now() - this.#startedAt) / 1000).toFixed(0).padStart(4);
    this.#streams.out.write(`[${seconds} s] ${line}\n`);
  };

  /** A line that stays, and what the progress that follows is of. */
  readonly begin = (activity: string): void => {
    this.say(activity);
    this.#activity = activity.trim();
    this.#timeLeft = new TimeLeft();
    // The line above tells the beginning; the first progress may wait.
    this.#shownAt = this.#now();
    this.#show(this.#activity);
  };

  /** How far the activity is that was begun last. */
  readonly progress = (progress: Progress): void => {
    const secondsLeft = this.#timeLeft.after(progress, this.#now());
    this.#show(`${this.#activity}: ${progressText(progress, secondsLeft)}`);
  };

  /** Nothing is under way any more. */
  readonly end = (): void => {
    this.#spinner?.stop();
    this.#spinner = undefined;
  };

  #show(text: string): void {
    const { terminal } = this.#streams;
    // A terminal that does not know its width has 0 columns; ora then never ends clearing its line.
    if (terminal.isTTY && terminal.columns > 0) {
      this.#spinner ??= ora({ stream: terminal, discardStdin: false }).start();
      this.#spinner.text = text;
      return;
    }
    if (text === this.#shown || text === this.#activity || this.#now() - this.#shownAt < LOG_INTERVAL_MS) return;
    this.#shown = text;
    this.#shownAt = this.#now();
    this.say(`    ${text}`);
  }
}
