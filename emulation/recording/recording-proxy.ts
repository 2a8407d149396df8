import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { bodyMatters, type ObservedRequest } from "./request-calls.ts";

/** A proxy that runs. */
export interface StartedProxy {
  readonly url: string;
  stop(): Promise<void>;
}

const HOP_BY_HOP = new Set(["connection", "keep-alive", "upgrade", "te", "trailer", "expect"]);
/** Longer than clients rest between two calls: a connection closed as it is used again fails a call. */
const KEEP_ALIVE_MS = 600_000;

/**
 * Starts a reverse proxy before an AWS emulator that shows every request as it passes. What is written to and read from S3 streams
 * through.
 *
 * @param target the emulator's URL.
 * @param observe must not throw.
 */
export async function startRecordingProxy(
  target: string,
  observe: (request: ObservedRequest) => void,
): Promise<StartedProxy> {
  const { hostname, port } = new URL(target);
  const forward = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { method = "GET", url = "/", headers } = request;
    const { pathname, searchParams } = new URL(url, target);
    const seen = { method, path: pathname, query: searchParams, headers };
    const body = bodyMatters(seen) ? await buffer(request) : undefined;
    observe({ ...seen, body: body ?? Buffer.alloc(0) });
    const upstream = http.request({
      hostname,
      port,
      path: url,
      method,
      // A kept-alive connection may be closed by the emulator in the very moment it is used again.
      agent: false,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name))),
    });
    response.once("close", () => upstream.destroy());
    const answered = once(upstream, "response") as Promise<[http.IncomingMessage]>;
    if (body === undefined) request.pipe(upstream);
    else upstream.end(body);
    const [answer] = await answered;
    const answerHeaders = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name));
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(answerHeaders));
    await pipeline(answer, response);
  };
  const server = http.createServer((request, response) => {
    // Clients take a broken connection for what it is, and try again.
    forward(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
