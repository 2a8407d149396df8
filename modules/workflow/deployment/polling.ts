import { callSdk, type State, type States } from "../states.ts";
import { ENDPOINT_NAME } from "./names.ts";

/** Looks at the endpoint before giving up: two hours at the default of 30 seconds. */
export const MAX_ENDPOINT_POLLS = 240;

const FAILED_STATUSES = ["Failed", "OutOfService", "UpdateRollbackFailed"];

/** Whether the endpoint has this status. */
export const hasStatus = (status: string) => ({ Variable: "$.endpoint.EndpointStatus", StringEquals: status });
/** Whether the endpoint has come to a status in which it serves nothing. */
export const HAS_FAILED = { Or: FAILED_STATUSES.map(hasStatus) };
/** Whether it was looked at as often as it may be. */
export const POLLS_SPENT = { Variable: "$.polls.count", NumericGreaterThanEquals: MAX_ENDPOINT_POLLS };

/** Looks at the endpoint. */
export function describeEndpoint(next: string): State {
  return callSdk("sagemaker:describeEndpoint", ENDPOINT_NAME, { path: "$.endpoint" }, next);
}

/** Waits and counts the look at the endpoint that comes after. */
export function waitAndCount(wait: string, count: string, seconds: number, look: string): States {
  return {
    [wait]: { Type: "Wait", Seconds: seconds, Next: count },
    [count]: {
      Type: "Pass",
      Parameters: { "count.$": "States.MathAdd($.polls.count, 1)" },
      ResultPath: "$.polls",
      Next: look,
    },
  };
}
