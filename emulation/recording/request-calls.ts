import { z } from "zod";
import { impliedByConnector, impliedByInvocationJob, invokeModelCalls } from "./implied-calls.ts";
import type { AccessTrace, Account, RoleCall } from "./role-call.ts";

/** A request to AWS, as it was seen on its way. Header names are lower case. */
export interface ObservedRequest {
  readonly method: string;
  /** Without the query, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty where it says nothing about access: what is written to S3. */
  readonly body: Buffer;
}

/** A request that cannot be told as a call of an API: what it needs of IAM is unknown. */
export class UnknownRequestError extends Error {
  override readonly name = "UnknownRequestError";
}

/** Whose requests are whose, and what the account's resources are called. */
export interface RequestSetting {
  readonly account: Account;
  /** The OpenSearch domain. */
  readonly domainArn: string;
}

const ROLE_ARN = /^arn:aws:iam::\d{12}:role\/.+$/;
const SCOPE = /Credential=[^,\s]+?\/\d{8}\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request/;

function header({ headers }: ObservedRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * The role under which a request is made: in the emulators the session token of a role's credentials is the role's ARN.
 * Undefined for everyone else: Terraform, and the harness itself.
 */
export function roleOf(request: ObservedRequest): string | undefined {
  const token = header(request, "x-amz-security-token");
  return token !== undefined && ROLE_ARN.test(token) ? token : undefined;
}

/** The service that a request was signed for, e.g. `s3`; undefined when it is not signed. */
export function signedServiceOf(request: ObservedRequest): string | undefined {
  return SCOPE.exec(header(request, "authorization") ?? "")?.groups?.service;
}

/** Whether a request's body tells which resources it is about. */
export function bodyMatters(request: Omit<ObservedRequest, "body">): boolean {
  const whole = { ...request, body: Buffer.alloc(0) };
  return signedServiceOf(whole) !== "s3" || (request.method === "POST" && request.query.has("delete"));
}

/**
 * What a role's request asks of IAM.
 *
 * @throws UnknownRequestError when the request is none that this knows: then nothing can be said about it.
 */
export function requestCalls(request: ObservedRequest, role: string, setting: RequestSetting): AccessTrace {
  const service = signedServiceOf(request);
  const translate = TRANSLATORS[service ?? ""];
  if (translate === undefined) throw unknown(request, `signed for ${service ?? "no service"}`);
  const translated = translate(request, { role, ...setting });
  return Array.isArray(translated) ? { calls: translated, sessions: [] } : translated;
}

interface Caller extends RequestSetting {
  readonly role: string;
}

function unknown(request: ObservedRequest, what: string): UnknownRequestError {
  const target = header(request, "x-amz-target");
  return new UnknownRequestError(`${request.method} ${request.path} ${target ?? ""} (${what})`.replace(/ +/g, " "));
}

function recorded(
  { role }: Caller,
  action: string,
  resource: string,
  context: Readonly<Record<string, string>> = {},
): RoleCall {
  return { principal: role, action, resource, context, evidence: "recorded", because: "" };
}

function jsonOf<T>(request: ObservedRequest, schema: z.ZodType<T>): T {
  return schema.parse(request.body.length === 0 ? {} : JSON.parse(request.body.toString("utf8")));
}

const TRANSLATORS: Readonly<Record<string, (request: ObservedRequest, caller: Caller) => RoleCall[] | AccessTrace>> = {
  s3: s3Calls,
  states: stepFunctionsCalls,
  sns: snsCalls,
  logs: logsCalls,
  servicequotas: serviceQuotasCalls,
  bedrock: bedrockCalls,
  sagemaker: sageMakerCalls,
  es: openSearchCalls,
};

function s3Calls(request: ObservedRequest, caller: Caller): RoleCall[] {
  const { method, path, query } = request;
  const [bucket = "", ...rest] = path.slice(1).split("/").map(decodeURIComponent);
  const key = rest.join("/");
  const bucketArn = `arn:aws:s3:::${bucket}`;
  const ofAccount = { "aws:ResourceAccount": caller.account.id, "aws:SecureTransport": "true", "s3:TlsVersion": "1.3" };
  if (key === "") {
    if (method === "GET" && query.get("list-type") === "2") {
      return [recorded(caller, "s3:ListBucket", bucketArn, { ...ofAccount, "s3:prefix": query.get("prefix") ?? "" })];
    }
    if (method === "POST" && query.has("delete")) {
      const keys = [...request.body.toString("utf8").matchAll(/<Key>(?<key>.*?)<\/Key>/gs)];
      return keys.map((match) =>
        recorded(caller, "s3:DeleteObject", `${bucketArn}/${unescapeXml(match.groups?.key ?? "")}`, ofAccount),
      );
    }
    throw unknown(request, "bucket operation");
  }
  const SUBRESOURCES = ["acl", "tagging", "attributes", "versionId", "retention", "legal-hold", "torrent", "restore"];
  if (SUBRESOURCES.some((name) => query.has(name)) || header(request, "x-amz-copy-source") !== undefined) {
    throw unknown(request, "object operation");
  }
  const actions: Readonly<Record<string, string | undefined>> = {
    GET: query.has("uploadId") ? "s3:ListMultipartUploadParts" : "s3:GetObject",
    HEAD: "s3:GetObject",
    // A part, the beginning and the end of a multipart upload are permitted as a whole object is.
    PUT: "s3:PutObject",
    POST: query.has("uploads") || query.has("uploadId") ? "s3:PutObject" : undefined,
    DELETE: query.has("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject",
  };
  const action = actions[method];
  if (action === undefined) throw unknown(request, "object operation");
  return [recorded(caller, action, `${bucketArn}/${key}`, ofAccount)];
}

function unescapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? "");
}

function targetOf(request: ObservedRequest): string {
  return header(request, "x-amz-target")?.split(".").at(-1) ?? "";
}

function stepFunctionsCalls(request: ObservedRequest, caller: Caller): RoleCall[] {
  const operation = targetOf(request);
  if (!["DescribeExecution", "GetExecutionHistory"].includes(operation)) throw unknown(request, "Step Functions");
  const { executionArn } = jsonOf(request, z.object({ executionArn: z.string() }));
  return [recorded(caller, `states:${operation}`, executionArn)];
}

function snsCalls(request: ObservedRequest, caller: Caller): RoleCall[] {
  const form = new URLSearchParams(request.body.toString("utf8"));
  const topic = form.get("TopicArn");
  if (form.get("Action") !== "Publish" || topic === null) throw unknown(request, "SNS");
  return [recorded(caller, "sns:Publish", topic, { "aws:SecureTransport": "true" })];
}

const LogRequest = z.object({ logGroupName: z.string(), logStreamName: z.string().optional() });

function logsCalls(request: ObservedRequest, caller: Caller): RoleCall[] {
  const operation = targetOf(request);
  const { account } = caller;
  const { logGroupName, logStreamName } = jsonOf(request, LogRequest);
  const group = `arn:aws:logs:${account.region}:${account.id}:log-group:${logGroupName}`;
  switch (operation) {
    case "CreateLogGroup":
      return [recorded(caller, "logs:CreateLogGroup", group)];
    case "CreateLogStream":
    case "PutLogEvents":
      return [recorded(caller, `logs:${operation}`, `${group}:log-stream:${logStreamName}`)];
    default:
      throw unknown(request, "CloudWatch Logs");
  }
}

function serviceQuotasCalls(request: ObservedRequest, caller: Caller): RoleCall[] {
  const operation = targetOf(request);
  if (!["ListServiceQuotas", "ListAWSDefaultServiceQuotas"].includes(operation)) {
    throw unknown(request, "Service Quotas");
  }
  return [recorded(caller, `servicequotas:${operation}`, "*")];
}

const InvocationJobRequest = z.object({ jobName: z.string(), modelId: z.string(), roleArn: z.string() });
const INVOKE_PATH = /^\/model\/(?<model>[^/]+)\/invoke$/;
const JOB_PATH = /^\/model-invocation-job\/(?<job>.+?)(?<stop>\/stop)?$/;

function bedrockCalls(request: ObservedRequest, caller: Caller): RoleCall[] | AccessTrace {
  const { method, path } = request;
  const { account } = caller;
  const model = INVOKE_PATH.exec(path)?.groups?.model;
  if (method === "POST" && model !== undefined) {
    return invokeModelCalls(decodeURIComponent(model), account).map(({ resource, context }) =>
      recorded(caller, "bedrock:InvokeModel", resource, context),
    );
  }
  const jobArn = (id: string) => `arn:aws:bedrock:${account.region}:${account.id}:model-invocation-job/${id}`;
  if (method === "POST" && path === "/model-invocation-job") {
    const job = jsonOf(request, InvocationJobRequest);
    const models = invokeModelCalls(job.modelId, account).filter(({ resource }) =>
      resource.includes(":foundation-model/"),
    );
    // The job's id is not given yet; permissions cannot name it.
    const sourceArn = jobArn(job.jobName);
    return {
      calls: [
        recorded(caller, "bedrock:CreateModelInvocationJob", sourceArn),
        ...models.map(({ resource }) => recorded(caller, "bedrock:CreateModelInvocationJob", resource)),
        ...impliedByInvocationJob(caller.role, job, account),
      ],
      sessions: [{ role: job.roleArn, service: "bedrock.amazonaws.com", sourceArn }],
    };
  }
  const { job, stop } = JOB_PATH.exec(path)?.groups ?? {};
  if (job === undefined) throw unknown(request, "Bedrock");
  const identifier = decodeURIComponent(job);
  const arn = identifier.startsWith("arn:") ? identifier : jobArn(identifier);
  return [recorded(caller, `bedrock:${stop === undefined ? "Get" : "Stop"}ModelInvocationJob`, arn)];
}

const INVOCATION_PATH = /^\/endpoints\/(?<endpoint>[^/]+)\/invocations$/;

function sageMakerCalls(request: ObservedRequest, caller: Caller): RoleCall[] {
  const { region, id } = caller.account;
  const arn = (type: string, name: string) => `arn:aws:sagemaker:${region}:${id}:${type}/${name.toLowerCase()}`;
  const endpoint = INVOCATION_PATH.exec(request.path)?.groups?.endpoint;
  if (endpoint !== undefined) {
    return [recorded(caller, "sagemaker:InvokeEndpoint", arn("endpoint", decodeURIComponent(endpoint)))];
  }
  const operation = targetOf(request);
  switch (operation) {
    case "ListEndpointConfigs":
      return [recorded(caller, "sagemaker:ListEndpointConfigs", "*")];
    case "DescribeEndpointConfig":
    case "DeleteEndpointConfig": {
      const { EndpointConfigName } = jsonOf(request, z.object({ EndpointConfigName: z.string() }));
      return [recorded(caller, `sagemaker:${operation}`, arn("endpoint-config", EndpointConfigName))];
    }
    case "DeleteModel": {
      const { ModelName } = jsonOf(request, z.object({ ModelName: z.string() }));
      return [recorded(caller, "sagemaker:DeleteModel", arn("model", ModelName))];
    }
    default:
      throw unknown(request, "SageMaker");
  }
}

const Connector = z.object({ credential: z.object({ roleArn: z.string() }) });

function openSearchCalls(request: ObservedRequest, caller: Caller): RoleCall[] | AccessTrace {
  const { method, path } = request;
  const name = `${method.charAt(0)}${method.slice(1).toLowerCase()}`;
  const call = recorded(caller, `es:ESHttp${name}`, `${caller.domainArn}${path}`);
  if (path !== "/_plugins/_ml/connectors/_create") return [call];
  const { roleArn } = jsonOf(request, Connector).credential;
  return {
    calls: [call, impliedByConnector(caller.role, roleArn)],
    sessions: [{ role: roleArn, service: "es.amazonaws.com", sourceArn: caller.domainArn }],
  };
}
