import type { WireRequest, WireResponse } from "../wire/http-server.ts";
import { ServiceError } from "../wire/service-error.ts";
import type { Endpoints } from "./endpoints.ts";
import type { StubContext } from "./stub-context.ts";

/** InvokeEndpoint's limits: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;

/** `/endpoints/<name>/invocations` */
export const INVOCATION_PATH = /^\/endpoints\/(?<endpoint>[^/]+)\/invocations$/;

const CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes";

function header(request: WireRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * Hands a request to the endpoint's container, as the SageMaker runtime does.
 *
 * @param timeoutMs 60 s on SageMaker
 * @throws ServiceError `ModelError` when the container answers with an error or not in time.
 */
export async function invokeEndpoint(
  endpoints: Endpoints,
  context: StubContext,
  endpointName: string,
  request: WireRequest,
  timeoutMs: number,
): Promise<WireResponse> {
  const { variantName, server } = endpoints
    .invoked(endpointName)
    .route(header(request, "x-amzn-sagemaker-target-variant"));
  if (request.body.length > MAX_PAYLOAD_BYTES) {
    throw new ServiceError(
      "ValidationError",
      `1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or equal to ${MAX_PAYLOAD_BYTES}`,
    );
  }
  const modelError = (status: number, message: string) => {
    const group = `/aws/sagemaker/Endpoints/${endpointName}`;
    const side = status >= 400 && status < 500 ? "client" : "server";
    const text = `Received ${side} error (${status}) from primary with message "${message}". See https://${context.region}.console.aws.amazon.com/cloudwatch/home?region=${context.region}#logEventViewer:group=${group} in account ${context.accountId} for more information.`;
    return new ServiceError("ModelError", text, 424, {
      Message: text,
      OriginalMessage: message,
      OriginalStatusCode: status,
      LogStreamArn: `arn:aws:logs:${context.region}:${context.accountId}:log-group:${group}`,
    });
  };
  if (server.url === undefined) throw modelError(0, `The container has ended (log: ${server.logFile}).`);
  let response: Response;
  let body: Uint8Array;
  try {
    response = await fetch(`${server.url}/invocations`, {
      method: "POST",
      body: new Uint8Array(request.body),
      headers: {
        "content-type": header(request, "content-type") ?? "application/octet-stream",
        accept: header(request, "accept") ?? "*/*",
        ...(header(request, CUSTOM_ATTRIBUTES) === undefined
          ? {}
          : { [CUSTOM_ATTRIBUTES]: header(request, CUSTOM_ATTRIBUTES) ?? "" }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    body = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw (error as Error).name === "TimeoutError"
      ? modelError(
          0,
          "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again.",
        )
      : modelError(0, `The container did not answer: ${(error as Error).message}`);
  }
  if (!response.ok) throw modelError(response.status, Buffer.from(body).toString("utf8"));
  if (body.byteLength > MAX_PAYLOAD_BYTES) {
    throw modelError(0, `The response is larger than ${MAX_PAYLOAD_BYTES} bytes.`);
  }
  const attributes = response.headers.get(CUSTOM_ATTRIBUTES);
  return {
    status: 200,
    headers: {
      "content-type": response.headers.get("content-type") ?? "application/octet-stream",
      "x-amzn-invoked-production-variant": variantName,
      ...(attributes === null ? {} : { [CUSTOM_ATTRIBUTES]: attributes }),
    },
    body,
  };
}
