import { describe, expect, it } from "vitest";
import { type ReviewInput, reviewAccess } from "../../../e2e/access/access-review.ts";
import type { DeployedAccess } from "../../../e2e/access/deployed-access.ts";
import { PolicyEngineError } from "../../../e2e/access/policy-engine.ts";
import type { CountedCall } from "../../../emulation/recording/role-call.ts";

const ACCOUNT = "000000000000";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/job`;
const BUCKET = "arn:aws:s3:::data";
const JOB = `arn:aws:sagemaker:us-east-1:${ACCOUNT}:training-job/products-1`;
const SESSION = { role: ROLE, service: "sagemaker.amazonaws.com", sourceArn: JOB };

const READ = { Sid: "Read", Effect: "Allow" as const, Action: ["s3:GetObject"], Resource: [`${BUCKET}/runs/*`] };
const LIST = {
  Sid: "List",
  Effect: "Allow" as const,
  Action: ["s3:ListBucket"],
  Resource: BUCKET,
  Condition: { StringLike: { "s3:prefix": ["runs/*"] } },
};
const TRUST = {
  Sid: "AssumeRole",
  Effect: "Allow" as const,
  Action: ["sts:AssumeRole"],
  Principal: { Service: "sagemaker.amazonaws.com" },
  Condition: {
    StringEquals: { "aws:SourceAccount": ACCOUNT },
    ArnLike: { "aws:SourceArn": `arn:aws:sagemaker:us-east-1:${ACCOUNT}:*` },
  },
};
const TLS_ONLY = {
  Sid: "TlsOnly",
  Effect: "Deny" as const,
  Action: ["s3:*"],
  Principal: "*",
  Resource: [BUCKET, `${BUCKET}/*`],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};

type Statement = DeployedAccess["identityPolicies"][number]["document"]["Statement"][number];

function accessOf(
  identity: Statement[],
  trust: Statement[] = [TRUST],
  bucket: Statement[] = [TLS_ONLY],
): DeployedAccess {
  const policy = (owner: string, name: string, Statement: Statement[]) => ({
    owner,
    name,
    document: { Version: "2012-10-17" as const, Statement },
  });
  return {
    principals: new Map([[ROLE, "job"]]),
    identityPolicies: [policy(ROLE, "permissions", identity)],
    trustPolicies: [policy(ROLE, "trust", trust)],
    resourcePolicies: [policy(BUCKET, "resource", bucket)],
    functions: [],
    stateMachine: { arn: "", role: "" },
    alarms: [],
    ruleTargets: [],
  };
}

function call(action: string, resource: string, context: Record<string, string> = {}): CountedCall {
  return {
    principal: ROLE,
    action,
    resource,
    context: { "aws:SecureTransport": "true", ...context },
    evidence: "recorded",
    because: "",
    count: 2,
  };
}

const GET = call("s3:GetObject", `${BUCKET}/runs/1/corpus`);
const LISTING = call("s3:ListBucket", BUCKET, { "s3:prefix": "runs/1/" });

function review(access: DeployedAccess, more: Partial<ReviewInput> = {}) {
  return reviewAccess({
    access,
    accountId: ACCOUNT,
    calls: [GET, LISTING],
    sessions: [SESSION],
    justifications: [],
    ...more,
  });
}

describe("the review of what roles may do", () => {
  it("finds nothing wrong where every call is allowed and every statement needed", async () => {
    const { wrong, unused, unmissed, stale, statements, calls } = await review(accessOf([READ, LIST]));
    expect({ wrong, unused, unmissed, stale, calls }).toEqual({
      wrong: [],
      unused: [],
      unmissed: [],
      stale: [],
      calls: 4,
    });
    expect(statements.map(({ sid, withoutIt }) => [sid, withoutIt])).toEqual([
      ["Read", `job s3:GetObject on ${BUCKET}/runs/1/corpus is denied: no statement allows it`],
      ["List", `job s3:ListBucket on ${BUCKET} is denied: no statement allows it`],
      ["AssumeRole", `sagemaker.amazonaws.com taking the role job for ${JOB} is denied: no statement allows it`],
      ["TlsOnly", `job s3:GetObject on ${BUCKET}/runs/1/corpus without TLS is allowed and must not be`],
    ]);
    expect(statements[0]?.permissions).toEqual([
      {
        action: "s3:GetObject",
        calls: 2,
        evidence: ["recorded"],
        example: `${BUCKET}/runs/1/corpus`,
        justification: undefined,
      },
    ]);
  });

  it.each([
    ["no statement for it", [LIST], GET, "s3:GetObject"],
    ["a resource that is too narrow", [{ ...READ, Resource: [`${BUCKET}/results/*`] }, LIST], GET, "s3:GetObject"],
    [
      "a condition that does not hold",
      [READ, { ...LIST, Condition: { StringLike: { "s3:prefix": ["code/*"] } } }],
      LISTING,
      "s3:ListBucket",
    ],
  ] as const)("names a call that is denied, with %s", async (_, statements, denied, action) => {
    const { wrong } = await review(accessOf([...statements]));
    expect(wrong).toEqual([
      { call: `job ${action} on ${denied.resource}`, problem: "is denied: no statement allows it" },
    ]);
  });

  it("names the statement that denies", async () => {
    const deny = { ...TLS_ONLY, Sid: "Never", Condition: {} };
    const { wrong } = await review(accessOf([READ, LIST], [TRUST], [TLS_ONLY, deny]));
    expect(wrong[0]).toEqual({ call: `job s3:GetObject on ${GET.resource}`, problem: "is denied by Never" });
  });

  it("lists a permission that no call used, unless it is justified", async () => {
    const write = { ...READ, Sid: "Write", Action: ["s3:PutObject", "s3:AbortMultipartUpload"] };
    const used = [GET, LISTING, call("s3:PutObject", `${BUCKET}/runs/1/x`)];
    const access = accessOf([READ, LIST, write]);
    expect((await review(access, { calls: used })).unused).toEqual(["job: Write s3:AbortMultipartUpload"]);
    const because = "an upload that breaks off is given up";
    const justified = { principal: "*", sid: "Write", actions: ["s3:AbortMultipartUpload"], because };
    const reviewed = await review(access, { calls: used, justifications: [justified] });
    expect(reviewed.unused).toEqual([]);
    expect(reviewed.statements[2]?.permissions[1]?.justification).toBe(because);
  });

  it("lists a statement that another one makes superfluous", async () => {
    const wide = { ...READ, Sid: "ReadAll", Resource: [`${BUCKET}/*`] };
    expect((await review(accessOf([READ, wide, LIST]))).unmissed).toEqual(["job: Read", "job: ReadAll"]);
  });

  it("lists a justification of a permission that is not there", async () => {
    const gone = { principal: "job", sid: "Read", actions: ["s3:GetObjectVersion"], because: "" };
    expect((await review(accessOf([READ, LIST]), { justifications: [gone] })).stale).toEqual([
      "job: Read s3:GetObjectVersion",
    ]);
  });

  it("lists a role that nobody took, unless its path was left out", async () => {
    const calls = [GET, LISTING];
    const untaken = await review(accessOf([READ, LIST]), { calls, sessions: [] });
    expect([untaken.unused, untaken.unmissed]).toEqual([
      ["job: trust AssumeRole sts:AssumeRole"],
      ["job: trust AssumeRole"],
    ]);
    const leftOut = [{ principal: "job", sid: "*", actions: "*" as const, because: "nothing was trained" }];
    const { unused, unmissed } = await review(accessOf([READ, LIST]), { calls, sessions: [], justifications: leftOut });
    expect([unused, unmissed]).toEqual([[], []]);
  });

  it("finds a role that others can take", async () => {
    const { Condition, ...open } = TRUST;
    const { wrong } = await review(accessOf([READ, LIST], [open]));
    expect(wrong.map(({ call: what, problem }) => `${what} ${problem}`)).toEqual([
      "sagemaker.amazonaws.com taking the role job for another account's resource is allowed and must not be",
      "sagemaker.amazonaws.com taking the role job on behalf of another account is allowed and must not be",
    ]);
  });

  it("finds a bucket that takes requests without TLS", async () => {
    const { wrong } = await review(accessOf([READ, LIST], [TRUST], [{ ...TLS_ONLY, Action: ["s3:PutObject"] }]));
    expect(wrong).toMatchObject([{ problem: "is allowed and must not be" }]);
  });

  it.each([
    ["an action that AWS does not have", call("s3:FetchObject", GET.resource)],
    ["a resource that the action does not take", call("s3:GetObject", JOB)],
    ["a condition key that the action does not have", call("s3:GetObject", GET.resource, { "s3:prefix": "a" })],
  ])("refuses to judge %s", async (_, odd) => {
    await expect(review(accessOf([READ, LIST]), { calls: [odd] })).rejects.toThrow(PolicyEngineError);
  });
});
