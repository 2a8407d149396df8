import { afterEach, describe, expect, it } from "vitest";
import { type EmulatedAws, startEmulatedAws } from "./emulated-aws.ts";

const started: EmulatedAws[] = [];

async function start(): Promise<EmulatedAws> {
  const aws = await startEmulatedAws();
  started.push(aws);
  return aws;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((aws) => aws.stop()));
});

describe("MiniStack", () => {
  it("answers 400 at once for Service Quotas, which it does not have", async () => {
    const aws = await start();
    const response = await fetch(aws.endpoint, {
      method: "POST",
      headers: {
        "x-amz-target": "ServiceQuotasV20190624.ListServiceQuotas",
        authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/servicequotas/aws4_request",
      },
      body: "{}",
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("Unsupported service");
  });

  it("describes a metric alarm with all that was put in it, as Terraform expects", async () => {
    const aws = await start();
    const query = async (parameters: Record<string, string>) => {
      const response = await fetch(aws.endpoint, {
        method: "POST",
        headers: { authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request" },
        body: new URLSearchParams({ Version: "2010-08-01", ...parameters }),
      });
      return response.text();
    };
    await query({
      Action: "PutMetricAlarm",
      AlarmName: "failed & late",
      MetricName: "ExecutionsFailed",
      Namespace: "AWS/States",
      Statistic: "Sum",
      Period: "300",
      EvaluationPeriods: "1",
      Threshold: "0",
      ComparisonOperator: "GreaterThanThreshold",
      TreatMissingData: "notBreaching",
      "AlarmActions.member.1": "arn:aws:sns:us-east-1:000000000000:topic",
      "Dimensions.member.1.Name": "StateMachineArn",
      "Dimensions.member.1.Value": "arn:a<b",
    });
    const described = await query({ Action: "DescribeAlarms" });
    for (const part of [
      "<AlarmName>failed &amp; late</AlarmName>",
      "<Statistic>Sum</Statistic>",
      "<Period>300</Period>",
      "<Threshold>0.0</Threshold>",
      "<ActionsEnabled>true</ActionsEnabled>",
      "<TreatMissingData>notBreaching</TreatMissingData>",
      "<AlarmActions><member>arn:aws:sns:us-east-1:000000000000:topic</member></AlarmActions>",
      "<Dimensions><member><Name>StateMachineArn</Name><Value>arn:a&lt;b</Value></member></Dimensions>",
    ]) {
      expect(described).toContain(part);
    }
  });
});

describe("a request that is sent again", () => {
  const credential = "Credential=test/20260101/us-east-1/iam/aws4_request";
  const headers = (invocation: string, attempt: number) => ({
    "content-type": "application/x-www-form-urlencoded",
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=00`,
    "amz-sdk-invocation-id": invocation,
    "amz-sdk-request": `attempt=${attempt}; max=3`,
  });
  const createRole = async ({ endpoint }: EmulatedAws, name: string, invocation: string, attempt: number) => {
    const body = new URLSearchParams({ Action: "CreateRole", RoleName: name, AssumeRolePolicyDocument: "{}" });
    const response = await fetch(endpoint, { method: "POST", headers: headers(invocation, attempt), body });
    return { status: response.status, body: await response.text() };
  };

  it("is answered as before when it had succeeded", async () => {
    const aws = await start();
    const first = await createRole(aws, "reader", "call-1", 1);
    expect(first).toMatchObject({ status: 200, body: expect.stringContaining("<RoleName>reader</RoleName>") });
    expect(await createRole(aws, "reader", "call-1", 2)).toEqual(first);
    expect(await createRole(aws, "reader", "call-2", 1)).toMatchObject({ status: 409 });
  });

  it("is carried out again when it had failed", async () => {
    const aws = await start();
    await createRole(aws, "reader", "call-1", 1);
    expect(await createRole(aws, "reader", "call-2", 1)).toMatchObject({ status: 409 });
    const body = new URLSearchParams({ Action: "DeleteRole", RoleName: "reader" });
    await fetch(aws.endpoint, { method: "POST", headers: headers("call-3", 1), body });
    expect(await createRole(aws, "reader", "call-2", 2)).toMatchObject({ status: 200 });
  });

  it("waits for the answer of the first, which nobody reads", async () => {
    const aws = await start();
    const abandoned = new AbortController();
    const body = new URLSearchParams({ Action: "CreateRole", RoleName: "reader", AssumeRolePolicyDocument: "{}" });
    const first = fetch(aws.endpoint, {
      method: "POST",
      headers: headers("call-1", 1),
      body,
      signal: abandoned.signal,
    });
    first.catch(() => undefined);
    const second = createRole(aws, "reader", "call-1", 2);
    abandoned.abort();
    expect(await second).toMatchObject({ status: 200 });
  });
});
