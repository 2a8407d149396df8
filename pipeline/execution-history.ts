import { stageLabel, stageOfTask } from "./stages.ts";

/** What is read of an event of an execution's history, as Step Functions answers it. */
export interface HistoryEvent {
  readonly type?: string | undefined;
  readonly timestamp?: Date | undefined;
  readonly stateEnteredEventDetails?: { readonly name?: string | undefined } | undefined;
  readonly stateExitedEventDetails?: { readonly name?: string | undefined } | undefined;
}

/** When a state was entered and left, in ms since the epoch. A state that is visited again has an entry a visit. */
export interface StateTiming {
  readonly state: string;
  readonly enteredAt: number;
  readonly exitedAt: number | undefined;
}

/**
 * Seconds spent in each stage, in the order of the stages' beginnings. Glue counts for the stage before it.
 *
 * @param until when the last stage ended, in ms since the epoch. @default - when the last state was left
 * @param pauses times in which nothing ran, as of {@link redrivePauses}. @default - none
 */
export function secondsByStage(
  states: readonly StateTiming[],
  until?: number,
  pauses: readonly Pause[] = [],
): Map<string, number> {
  const seconds = new Map<string, number>();
  let current: { stage: string; since: number } | undefined;
  const close = (at: number) => {
    if (current === undefined) return;
    const { stage, since } = current;
    const paused = pauses.filter(({ from, to }) => from >= since && to <= at);
    const ms = at - since - paused.reduce((sum, { from, to }) => sum + to - from, 0);
    seconds.set(stage, (seconds.get(stage) ?? 0) + ms / 1000);
  };
  for (const { state, enteredAt } of states) {
    const id = stageOfTask(state);
    if (id === undefined) continue;
    const stage = stageLabel(id);
    if (stage === current?.stage) continue;
    close(enteredAt);
    current = { stage, since: enteredAt };
  }
  close(until ?? Math.max(...states.map(({ enteredAt, exitedAt }) => exitedAt ?? enteredAt)));
  return seconds;
}

/** A time between the failure of an execution and its redrive, in ms since the epoch. */
export interface Pause {
  readonly from: number;
  readonly to: number;
}

const UNHAPPY_ENDS = new Set(["ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"]);

/** The times in which an execution that was redriven had ended. */
export function redrivePauses(events: readonly HistoryEvent[]): Pause[] {
  const pauses: Pause[] = [];
  let from: number | undefined;
  for (const { type = "", timestamp } of events) {
    const at = timestamp?.getTime() ?? 0;
    if (UNHAPPY_ENDS.has(type)) from = at;
    if (type === "ExecutionRedriven" && from !== undefined) pauses.push({ from, to: at });
  }
  return pauses;
}

/** Pairs each state's entry with its exit. */
export function stateTimings(events: readonly HistoryEvent[]): StateTiming[] {
  const timings: { state: string; enteredAt: number; exitedAt: number | undefined }[] = [];
  for (const event of events) {
    const at = event.timestamp?.getTime() ?? 0;
    const entered = event.stateEnteredEventDetails?.name;
    if (entered !== undefined) timings.push({ state: entered, enteredAt: at, exitedAt: undefined });
    const exited = event.stateExitedEventDetails?.name;
    if (exited !== undefined) {
      const open = timings.find((timing) => timing.state === exited && timing.exitedAt === undefined);
      if (open !== undefined) open.exitedAt = at;
    }
  }
  return timings;
}
