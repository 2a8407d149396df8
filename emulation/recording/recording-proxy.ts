import http from "node:http";
import { buffer } from "node:stream/consumers";
import { forward, listen, type StartedServer } from "../http/forwarding.ts";
import { bodyMatters, type ObservedRequest } from "./request-calls.ts";

/** Longer than clients rest between two calls: a connection closed as it is used again fails a call. */
const KEEP_ALIVE_MS = 600_000;

/**
 * Starts a reverse proxy before an AWS emulator that shows every request as it passes. What is written to and read from S3 streams
 * through.
 *
 * @param target gives the emulator's URL; asked for each request, since the emulator is told the proxy's before it starts.
 * @param observe must not throw.
 */
export async function startRecordingProxy(
  target: () => string,
  observe: (request: ObservedRequest) => void,
): Promise<StartedServer> {
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { method = "GET", url = "/", headers } = request;
    const { pathname, searchParams } = new URL(url, target());
    const seen = { method, path: pathname, query: searchParams, headers };
    const body = bodyMatters(seen) ? await buffer(request) : undefined;
    observe({ ...seen, body: body ?? Buffer.alloc(0) });
    await forward(request, response, { target: target(), headers, ...(body === undefined ? {} : { body }) });
  };
  const server = http.createServer((request, response) => {
    // Clients take a broken connection for what it is, and try again.
    handle(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return listen(server, "http");
}
