import { randomUUID } from "node:crypto";
import type { WireRequest, WireResponse } from "./http-server.ts";
import { ServiceError } from "./service-error.ts";

/** The operations of a service by name; each takes the parsed JSON body and gives the JSON of its output. */
export type JsonOperations = Readonly<Record<string, (input: unknown) => unknown>>;

/** `X-Amz-Target` of an awsJson request, split; undefined when the request is not one. */
export function awsJsonTarget(request: WireRequest): { service: string; operation: string } | undefined {
  const target = request.headers["x-amz-target"];
  if (typeof target !== "string") return undefined;
  const dot = target.lastIndexOf(".");
  return { service: target.slice(0, dot), operation: target.slice(dot + 1) };
}

/** The JSON body of a request; an empty one counts as `{}`. @throws ServiceError `SerializationException`. */
export function jsonBody(request: WireRequest): unknown {
  if (request.body.length === 0) return {};
  try {
    return JSON.parse(request.body.toString("utf8"));
  } catch (error) {
    throw new ServiceError("SerializationException", `The request is not JSON: ${(error as Error).message}`);
  }
}

/** Runs an awsJson1.1 operation; its errors carry their code in `__type`. */
export async function awsJson(run: () => Promise<unknown>): Promise<WireResponse> {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() };
  try {
    return { status: 200, headers, body: JSON.stringify((await run()) ?? {}) };
  } catch (error) {
    const failure = asServiceError(error, "InternalFailure");
    return {
      status: failure.status,
      headers,
      body: JSON.stringify({ __type: failure.code, message: failure.message, ...failure.members }),
    };
  }
}

/** Runs a restJson1 operation; its errors carry their code in `X-Amzn-ErrorType`. */
export async function restJson(run: () => Promise<WireResponse>): Promise<WireResponse> {
  const requestId = { "x-amzn-requestid": randomUUID() };
  try {
    const response = await run();
    return { ...response, headers: { ...response.headers, ...requestId } };
  } catch (error) {
    const failure = asServiceError(error, "InternalServerException");
    return {
      status: failure.status,
      headers: { "content-type": "application/json", "x-amzn-errortype": failure.code, ...requestId },
      body: JSON.stringify({ message: failure.message, ...failure.members }),
    };
  }
}

function asServiceError(error: unknown, internal: string): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError(internal, error instanceof Error ? (error.stack ?? error.message) : String(error), 500);
}

/** A time as awsJson wants it: seconds since 1970 with fractions. */
export function epochSeconds(time: Date): number {
  return time.getTime() / 1000;
}
