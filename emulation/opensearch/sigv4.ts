import { createHash } from "node:crypto";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";

/** AWS credentials. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What of an HTTP request its signature covers. Header names are lower case. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface SigV4Expectation {
  readonly credentials: AwsCredentials;
  readonly region: string;
  /** E.g. `es`. */
  readonly service: string;
  /** @default - the present */
  readonly now?: Date;
}

/** AWS refuses a request whose clock is this far from its own. */
const MAX_SKEW_MS = 5 * 60_000;
const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;
const AMZ_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

function signingDate(headers: Readonly<Record<string, string>>): Date | undefined {
  const parts = AMZ_DATE.exec(headers["x-amz-date"] ?? "")?.slice(1);
  if (parts === undefined) return undefined;
  const [year, month, day, hour, minute, second] = parts;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function queryParameters(target: string): [string, Record<string, string[]>] {
  const [pathname = "/", ...rest] = target.split("?");
  const parameters: Record<string, string[]> = {};
  for (const [name, value] of new URLSearchParams(rest.join("?"))) {
    parameters[name] ??= [];
    parameters[name].push(value);
  }
  return [pathname, parameters];
}

/**
 * Why an Amazon OpenSearch Service domain would refuse a request, in the service's words; undefined when its
 * Signature Version 4 is right. The signature is computed anew from the request and compared.
 */
export async function signatureProblem(
  request: SignedRequest,
  { credentials, region, service, now = new Date() }: SigV4Expectation,
): Promise<string | undefined> {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    const action = `es:ESHttp${request.method.charAt(0)}${request.method.slice(1).toLowerCase()}`;
    return `User: anonymous is not authorized to perform: ${action} because no resource-based policy allows the ${action} action`;
  }
  const parts = AUTHORIZATION.exec(authorization);
  if (parts === null) return "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.";
  const [, credential = "", signedHeaders = "", signature] = parts;
  const date = signingDate(request.headers);
  if (date === undefined) return "Authorization header requires existence of a valid 'X-Amz-Date' header.";
  if (Math.abs(now.getTime() - date.getTime()) > MAX_SKEW_MS) {
    return `Signature expired or not yet valid: ${request.headers["x-amz-date"]} is more than 5 minutes from now.`;
  }
  const [accessKeyId, , scopeRegion, scopeService] = credential.split("/");
  if (accessKeyId !== credentials.accessKeyId) return "The security token included in the request is invalid.";
  if (scopeRegion !== region || scopeService !== service) {
    return `Credential should be scoped to region '${region}' and service '${service}', not to '${scopeRegion}' and '${scopeService}'.`;
  }
  if (request.headers["x-amz-security-token"] !== credentials.sessionToken) {
    return "The security token included in the request is invalid.";
  }
  const declaredHash = request.headers["x-amz-content-sha256"];
  if (declaredHash !== undefined && declaredHash !== createHash("sha256").update(request.body).digest("hex")) {
    return "The value of 'x-amz-content-sha256' is not the hash of the request's body.";
  }
  const covered = signedHeaders.split(";");
  if (!covered.includes("host")) return "'Host' must be a 'SignedHeader' in the AWS Authorization.";
  if (credentials.sessionToken !== undefined && !covered.includes("x-amz-security-token")) {
    return "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization.";
  }
  const [path, query] = queryParameters(request.target);
  const headers = Object.fromEntries(covered.map((name) => [name, request.headers[name] ?? ""]));
  const signed = await new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false }).sign(
    {
      method: request.method,
      protocol: "http:",
      hostname: headers.host ?? "",
      path,
      query,
      headers,
      body: request.body,
    },
    { signingDate: date, signableHeaders: new Set(covered) },
  );
  return AUTHORIZATION.exec(signed.headers.authorization ?? "")?.[3] === signature
    ? undefined
    : "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
}
