import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { ServiceError } from "./service-error.ts";

/** A request, read whole. */
export interface WireRequest {
  readonly method: string;
  /** Path without the query, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** A running stub server. */
export interface WireServer {
  readonly url: string;
  /** Ends all connections. */
  stop(): Promise<void>;
}

type Respond = (request: WireRequest) => Promise<WireResponse>;

/** Is shown each request before it is answered; must not throw. */
export type Observe = (request: WireRequest) => void;

/** Larger than any request the stubs take, so that the services' own limits answer first. */
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
const HTTP2_PREFACE = "PRI";

async function readBody(message: IncomingMessage | Http2ServerRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > BODY_LIMIT_BYTES) throw new ServiceError("RequestEntityTooLargeException", "Request is too large.", 413);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function answer(
  message: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  respond: Respond,
  observe: Observe,
): Promise<void> {
  let result: WireResponse;
  try {
    const url = new URL(message.url ?? "/", "http://stub");
    const request: WireRequest = {
      method: message.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      headers: message.headers,
      body: await readBody(message),
    };
    observe(request);
    result = await respond(request);
  } catch (error) {
    const tooLarge = error instanceof ServiceError;
    result = {
      status: tooLarge ? error.status : 500,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ message: error instanceof Error ? error.message : String(error) }),
    };
  }
  const bytes = typeof result.body === "string" ? Buffer.from(result.body) : result.body;
  response.statusCode = result.status;
  for (const [name, value] of Object.entries(result.headers)) response.setHeader(name, value);
  response.setHeader("content-length", bytes.byteLength);
  response.end(bytes);
}

/**
 * Serves HTTP/1.1 and cleartext HTTP/2 on one port of 127.0.0.1: the JavaScript SDK's Bedrock runtime client speaks
 * HTTP/2 only, botocore and OpenSearch HTTP/1.1 only.
 *
 * @param port 0 for a free one
 */
export async function serve(respond: Respond, port = 0, observe: Observe = () => undefined): Promise<WireServer> {
  const http1 = createHttp1Server((message, response) => void answer(message, response, respond, observe));
  // Longer than clients rest between two polls: a connection closed as it is used again fails a call.
  http1.keepAliveTimeout = 600_000;
  const http2 = createHttp2Server((message, response) => void answer(message, response, respond, observe));
  const sockets = new Set<Socket>();
  const tcp = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.once("data", (first) => {
      socket.pause();
      socket.unshift(first);
      const target = first.subarray(0, 3).toString("latin1") === HTTP2_PREFACE ? http2 : http1;
      target.emit("connection", socket);
      process.nextTick(() => socket.resume());
    });
  });
  await new Promise<void>((resolve, reject) => {
    tcp.once("error", reject);
    tcp.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
