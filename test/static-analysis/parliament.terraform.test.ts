import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { copyOfStack } from "../modules/shared-stack.ts";
import { applyMocked, temporaryDirectory } from "../modules/stack-fixture.ts";
import { lintPolicies, type PolicyFinding } from "./parliament.ts";

/** A deployment with everything that has a policy. */
const VARIABLES = {
  model_name: "Products",
  s3_corpus_path: "s3://corpora/products.jsonl",
  opensearch_endpoint: "https://search-products-aaaaaaaaaaaaaaaaaaaaaaaaaa.us-east-1.es.amazonaws.com",
  kms_key_arn: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  subnet_ids: ["subnet-0123456789abcdef0"],
  security_group_ids: ["sg-0123456789abcdef0"],
  start_on_apply: true,
};
const POLICY_TYPES = ["aws_iam_role_policy", "aws_s3_bucket_policy", "aws_sns_topic_policy"];

const ONE_OF_SEVERAL =
  "The action takes one of several kinds of resource, of which the pipeline uses two; and parliament reads no ARN with a colon in the model's id.";
const BEFORE_ANY_INTERFACE =
  "Lambda tries whether the role allows this before there is an interface, and then with no narrower resource.";

/** What parliament finds and is no problem, and why. */
const EXPLAINED: Readonly<Record<string, string>> = {
  "RESOURCE_MISMATCH bedrock:CreateModelInvocationJob": ONE_OF_SEVERAL,
  "RESOURCE_MISMATCH bedrock:InvokeModel": ONE_OF_SEVERAL,
  "RESOURCE_MISMATCH ec2:AssignPrivateIpAddresses": BEFORE_ANY_INTERFACE,
  "RESOURCE_MISMATCH ec2:DeleteNetworkInterface": BEFORE_ANY_INTERFACE,
  "RESOURCE_MISMATCH ec2:UnassignPrivateIpAddresses": BEFORE_ANY_INTERFACE,
  "RESOURCE_MISMATCH states:DescribeExecution": "Executions of this state machine are no express ones.",
  "MISMATCHED_TYPE s3:TlsVersion": "A version with a point is numeric to AWS, whose own example is this.",
  "UNKNOWN_CONDITION_FOR_ACTION s3:TlsVersion": "The policy denies every action; S3 lists the key for all but these.",
};

describe("the policies of a deployment", () => {
  const work = temporaryDirectory();
  const policies = new Map<string, string>();
  let findings: PolicyFinding[];

  beforeAll(async () => {
    const directory = copyOfStack(work.path);
    const applied = await applyMocked(directory, VARIABLES);
    for (const type of POLICY_TYPES) {
      for (const [address, { policy }] of Object.entries(applied.resources(type))) {
        policies.set(address, z.string().parse(policy));
      }
    }
    findings = await lintPolicies(policies);
  }, 300_000);
  afterAll(() => work.remove());

  it("are all looked at", () => {
    expect(policies.size).toBeGreaterThan(40);
  });

  it("have no finding without an explanation", () => {
    expect(findings.filter(({ finding }) => !(finding in EXPLAINED))).toEqual([]);
  });

  it("are explained where there is something to explain only", () => {
    const found = new Set(findings.map(({ finding }) => finding));
    expect(Object.keys(EXPLAINED).filter((finding) => !found.has(finding))).toEqual([]);
  });

  it("would not pass with a mistyped action, or one that fits no resource", async () => {
    const policy = (action: string, resource: string) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Sid: "A", Effect: "Allow", Action: [action], Resource: [resource] }],
      });
    const bad = await lintPolicies(
      new Map([
        ["typo", policy("s3:GetObjects", "arn:aws:s3:::bucket/*")],
        ["mismatch", policy("s3:GetObject", "arn:aws:s3:::bucket")],
      ]),
    );
    expect(bad.map(({ policy, finding }) => [policy, finding.split(" ")[0]]).sort()).toEqual([
      ["mismatch", "RESOURCE_MISMATCH"],
      ["typo", "UNKNOWN_ACTION"],
    ]);
  });
});
