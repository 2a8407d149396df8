import type { StateTiming } from "./execution.ts";

/** The pipeline's stages as people know them, by the states that belong to each. */
const STATES_BY_STAGE: Readonly<Record<string, readonly string[]>> = {
  "1 data extraction": ["ResolveParameters", "ExtractDocuments", "ValidateCorpus"],
  "2 query generation": ["PrepareQueries", "CreateQueryJob", "WaitForQueryJob", "CheckQueryJob"],
  "3 hard-negative mining": ["MineHardNegatives"],
  "4 teacher scoring": ["ScoreWithTeacher"],
  "5 training": ["TrainModel"],
  "6 evaluation and gate": ["EvaluateModel", "ReadGateDecision"],
  "7 deployment": ["CreateModel", "CreateEndpointConfig", "DescribeEndpoint", "CreateEndpoint", "UpdateEndpoint"],
  "8 registration": ["RegisterModel"],
};

const STAGE_BY_STATE = new Map(
  Object.entries(STATES_BY_STAGE).flatMap(([stage, states]) => states.map((state) => [state, stage] as const)),
);

/** The stage that a state begins or belongs to; undefined for the glue between stages. */
export function stageOf(state: string): string | undefined {
  return STAGE_BY_STATE.get(state);
}

/** Seconds spent in each stage, in the order of the stages' beginnings. Glue counts for the stage before it. */
export function secondsByStage(states: readonly StateTiming[]): Map<string, number> {
  const seconds = new Map<string, number>();
  let current: { stage: string; since: number } | undefined;
  const close = (until: number) => {
    if (current === undefined) return;
    seconds.set(current.stage, (seconds.get(current.stage) ?? 0) + (until - current.since) / 1000);
  };
  for (const { state, enteredAt } of states) {
    const stage = stageOf(state);
    if (stage === undefined || stage === current?.stage) continue;
    close(enteredAt);
    current = { stage, since: enteredAt };
  }
  close(Math.max(...states.map(({ enteredAt, exitedAt }) => exitedAt ?? enteredAt)));
  return seconds;
}
