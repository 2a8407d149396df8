import { expect, it } from "vitest";
import { renderAccessReport } from "../../../e2e/access/access-report.ts";
import type { AccessReview, StatementReview } from "../../../e2e/access/access-review.ts";

const JOB = "arn:aws:iam::000000000000:role/job";

const READ: StatementReview = {
  owner: JOB,
  policy: "permissions",
  sid: "Read",
  principal: "job",
  effect: "Allow",
  permissions: [
    {
      action: "s3:GetObject",
      calls: 3,
      evidence: ["recorded"],
      example: "arn:aws:s3:::data/runs/1",
      justification: undefined,
    },
    { action: "s3:GetObjectVersion", calls: 0, evidence: [], example: undefined, justification: "versions are read" },
    { action: "s3:GetObjectAcl", calls: 0, evidence: [], example: undefined, justification: undefined },
  ],
  withoutIt: "job s3:GetObject on arn:aws:s3:::data/runs/1 is denied: no statement allows it",
};

const REVIEW: AccessReview = {
  calls: 3,
  distinctCalls: 1,
  wrong: [{ call: "job s3:PutObject on arn:aws:s3:::data/x", problem: "is denied: no statement allows it" }],
  probesOfDenial: 2,
  statements: [READ],
  unused: ["job: Read s3:GetObjectAcl"],
  unmissed: [],
  stale: [],
};

it("tells what is wrong, why unused permissions stay, who used what, and what is missed without a statement", () => {
  const report = renderAccessReport({
    review: REVIEW,
    access: {
      principals: new Map([[JOB, "job"]]),
      identityPolicies: [],
      trustPolicies: [],
      resourcePolicies: [],
      functions: [],
      stateMachine: { arn: "", role: "" },
      alarms: [],
      ruleTargets: [],
    },
    sessions: [{ role: JOB, service: "sagemaker.amazonaws.com", sourceArn: "arn:job" }],
    unknown: [],
  });
  for (const line of [
    "3 calls (1 distinct), held against 1 statements of the deployed policies.",
    "## Wrong decisions\n\n- job s3:PutObject on arn:aws:s3:::data/x is denied: no statement allows it",
    "- job: Read s3:GetObjectAcl",
    "- s3:GetObjectVersion (job: Read): versions are read",
    `${JOB}, taken by sagemaker.amazonaws.com`,
  ]) {
    expect(report).toContain(line);
  }
  expect(report).toMatch(/\| Read +\| s3:GetObject +\| +3 \| recorded +\| arn:aws:s3:::data\/runs\/1 +\|/);
  expect(report).toMatch(/\| Read +\| s3:GetObjectAcl +\| +0 \| +\| \*\*unused\*\* +\|/);
  expect(report).toMatch(/\| job: Read +\| job s3:GetObject on arn:aws:s3:::data\/runs\/1 is denied/);
  expect(report).not.toContain("## Requests that were not understood");
});
