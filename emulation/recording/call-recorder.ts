import { type ObservedRequest, type RequestSetting, requestCalls, roleOf } from "./request-calls.ts";
import { type AccessTrace, CallCounter, type CountedCall, type RoleSession } from "./role-call.ts";

/** Keeps what roles ask of AWS while the pipeline runs. Everyone else's requests pass by. */
export class CallRecorder {
  readonly setting: RequestSetting;
  readonly #counter = new CallCounter();
  readonly #sessions = new Map<string, RoleSession>();
  readonly #unknown = new Set<string>();

  constructor(setting: RequestSetting) {
    this.setting = setting;
  }

  /** Takes a request in; one that is not understood is kept among the unknown. */
  readonly observe = (request: ObservedRequest): void => {
    const role = roleOf(request);
    if (role === undefined) return;
    this.take(role, () => requestCalls(request, role, this.setting));
  };

  /** Takes in what `trace` gives; where that fails, its message is kept among the unknown. */
  take(principal: string, trace: () => AccessTrace): void {
    try {
      const { calls, sessions } = trace();
      for (const call of calls) this.#counter.add(call);
      for (const session of sessions) this.#sessions.set(JSON.stringify(Object.values(session)), session);
    } catch (error) {
      this.#unknown.add(`${principal}: ${(error as Error).message}`);
    }
  }

  get calls(): CountedCall[] {
    return this.#counter.calls;
  }

  get sessions(): RoleSession[] {
    return [...this.#sessions.values()];
  }

  /** What roles did and this does not understand. */
  get unknown(): string[] {
    return [...this.#unknown];
  }
}
