import { once } from "node:events";
import http from "node:http";
import type https from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";

/** A server of this machine. */
export interface StartedServer {
  readonly url: string;
  /** Ends all connections. */
  stop(): Promise<void>;
}

/** Headers of one connection, which say nothing to the next. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "upgrade", "te", "trailer", "expect"]);

/** What is passed on of a request. */
export interface Forwarding {
  /** URL of the server; only its origin counts. */
  readonly target: string;
  readonly headers: http.IncomingHttpHeaders;
  /** @default - the request's own body, as a stream */
  readonly body?: Buffer;
}

/** Passes a request on to another server, and its answer back. */
export async function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { target, headers, body }: Forwarding,
): Promise<void> {
  // Of the target only the origin: a URL would normalise what stands in the request line.
  const { hostname, port } = new URL(target);
  const passed = Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !HOP_BY_HOP.has(name) && (body === undefined || name !== "transfer-encoding"),
    ),
  );
  const upstream = http.request({
    hostname,
    port,
    path: request.url,
    method: request.method,
    // A kept-alive connection may be closed by the server in the very moment it is used again.
    agent: false,
    headers: body === undefined ? passed : { ...passed, "content-length": body.length },
  });
  response.once("close", () => upstream.destroy());
  const answered = once(upstream, "response") as Promise<[http.IncomingMessage]>;
  if (body === undefined) request.pipe(upstream);
  else upstream.end(body);
  const [answer] = await answered;
  const answerHeaders = Object.entries(answer.headers).filter(
    ([name]) => !HOP_BY_HOP.has(name) && name !== "transfer-encoding",
  );
  response.writeHead(answer.statusCode ?? 502, Object.fromEntries(answerHeaders));
  await pipeline(answer, response);
}

/** Lets a server listen on a free port of the loopback interface. */
export async function listen(server: http.Server | https.Server, protocol: "http" | "https"): Promise<StartedServer> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
