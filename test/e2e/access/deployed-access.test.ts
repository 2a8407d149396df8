import { describe, expect, it } from "vitest";
import { deployedAccess, UnreadAccessError } from "../../../e2e/access/deployed-access.ts";
import type { StateResource } from "../../../emulation/terraform/terraform.ts";

const ROLE_ARN = "arn:aws:iam::000000000000:role/team/job";
const FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:report";
const RULE_ARN = "arn:aws:events:us-east-1:000000000000:rule/ended";

function resource(type: string, values: Record<string, unknown>): StateResource {
  return { address: `${type}.it`, mode: "managed", type, values };
}

function policy(Sid: string, Action: string | string[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ Sid, Effect: "Allow", Action, Resource: "*" }] });
}

const ROLE = resource("aws_iam_role", {
  arn: ROLE_ARN,
  name: "job",
  assume_role_policy: policy("AssumeRole", "sts:AssumeRole"),
  permissions_boundary: "",
});
const STATE = [
  ROLE,
  resource("aws_iam_role_policy", { role: "job", name: "permissions", policy: policy("Read", ["s3:GetObject"]) }),
  resource("aws_s3_bucket_policy", { bucket: "data", policy: policy("TlsOnly", "s3:*") }),
  resource("aws_lambda_function", { arn: FUNCTION_ARN, function_name: "report", role: ROLE_ARN }),
  resource("aws_lambda_permission", {
    statement_id: "Ended",
    action: "lambda:InvokeFunction",
    function_name: "report",
    principal: "events.amazonaws.com",
    source_arn: RULE_ARN,
  }),
  resource("aws_cloudwatch_event_rule", { name: "ended", arn: RULE_ARN }),
  resource("aws_cloudwatch_event_target", { rule: "ended", arn: FUNCTION_ARN }),
  resource("aws_sfn_state_machine", { arn: "arn:machine", role_arn: ROLE_ARN }),
];

describe("the access in a deployment's state", () => {
  it("has the policies of roles, their trust, and those of resources, a function's permissions among them", () => {
    const access = deployedAccess(STATE, { job: ROLE_ARN });
    const sids = (policies: typeof access.identityPolicies) =>
      policies.map(({ owner, name, document }) => [
        owner,
        name,
        document.Statement.map(({ Sid, Action }) => [Sid, Action]),
      ]);
    expect(access.principals.get(ROLE_ARN)).toBe("job");
    expect(sids(access.identityPolicies)).toEqual([[ROLE_ARN, "permissions", [["Read", ["s3:GetObject"]]]]]);
    expect(sids(access.trustPolicies)).toEqual([[ROLE_ARN, "trust", [["AssumeRole", ["sts:AssumeRole"]]]]]);
    expect(sids(access.resourcePolicies)).toEqual([
      ["arn:aws:s3:::data", "resource", [["TlsOnly", ["s3:*"]]]],
      [FUNCTION_ARN, "resource", [["Ended", ["lambda:InvokeFunction"]]]],
    ]);
    expect(access.ruleTargets).toEqual([{ rule: RULE_ARN, target: FUNCTION_ARN }]);
    expect(access.functions).toEqual([{ arn: FUNCTION_ARN, role: ROLE_ARN, logGroup: "/aws/lambda/report" }]);
  });

  it.each([
    ["a managed policy", [...STATE, resource("aws_iam_role_policy_attachment", {})]],
    ["a boundary", [resource("aws_iam_role", { ...ROLE.values, permissions_boundary: "arn:b" }), ...STATE.slice(1)]],
    ["a policy of a role that is not there", STATE.slice(1)],
  ])("is refused with %s, which the proof would leave out", (_, state) => {
    expect(() => deployedAccess(state, { job: ROLE_ARN })).toThrow(UnreadAccessError);
  });

  it("needs a name for every statement, to say which one it is about", () => {
    const unnamed = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*" }] });
    const state = [...STATE, resource("aws_iam_role_policy", { role: "job", name: "more", policy: unnamed })];
    expect(() => deployedAccess(state, {})).toThrow(/Sid/);
  });
});
