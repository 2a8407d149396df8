import { type RequestAnalysis, runSimulation } from "@cloud-copilot/iam-simulate";
import type { RoleCall, RoleSession } from "../../emulation/recording/role-call.ts";
import type { DeployedAccess, DeployedPolicy, PolicyDocument } from "./deployed-access.ts";

/** The engine cannot judge a call: an action, resource or condition key that AWS does not have, or a policy that is not valid. */
export class PolicyEngineError extends Error {
  override readonly name = "PolicyEngineError";
}

/** Names one statement of a deployment. */
export interface StatementReference {
  /** As of {@link DeployedPolicy}. */
  readonly owner: string;
  readonly policy: string;
  readonly sid: string;
}

/** What IAM says of a call. */
export interface Decision {
  readonly allowed: boolean;
  /** The statements that allow it; each alone would do unless the call needs one of a role and one of a resource. */
  readonly allowedBy: readonly StatementReference[];
  /** The statements that deny it, whatever allows it. */
  readonly deniedBy: readonly StatementReference[];
}

/** Judges calls by the policies of one deployment, as AWS does: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html */
export class PolicyEngine {
  readonly #access: DeployedAccess;
  readonly #accountId: string;

  constructor(access: DeployedAccess, accountId: string) {
    this.#access = access;
    this.#accountId = accountId;
  }

  /** The same deployment without a statement. */
  without(omitted: StatementReference): PolicyEngine {
    const omit = (policies: readonly DeployedPolicy[]): DeployedPolicy[] =>
      policies.map((policy) =>
        policy.owner === omitted.owner && policy.name === omitted.policy
          ? {
              ...policy,
              document: {
                ...policy.document,
                Statement: policy.document.Statement.filter(({ Sid }) => Sid !== omitted.sid),
              },
            }
          : policy,
      );
    const access = {
      ...this.#access,
      identityPolicies: omit(this.#access.identityPolicies),
      trustPolicies: omit(this.#access.trustPolicies),
      resourcePolicies: omit(this.#access.resourcePolicies),
    };
    return new PolicyEngine(access, this.#accountId);
  }

  /** @throws PolicyEngineError */
  async judge({ principal, action, resource, context }: Omit<RoleCall, "evidence" | "because">): Promise<Decision> {
    const resourcePolicy = this.#access.resourcePolicies.find(
      ({ owner }) => resource === owner || resource.startsWith(`${owner}/`),
    );
    return this.#simulate({
      principal,
      action,
      resource,
      context,
      identityPolicies: this.#access.identityPolicies.filter(({ owner }) => owner === principal),
      resourcePolicy,
    });
  }

  /**
   * Whether a service, or an account in its place, may take a role.
   *
   * @param sourceAccount account on whose behalf the service acts.
   * @throws PolicyEngineError
   */
  async judgeSession({ role, service, sourceArn }: RoleSession, sourceAccount = this.#accountId): Promise<Decision> {
    return this.#simulate({
      principal: service,
      action: "sts:AssumeRole",
      resource: role,
      context: { "aws:SourceAccount": sourceAccount, "aws:SourceArn": sourceArn },
      identityPolicies: [],
      resourcePolicy: this.#access.trustPolicies.find(({ owner }) => owner === role),
    });
  }

  async #simulate(request: {
    readonly principal: string;
    readonly action: string;
    readonly resource: string;
    readonly context: Readonly<Record<string, string>>;
    readonly identityPolicies: readonly DeployedPolicy[];
    readonly resourcePolicy: DeployedPolicy | undefined;
  }): Promise<Decision> {
    const { principal, action, resource, context, identityPolicies, resourcePolicy } = request;
    const document = resourcePolicy === undefined ? undefined : nonEmpty(resourcePolicy.document);
    const simulated = await runSimulation(
      {
        request: {
          principal,
          action,
          resource: { resource, accountId: this.#accountId },
          contextVariables: { ...context },
        },
        identityPolicies: identityPolicies.flatMap(({ name, document: policy }) =>
          nonEmpty(policy) === undefined ? [] : [{ name, policy }],
        ),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
        ...(document === undefined ? {} : { resourcePolicy: document }),
      },
      { simulationMode: "Strict" },
    );
    if (simulated.resultType === "error") {
      throw new PolicyEngineError(`${action} on ${resource} cannot be judged: ${JSON.stringify(simulated.errors)}`);
    }
    const results = simulated.resultType === "single" ? [simulated.result] : simulated.results;
    const ignored = results.flatMap(({ ignoredContextKeys = [] }) => ignoredContextKeys);
    if (ignored.length > 0) {
      throw new PolicyEngineError(`${action} on ${resource} has no condition key ${ignored.join(", ")}`);
    }
    const statements = (kind: "allowStatements" | "denyStatements") =>
      unique(
        results.flatMap(({ analysis }) => [
          ...matching(analysis, "identityAnalysis", kind).map(({ policy, sid }) => ({ owner: principal, policy, sid })),
          ...matching(analysis, "resourceAnalysis", kind).map(({ sid }) => ({
            owner: resourcePolicy?.owner ?? resource,
            policy: resourcePolicy?.name ?? "",
            sid,
          })),
        ]),
      );
    return {
      allowed: simulated.overallResult === "Allowed",
      allowedBy: statements("allowStatements"),
      deniedBy: statements("denyStatements"),
    };
  }
}

/** IAM knows no policy without statements. */
function nonEmpty(document: PolicyDocument): PolicyDocument | undefined {
  return document.Statement.length === 0 ? undefined : document;
}

function matching(
  analysis: RequestAnalysis,
  side: "identityAnalysis" | "resourceAnalysis",
  kind: "allowStatements" | "denyStatements",
): { policy: string; sid: string }[] {
  return (analysis[side]?.[kind] ?? []).map(({ policyId, statement }) => ({
    policy: policyId,
    sid: statement.sid() ?? String(statement.index()),
  }));
}

function unique(references: readonly StatementReference[]): StatementReference[] {
  return [...new Map(references.map((reference) => [JSON.stringify(Object.values(reference)), reference])).values()];
}
