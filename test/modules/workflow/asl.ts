import { z } from "zod";

const Retrier = z.looseObject({
  ErrorEquals: z.array(z.string()),
  MaxAttempts: z.number(),
  MaxDelaySeconds: z.number(),
  JitterStrategy: z.string(),
});
const Catcher = z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() });

/** A state, as far as the tests look at it. */
const AslState = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Parameters: z.unknown().optional(),
  ResultSelector: z.unknown().optional(),
  Retry: z.array(Retrier).optional(),
  Catch: z.array(Catcher).optional(),
  TimeoutSeconds: z.number().optional(),
  TimeoutSecondsPath: z.string().optional(),
  Default: z.string().optional(),
  Next: z.string().optional(),
});
export type AslState = z.infer<typeof AslState>;

const Machine = z.looseObject({ States: z.record(z.string(), AslState) });
const WithProcessor = z.looseObject({ ItemProcessor: Machine });

/** The states of the machine itself. */
export function topStates(definition: unknown): [string, AslState][] {
  return Object.entries(Machine.parse(definition).States);
}

/** The states of the machine and of its Maps. */
export function allStates(definition: unknown): [string, AslState][] {
  return topStates(definition).flatMap(([name, state]) => {
    const inner = WithProcessor.safeParse(state);
    return [[name, state] as [string, AslState], ...(inner.success ? allStates(inner.data.ItemProcessor) : [])];
  });
}
