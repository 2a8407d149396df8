import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Testing } from "cdktf";
import { Construct } from "constructs";
import { describe, expect, it } from "vitest";
import { CleanIdStack } from "../../../modules/terraform/clean-id-stack.ts";
import { tagResources } from "../../../modules/terraform/tags.ts";

function taggedResources(): Record<string, Record<string, { tags?: unknown }>> {
  const stack = new CleanIdStack(Testing.stubVersion(Testing.app()), "stack");
  new AwsProvider(stack, "aws", {});
  const inside = new Construct(stack, "inside");
  tagResources(inside, { team: "search" });
  new S3Bucket(inside, "plain", {});
  new S3Bucket(inside, "own", { tags: { purpose: "logs" } });
  new S3BucketPolicy(inside, "policy", { bucket: "a", policy: "{}" });
  new S3Object(inside, "object", { bucket: "a", key: "b" });
  new S3Bucket(stack, "outside", {});
  return JSON.parse(Testing.synth(stack)).resource;
}

describe("tagResources", () => {
  it("tags what is below the scope and can carry tags", () => {
    const { aws_s3_bucket, aws_s3_bucket_policy } = taggedResources();
    expect(aws_s3_bucket?.inside_plain?.tags).toEqual({ team: "search" });
    expect(aws_s3_bucket?.outside).not.toHaveProperty("tags");
    expect(aws_s3_bucket_policy?.inside_policy).not.toHaveProperty("tags");
  });

  it("keeps a resource's own tags, of which the user's win", () => {
    expect(taggedResources().aws_s3_bucket?.inside_own?.tags).toBe(
      '${merge({"purpose" = "logs"}, {"team" = "search"})}',
    );
  });

  it("leaves objects out, which S3 lets carry ten tags only", () => {
    expect(taggedResources().aws_s3_object?.inside_object).not.toHaveProperty("tags");
  });
});
