import type { HistoryEvent } from "@aws-sdk/client-sfn";

/** The pipeline's stages as people know them, by the states that belong to each. */
const STATES_BY_STAGE: Readonly<Record<string, readonly string[]>> = {
  "1 data extraction": ["ResolveParameters", "ExtractDocuments", "ValidateCorpus"],
  "2 query generation": ["PrepareQueries", "CreateQueryJob", "WaitForQueryJob", "CheckQueryJob"],
  "3 hard-negative mining": ["MineHardNegatives"],
  "4 teacher scoring": ["ScoreWithTeacher"],
  "5 training": ["TrainModel"],
  "6 evaluation and gate": ["EvaluateModel", "ReadGateDecision"],
  "7 deployment": [
    "CreateModel",
    "CreateSparseModel",
    "CreateEndpointConfig",
    "DescribeEndpoint",
    "CreateEndpoint",
    "UpdateEndpoint",
  ],
  "8 registration": ["RegisterModel"],
};

const STAGE_BY_STATE = new Map(
  Object.entries(STATES_BY_STAGE).flatMap(([stage, states]) => states.map((state) => [state, stage] as const)),
);

/** When a state was entered and left, in ms since the epoch. A state that is visited again has an entry a visit. */
export interface StateTiming {
  readonly state: string;
  readonly enteredAt: number;
  readonly exitedAt: number | undefined;
}

/** The stage that a state begins or belongs to; undefined for the glue between stages. */
export function stageOf(state: string): string | undefined {
  return STAGE_BY_STATE.get(state);
}

/**
 * Seconds spent in each stage, in the order of the stages' beginnings. Glue counts for the stage before it.
 *
 * @param until when the last stage ended, in ms since the epoch. @default - when the last state was left
 */
export function secondsByStage(states: readonly StateTiming[], until?: number): Map<string, number> {
  const seconds = new Map<string, number>();
  let current: { stage: string; since: number } | undefined;
  const close = (at: number) => {
    if (current === undefined) return;
    seconds.set(current.stage, (seconds.get(current.stage) ?? 0) + (at - current.since) / 1000);
  };
  for (const { state, enteredAt } of states) {
    const stage = stageOf(state);
    if (stage === undefined || stage === current?.stage) continue;
    close(enteredAt);
    current = { stage, since: enteredAt };
  }
  close(until ?? Math.max(...states.map(({ enteredAt, exitedAt }) => exitedAt ?? enteredAt)));
  return seconds;
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
