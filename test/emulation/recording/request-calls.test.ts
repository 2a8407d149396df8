import { describe, expect, it } from "vitest";
import {
  bodyMatters,
  type ObservedRequest,
  requestCalls,
  roleOf,
  UnknownRequestError,
} from "../../../emulation/recording/request-calls.ts";

const ROLE = "arn:aws:iam::000000000000:role/reader";
const DOMAIN_ARN = "arn:aws:es:us-east-1:000000000000:domain/products";
const SETTING = { account: { id: "000000000000", region: "us-east-1" }, domainArn: DOMAIN_ARN };

function request(service: string, line: string, more: { target?: string; body?: string; token?: string } = {}) {
  const [method = "", url = ""] = line.split(" ");
  const { pathname, searchParams } = new URL(url, "http://emulator");
  const observed: ObservedRequest = {
    method,
    path: pathname,
    query: searchParams,
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=test/20261125/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=00`,
      "x-amz-security-token": more.token ?? ROLE,
      ...(more.target === undefined ? {} : { "x-amz-target": more.target }),
    },
    body: Buffer.from(more.body ?? ""),
  };
  return observed;
}

function asked(...args: Parameters<typeof request>): string[] {
  return requestCalls(request(...args), ROLE, SETTING).calls.map(
    ({ principal, action, resource, evidence }) =>
      `${principal === ROLE ? "" : `${principal.split("/").at(-1)}: `}${action} ${resource}${evidence === "recorded" ? "" : ` (${evidence})`}`,
  );
}

describe("what a request asks of IAM", () => {
  it.each([
    ["GET /data/runs/a%20b/c.jsonl?x-id=GetObject", "s3:GetObject arn:aws:s3:::data/runs/a b/c.jsonl"],
    ["HEAD /data/key", "s3:GetObject arn:aws:s3:::data/key"],
    ["PUT /data/key?x-id=PutObject", "s3:PutObject arn:aws:s3:::data/key"],
    ["POST /data/key?uploads=", "s3:PutObject arn:aws:s3:::data/key"],
    ["PUT /data/key?partNumber=1&uploadId=u", "s3:PutObject arn:aws:s3:::data/key"],
    ["POST /data/key?uploadId=u", "s3:PutObject arn:aws:s3:::data/key"],
    ["DELETE /data/key?uploadId=u", "s3:AbortMultipartUpload arn:aws:s3:::data/key"],
    ["DELETE /data/key", "s3:DeleteObject arn:aws:s3:::data/key"],
    ["GET /data?list-type=2&prefix=runs%2F", "s3:ListBucket arn:aws:s3:::data"],
    ["GET /data/?list-type=2", "s3:ListBucket arn:aws:s3:::data"],
  ])("S3: %s", (line, expected) => {
    expect(asked("s3", line)).toEqual([expected]);
  });

  it("tells the prefix of a listing, the account and the transport", () => {
    const { calls } = requestCalls(request("s3", "GET /data?list-type=2&prefix=runs%2F"), ROLE, SETTING);
    expect(calls[0]?.context).toEqual({
      "aws:ResourceAccount": "000000000000",
      "aws:SecureTransport": "true",
      "s3:TlsVersion": "1.3",
      "s3:prefix": "runs/",
    });
  });

  it("is asked for every key of a deletion of many", () => {
    const body = "<Delete><Object><Key>runs/a&amp;b</Key></Object><Object><Key>runs/c</Key></Object></Delete>";
    expect(asked("s3", "POST /data?delete=", { body })).toEqual([
      "s3:DeleteObject arn:aws:s3:::data/runs/a&b",
      "s3:DeleteObject arn:aws:s3:::data/runs/c",
    ]);
  });

  it("Step Functions, SNS and Service Quotas by their operations", () => {
    const executionArn = "arn:aws:states:us-east-1:000000000000:execution:pipeline:run";
    const body = JSON.stringify({ executionArn });
    expect(asked("states", "POST /", { target: "AWSStepFunctions.DescribeExecution", body })).toEqual([
      `states:DescribeExecution ${executionArn}`,
    ]);
    expect(asked("sns", "POST /", { body: "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A0%3At" })).toEqual([
      "sns:Publish arn:aws:sns:us-east-1:0:t",
    ]);
    expect(asked("servicequotas", "POST /", { target: "ServiceQuotasV20190624.ListServiceQuotas" })).toEqual([
      "servicequotas:ListServiceQuotas *",
    ]);
  });

  it("a log's group for making it, its stream for writing it", () => {
    const group = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/TrainingJobs";
    const logs = (operation: string) =>
      asked("logs", "POST /", {
        target: `Logs_20140328.${operation}`,
        body: JSON.stringify({ logGroupName: "/aws/sagemaker/TrainingJobs", logStreamName: "job/algo-1" }),
      });
    expect(logs("CreateLogGroup")).toEqual([`logs:CreateLogGroup ${group}`]);
    expect(logs("PutLogEvents")).toEqual([`logs:PutLogEvents ${group}:log-stream:job/algo-1`]);
  });

  it("an inference profile and its model in every region that it routes to", () => {
    const model = "us.anthropic.claude-haiku";
    expect(asked("bedrock", `POST /model/${model}/invoke`)).toEqual([
      `bedrock:InvokeModel arn:aws:bedrock:us-east-1:000000000000:inference-profile/${model}`,
      "bedrock:InvokeModel arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku",
      "bedrock:InvokeModel arn:aws:bedrock:us-east-2::foundation-model/anthropic.claude-haiku",
      "bedrock:InvokeModel arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-haiku",
    ]);
    expect(asked("bedrock", "POST /model/amazon.nova-lite/invoke")).toEqual([
      "bedrock:InvokeModel arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite",
    ]);
  });

  it("a batch job: the call, passing its role, and what the job does under it", () => {
    const roleArn = "arn:aws:iam::000000000000:role/batch";
    const body = JSON.stringify({ jobName: "queries", modelId: "amazon.nova-lite", roleArn });
    expect(asked("bedrock", "POST /model-invocation-job", { body })).toEqual([
      "bedrock:CreateModelInvocationJob arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/queries",
      "bedrock:CreateModelInvocationJob arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite",
      `iam:PassRole ${roleArn} (implied)`,
      "batch: bedrock:InvokeModel arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite (implied)",
    ]);
    const { sessions } = requestCalls(request("bedrock", "POST /model-invocation-job", { body }), ROLE, SETTING);
    expect(sessions).toMatchObject([{ role: roleArn, service: "bedrock.amazonaws.com" }]);
  });

  it("an endpoint under the lower-case name that its ARN has", () => {
    expect(asked("sagemaker", "POST /endpoints/Products-endpoint/invocations")).toEqual([
      "sagemaker:InvokeEndpoint arn:aws:sagemaker:us-east-1:000000000000:endpoint/products-endpoint",
    ]);
  });

  it("configurations and models of SageMaker by their names", () => {
    const asks = (operation: string, body: object) =>
      asked("sagemaker", "POST /", { target: `SageMaker.${operation}`, body: JSON.stringify(body) });
    expect(asks("ListEndpointConfigs", { NameContains: "products" })).toEqual(["sagemaker:ListEndpointConfigs *"]);
    expect(asks("DeleteEndpointConfig", { EndpointConfigName: "Products-1" })).toEqual([
      "sagemaker:DeleteEndpointConfig arn:aws:sagemaker:us-east-1:000000000000:endpoint-config/products-1",
    ]);
    expect(asks("DeleteModel", { ModelName: "Products-1" })).toEqual([
      "sagemaker:DeleteModel arn:aws:sagemaker:us-east-1:000000000000:model/products-1",
    ]);
  });

  it("the domain by method and path; a connector also passes its role", () => {
    expect(asked("es", "DELETE /_search/point_in_time")).toEqual([
      `es:ESHttpDelete ${DOMAIN_ARN}/_search/point_in_time`,
    ]);
    const body = JSON.stringify({ credential: { roleArn: "arn:aws:iam::000000000000:role/connector" } });
    expect(asked("es", "POST /_plugins/_ml/connectors/_create", { body })).toEqual([
      `es:ESHttpPost ${DOMAIN_ARN}/_plugins/_ml/connectors/_create`,
      "iam:PassRole arn:aws:iam::000000000000:role/connector (implied)",
    ]);
  });

  it.each([
    ["s3", "PUT /bucket"],
    ["s3", "GET /bucket/key?acl="],
    ["dynamodb", "POST /"],
    ["states", "POST /"],
    ["bedrock", "GET /foundation-models"],
  ])("is unknown, and said to be, for %s %s", (service, line) => {
    expect(() => asked(service, line)).toThrow(UnknownRequestError);
  });
});

describe("whose request it is", () => {
  it("is the role's whose ARN is the session token, and nobody's otherwise", () => {
    expect(roleOf(request("s3", "GET /data/key"))).toBe(ROLE);
    expect(roleOf(request("s3", "GET /data/key", { token: "test" }))).toBeUndefined();
  });

  it("needs the body, except what is written to S3", () => {
    expect(bodyMatters(request("s3", "PUT /data/key"))).toBe(false);
    expect(bodyMatters(request("s3", "POST /data?delete="))).toBe(true);
    expect(bodyMatters(request("sns", "POST /"))).toBe(true);
  });
});
