import type { CountedCall, Evidence, RoleSession } from "../../emulation/recording/role-call.ts";
import type { DeployedAccess, DeployedPolicy, DeployedStatement } from "./deployed-access.ts";
import type { Justification } from "./justifications.ts";
import { type Decision, PolicyEngine, type StatementReference } from "./policy-engine.ts";

/** A call that the policies judge otherwise than they have to. */
export interface WrongDecision {
  /** The call, for people. */
  readonly call: string;
  /** What had to come out, and what came out. */
  readonly problem: string;
}

/** An action that a statement grants, and the calls that used it. */
export interface PermissionUse {
  readonly action: string;
  readonly calls: number;
  readonly evidence: readonly Evidence[];
  /** A resource that was called. */
  readonly example: string | undefined;
  /** Why it stays although no call used it. */
  readonly justification: string | undefined;
}

/** A statement of the deployment and what it is good for. */
export interface StatementReview extends StatementReference {
  /** As in the output `role_arns`; the ARN for what is no role. */
  readonly principal: string;
  readonly effect: "Allow" | "Deny";
  readonly permissions: readonly PermissionUse[];
  /** What goes wrong first when the statement is taken out; undefined when nothing does. */
  readonly withoutIt: string | undefined;
}

/** What became of holding all calls of a run against the policies. */
export interface AccessReview {
  readonly calls: number;
  readonly distinctCalls: number;
  /** Calls that are denied, and accesses that had to be and are not. */
  readonly wrong: readonly WrongDecision[];
  readonly probesOfDenial: number;
  readonly statements: readonly StatementReview[];
  /** Permissions that no call used and nobody justified. */
  readonly unused: readonly string[];
  /** Statements that nothing misses. */
  readonly unmissed: readonly string[];
  /** Justifications of permissions that are not there. */
  readonly stale: readonly string[];
}

export interface ReviewInput {
  readonly access: DeployedAccess;
  readonly accountId: string;
  readonly calls: readonly CountedCall[];
  readonly sessions: readonly RoleSession[];
  readonly justifications: readonly Justification[];
}

/** Somebody else's account. */
const FOREIGN_ACCOUNT = "111122223333";
/** Requests as no client of today makes them: what the buckets' and topics' own policies deny. */
const UNSAFE_TRANSPORTS: readonly { readonly what: string; readonly context: Readonly<Record<string, string>> }[] = [
  { what: "without TLS", context: { "aws:SecureTransport": "false" } },
  { what: "with TLS 1.1", context: { "s3:TlsVersion": "1.1" } },
];

/** One question to the policies, with the answer that is right. */
interface Probe {
  readonly description: string;
  readonly allowed: boolean;
  readonly judge: (engine: PolicyEngine) => Promise<Decision>;
  /** The call, where it is one of the run's. */
  readonly call: CountedCall | undefined;
}

/**
 * Holds the calls of a run against the policies of its deployment: every call must be allowed, what would be an abuse denied, every
 * permission used or justified, and every statement missed when it is taken out.
 *
 * @throws PolicyEngineError
 */
export async function reviewAccess(input: ReviewInput): Promise<AccessReview> {
  const { access, calls } = input;
  const engine = new PolicyEngine(access, input.accountId);
  const probes = [...callProbes(input), ...transportProbes(input), ...sessionProbes(input)];
  const judged: { probe: Probe; decision: Decision }[] = [];
  for (const probe of probes) judged.push({ probe, decision: await probe.judge(engine) });

  const statements: StatementReview[] = [];
  for (const policy of [...access.identityPolicies, ...access.trustPolicies, ...access.resourcePolicies]) {
    for (const statement of policy.document.Statement) {
      const reference = { owner: policy.owner, policy: policy.name, sid: statement.Sid };
      const touched = judged.filter(({ decision }) =>
        [...decision.allowedBy, ...decision.deniedBy].some((other) => isSame(other, reference)),
      );
      statements.push({
        ...reference,
        principal: access.principals.get(policy.owner) ?? policy.owner,
        effect: statement.Effect,
        permissions: permissionUses(input, policy, statement, touched),
        withoutIt: await firstMissing(
          engine.without(reference),
          touched.map(({ probe }) => probe),
        ),
      });
    }
  }
  return {
    calls: calls.reduce((sum, { count }) => sum + count, 0),
    distinctCalls: calls.length,
    wrong: judged.flatMap(({ probe, decision }) => wrongDecision(probe, decision) ?? []),
    probesOfDenial: probes.filter(({ allowed }) => !allowed).length,
    statements,
    unused: statements.flatMap((statement) =>
      statement.permissions
        .filter(({ calls: used, justification }) => used === 0 && justification === undefined)
        .map(({ action }) => `${nameOf(statement)} ${action}`),
    ),
    unmissed: statements
      .filter(({ withoutIt, permissions }) => withoutIt === undefined && !isJustified(permissions))
      .map(nameOf),
    stale: staleJustifications(input, statements),
  };
}

/** `principal: Sid`, as reports name a statement. */
export function nameOf({ principal, policy, sid }: Pick<StatementReview, "principal" | "policy" | "sid">): string {
  return policy === "permissions" || policy === "resource" ? `${principal}: ${sid}` : `${principal}: ${policy} ${sid}`;
}

function isSame(a: StatementReference, b: StatementReference): boolean {
  return a.owner === b.owner && a.policy === b.policy && a.sid === b.sid;
}

function isJustified(permissions: readonly PermissionUse[]): boolean {
  return permissions.length > 0 && permissions.every(({ justification }) => justification !== undefined);
}

function wrongDecision(probe: Probe, { allowed, deniedBy }: Decision): WrongDecision | undefined {
  if (allowed === probe.allowed) return undefined;
  const by = deniedBy.map(({ sid }) => sid).join(", ");
  const problem = allowed
    ? "is allowed and must not be"
    : by === ""
      ? "is denied: no statement allows it"
      : `is denied by ${by}`;
  return { call: probe.description, problem };
}

async function firstMissing(engine: PolicyEngine, probes: readonly Probe[]): Promise<string | undefined> {
  for (const probe of probes) {
    const wrong = wrongDecision(probe, await probe.judge(engine));
    if (wrong !== undefined) return `${wrong.call} ${wrong.problem}`;
  }
  return undefined;
}

function callProbes({ access, calls }: ReviewInput): Probe[] {
  return calls.map((call) => ({
    description: `${access.principals.get(call.principal) ?? call.principal} ${call.action} on ${call.resource}`,
    allowed: true,
    judge: (engine) => engine.judge(call),
    call,
  }));
}

/** For each resource with a policy of its own, and each action that the run used on it, one call the way it must be refused. */
function transportProbes({ access, calls }: ReviewInput): Probe[] {
  return access.resourcePolicies.flatMap(({ owner }) =>
    UNSAFE_TRANSPORTS.flatMap(({ what, context }) => {
      const key = Object.keys(context)[0] ?? "";
      const call = calls.find(
        ({ resource, context: own }) => (resource === owner || resource.startsWith(`${owner}/`)) && key in own,
      );
      if (call === undefined) return [];
      return {
        description: `${access.principals.get(call.principal) ?? call.principal} ${call.action} on ${call.resource} ${what}`,
        allowed: false,
        judge: (engine: PolicyEngine) => engine.judge({ ...call, context: { ...call.context, ...context } }),
        call: undefined,
      };
    }),
  );
}

/** Every role is taken by the service that was seen, and by nobody else. */
function sessionProbes({ access, accountId, sessions }: ReviewInput): Probe[] {
  const services = new Set(sessions.map(({ service }) => service));
  const seen = new Map(sessions.map(({ role, service }) => [role, service]));
  const probe = (session: RoleSession, what: string, allowed: boolean, sourceAccount: string = accountId): Probe => ({
    description: `${session.service} taking the role ${access.principals.get(session.role) ?? session.role} ${what}`,
    allowed,
    judge: (engine) => engine.judgeSession(session, sourceAccount),
    call: undefined,
  });
  return [
    ...sessions.map((session) => probe(session, `for ${session.sourceArn}`, true)),
    ...[...seen].flatMap(([role, service]) => {
      const session = sessions.find((candidate) => candidate.role === role);
      if (session === undefined) return [];
      const foreignArn = session.sourceArn.replace(`:${accountId}:`, `:${FOREIGN_ACCOUNT}:`);
      return [
        probe({ ...session, sourceArn: foreignArn }, "for another account's resource", false),
        probe(session, "on behalf of another account", false, FOREIGN_ACCOUNT),
        ...[...services]
          .filter((other) => other !== service)
          .map((other) => probe({ ...session, service: other }, "instead of its service", false)),
      ];
    }),
  ];
}

function permissionUses(
  { access, justifications, sessions }: ReviewInput,
  policy: DeployedPolicy,
  statement: DeployedStatement,
  touched: readonly { readonly probe: Probe; readonly decision: Decision }[],
): PermissionUse[] {
  // What a denial is good for is shown by what happens without it.
  if (statement.Effect === "Deny") return [];
  const principal = access.principals.get(policy.owner) ?? policy.owner;
  return statement.Action.map((action) => {
    const used = touched.flatMap(({ probe: { call } }) =>
      call !== undefined && call.action.toLowerCase() === action.toLowerCase() ? [call] : [],
    );
    const justification = justifications.find(
      (candidate) =>
        (candidate.principal === "*" || candidate.principal === principal) &&
        (candidate.sid === "*" || candidate.sid === statement.Sid) &&
        (candidate.actions === "*" || candidate.actions.includes(action)),
    );
    const taken = policy.name === "trust" ? sessions.filter(({ role }) => role === policy.owner) : [];
    const isUsed = used.length + taken.length > 0;
    return {
      action,
      calls: used.reduce((sum, { count }) => sum + count, taken.length),
      evidence: [...new Set([...used.map(({ evidence }) => evidence), ...taken.map(() => "recorded" as const)])],
      example: used[0]?.resource ?? taken[0]?.sourceArn,
      justification: isUsed ? undefined : justification?.because,
    };
  });
}

function staleJustifications({ justifications }: ReviewInput, statements: readonly StatementReview[]): string[] {
  return justifications.flatMap(({ principal, sid, actions }) =>
    (actions === "*" ? [] : actions)
      .filter(
        (action) =>
          !statements.some(
            (statement) =>
              (principal === "*" || statement.principal === principal) &&
              statement.sid === sid &&
              statement.permissions.some((permission) => permission.action === action),
          ),
      )
      .map((action) => `${principal}: ${sid} ${action}`),
  );
}
