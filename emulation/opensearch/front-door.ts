import http from "node:http";
import https from "node:https";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { forward, listen, type StartedServer } from "../http/forwarding.ts";
import type { ObservedRequest } from "../recording/request-calls.ts";
import type { Identity } from "./certificates.ts";
import { IDENTITY_HEADERS, identityHeaders, MASTER } from "./security.ts";
import { type AwsCredentials, signatureProblem } from "./sigv4.ts";

export interface FrontDoorOptions {
  /** Address of the OpenSearch node. */
  readonly target: string;
  /**
   * Requests must be signed with these. Their session token stands for the domain's master user; the ARN of a role in its
   * place stands for that role.
   */
  readonly credentials: AwsCredentials;
  /** Key and certificate for HTTPS. @default - plain HTTP */
  readonly identity?: Identity;
  readonly region: string;
  /** With these the node signs what a connector sends, where the service would assume the connector's role; the token is the role's ARN. */
  readonly connectorCredentials: Omit<AwsCredentials, "sessionToken">;
  /** Is shown each request whose signature is right; must not throw. @default - nobody */
  readonly observe?: (request: ObservedRequest) => void;
}

/** The address to give to clients as the domain's endpoint. */
export type StartedFrontDoor = StartedServer;

const ROLE_ARN = /^arn:aws:iam::\d{12}:role\/.+$/;
const CONNECTOR_WRITE = /^\/_plugins\/_ml\/connectors\/[^/?]+(\?|$)/;
const ConnectorWithRole = z.looseObject({ credential: z.looseObject({ roleArn: z.string() }) });

/** A connector's definition as the node needs it: keys beside the role's ARN, since the node can assume no role. */
function withConnectorCredentials(
  body: Buffer,
  { accessKeyId, secretAccessKey }: FrontDoorOptions["connectorCredentials"],
): Buffer {
  let connector: unknown;
  try {
    connector = JSON.parse(body.toString("utf8"));
  } catch {
    // The node has the better error message for what is no JSON.
    return body;
  }
  const parsed = ConnectorWithRole.safeParse(connector);
  if (!parsed.success) return body;
  const credential = {
    ...parsed.data.credential,
    access_key: accessKeyId,
    secret_key: secretAccessKey,
    session_token: parsed.data.credential.roleArn,
  };
  return Buffer.from(JSON.stringify({ ...parsed.data, credential }));
}

function singleValued(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(",") : value]],
    ),
  );
}

function refuse(response: http.ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ message }));
}

async function handle(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { target, credentials, region, connectorCredentials, observe }: FrontDoorOptions,
): Promise<void> {
  const { method = "GET", url = "/" } = request;
  const headers = singleValued(request.headers);
  const body = await buffer(request);
  const token = headers["x-amz-security-token"];
  const role = token !== undefined && ROLE_ARN.test(token) ? token : undefined;
  const problem = await signatureProblem(
    { method, target: url, headers, body },
    { credentials: role === undefined ? credentials : { ...credentials, sessionToken: role }, region, service: "es" },
  );
  if (problem !== undefined) {
    refuse(response, 403, problem);
    return;
  }
  if (observe !== undefined) {
    const { pathname, searchParams } = new URL(url, target);
    observe({ method, path: pathname, query: searchParams, headers, body });
  }
  const writesConnector = ["POST", "PUT"].includes(method) && CONNECTOR_WRITE.test(url);
  const forwardedBody = writesConnector ? withConnectorCredentials(body, connectorCredentials) : body;
  const passed = Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        !IDENTITY_HEADERS.includes(name) && name !== "host" && name !== "authorization" && !name.startsWith("x-amz-"),
    ),
  );
  await forward(request, response, {
    target,
    headers: { ...passed, ...identityHeaders(role === undefined ? MASTER : { name: role, backendRoles: [role] }) },
    body: forwardedBody,
  });
}

/**
 * Starts a reverse proxy on this machine that stands for an Amazon OpenSearch Service domain in front of a plain node:
 *
 * - A request that is not signed for service `es` with the right credentials is refused with 403, as the domain does.
 * - When a connector is created or updated with `credential.roleArn`, the node also gets keys, since only the managed
 *   service can assume the role.
 * - The node is told who calls, so that its security plugin decides what the caller may do: fine-grained access control.
 *
 * It models no IAM policy: whoever holds the credentials passes.
 */
export async function startFrontDoor(options: FrontDoorOptions): Promise<StartedFrontDoor> {
  const respond = (request: http.IncomingMessage, response: http.ServerResponse) => {
    handle(request, response, options).catch((error: Error) => {
      refuse(response, 503, `The OpenSearch node did not answer: ${error.message}`);
    });
  };
  const { identity } = options;
  return identity === undefined
    ? listen(http.createServer(respond), "http")
    : listen(https.createServer({ cert: identity.certificate, key: identity.key }, respond), "https");
}
