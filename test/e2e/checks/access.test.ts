import { expect, it } from "vitest";
import type { AccessReview } from "../../../e2e/access/access-review.ts";
import { accessChecks } from "../../../e2e/checks/access.ts";

const UNUSED: AccessReview = {
  calls: 3,
  distinctCalls: 1,
  wrong: [],
  probesOfDenial: 2,
  statements: [],
  unused: ["job: Read s3:GetObjectAcl"],
  unmissed: ["job: Read"],
  stale: [],
};
const REPORT = { unknown: [], roles: 2, report: "access.md" };
const outcomes = (incomplete: string | undefined) =>
  accessChecks(UNUSED, REPORT, incomplete).map(({ name, outcome, detail }) => [name, outcome, detail]);

it("finds permissions that a whole run neither used nor missed", () => {
  expect(outcomes(undefined).filter(([, outcome]) => outcome === "failed")).toEqual([
    ["every permission is used or justified", "failed", "1 offend, first: job: Read s3:GetObjectAcl"],
    ["every statement is missed when it is taken out", "failed", "1 offend, first: job: Read"],
  ]);
});

it("says nothing about them when an execution did not come to its end", () => {
  const checks = outcomes("an execution failed");
  expect(checks.filter(([, outcome]) => outcome === "failed")).toEqual([]);
  expect(checks.filter(([, outcome]) => outcome === "not run")).toEqual([
    ["every permission is used or justified", "not run", "because an execution failed"],
    ["every statement is missed when it is taken out", "not run", "because an execution failed"],
  ]);
});
