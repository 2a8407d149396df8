/** How a call is known. */
export type Evidence =
  /** It was made: its request was seen, or the execution's history has it. */
  | "recorded"
  /** What was made needs it on AWS, where a service makes it out of sight. */
  | "implied"
  /** The deployment is set up to make it; nothing set it off in this run. */
  | "configured";

/** A call of AWS as IAM judges it. */
export interface RoleCall {
  /** ARN of the role, or the name of the service (`events.amazonaws.com`) that calls by itself. */
  readonly principal: string;
  /** E.g. `s3:GetObject`. */
  readonly action: string;
  /** ARN; `*` for actions that have no resource. */
  readonly resource: string;
  /** Condition keys of the request. */
  readonly context: Readonly<Record<string, string>>;
  readonly evidence: Evidence;
  /** Why it is implied, or where it is configured; empty for a recorded one. */
  readonly because: string;
}

/** A call and how often it was made. */
export interface CountedCall extends RoleCall {
  readonly count: number;
}

/** A service that takes a role. */
export interface RoleSession {
  /** ARN. */
  readonly role: string;
  /** E.g. `lambda.amazonaws.com`. */
  readonly service: string;
  /** ARN of the resource on whose behalf. */
  readonly sourceArn: string;
}

/** What something asked of IAM, and the roles that services took because of it. */
export interface AccessTrace {
  readonly calls: readonly RoleCall[];
  readonly sessions: readonly RoleSession[];
}

/** The account and region in which the emulators are. */
export interface Account {
  readonly id: string;
  readonly region: string;
}

/** Counts equal calls. */
export class CallCounter {
  readonly #calls = new Map<string, CountedCall>();

  add(call: RoleCall): void {
    const key = JSON.stringify([
      call.principal,
      call.action,
      call.resource,
      Object.entries(call.context).sort(),
      call.evidence,
      call.because,
    ]);
    const count = (this.#calls.get(key)?.count ?? 0) + 1;
    this.#calls.set(key, { ...call, count });
  }

  get calls(): CountedCall[] {
    return [...this.#calls.values()];
  }
}
