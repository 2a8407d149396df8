import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { OpenSearch } from "../../../../lambdas/shared/open-search/open-search.ts";

interface Reply {
  readonly status: number;
  readonly body: unknown;
  /** How the answer is sent, when otherwise than whole. */
  readonly sent?: "as it is" | "cut" | "unfinished";
}

let server: http.Server;
let endpoint = "";
let replies: Reply[] = [];
let requests: http.IncomingMessage[] = [];

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = "test";
  process.env.AWS_SECRET_ACCESS_KEY = "test";
  server = http.createServer((request, response) => {
    requests.push(request);
    const { status, body, sent }: Reply = replies.shift() ?? { status: 200, body: { ok: true } };
    response.writeHead(status, { "content-type": "application/json" });
    if (sent === "as it is") response.end(body);
    else if (sent === undefined) response.end(JSON.stringify(body));
    else response.write("{", () => sent === "cut" && response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

beforeEach(() => {
  replies = [];
  requests = [];
});

function request(options: { endpoint?: string; requestTimeoutMs?: number } = {}) {
  const openSearch = new OpenSearch({
    endpoint,
    neededPermissions: 'read access ("read") to the index "articles"',
    retryDelayMs: 1,
    ...options,
  });
  return openSearch.request({ method: "POST", path: "/articles/_search" }, z.object({ ok: z.boolean() }));
}

const overloaded = (status: number): Reply => ({
  status,
  body: { error: { type: "rejected_execution_exception", reason: "queue is full" }, status },
});

describe("OpenSearch", () => {
  it("signs for the service es", async () => {
    await request();
    expect(requests[0]?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=test\/\d{8}\/[a-z0-9-]+\/es\/aws4_request/,
    );
  });

  it("signs for the service aoss, and takes an address without https", () => {
    const collection = new OpenSearch({ endpoint: "abc.us-east-1.aoss.amazonaws.com/", neededPermissions: "" });
    expect(collection.endpoint).toBe("https://abc.us-east-1.aoss.amazonaws.com");
    expect(collection.isServerless).toBe(true);
    expect(
      new OpenSearch({ endpoint: "search-x.us-east-1.es.amazonaws.com", neededPermissions: "" }).isServerless,
    ).toBe(false);
  });

  it("takes answers with documents that have keys such as __proto__", async () => {
    replies = [{ status: 200, body: { ok: true, _source: JSON.parse('{"__proto__": {"text": "a"}}') } }];
    await expect(request()).resolves.toMatchObject({ body: { ok: true } });
  });

  it("tries again while the cluster is overloaded", async () => {
    replies = [429, 503, 502, 504, 429].map(overloaded);
    expect((await request()).body).toEqual({ ok: true });
    expect(requests).toHaveLength(6);
  });

  it("gives up in the end, with the cluster's reason", async () => {
    replies = Array.from({ length: 10 }, () => overloaded(429));
    await expect(request()).rejects.toMatchObject({
      name: "OpenSearchUnavailableError",
      status: 429,
      message: expect.stringMatching(/queue is full.*Look at the domain's health/),
    });
    expect(requests).toHaveLength(6);
  });

  it("does not repeat a request that is wrong", async () => {
    const error = {
      type: "search_phase_execution_exception",
      reason: "all shards failed",
      root_cause: [{ type: "parsing_exception", reason: "no such thing" }],
    };
    replies = [{ status: 400, body: { error, status: 400 } }];
    await expect(request()).rejects.toMatchObject({
      types: new Set(["search_phase_execution_exception", "parsing_exception"]),
      reason: "all shards failed; no such thing",
    });
    expect(requests).toHaveLength(1);
  });

  it.each([
    [
      "the security plugin",
      403,
      {
        error: {
          root_cause: [],
          type: "security_exception",
          reason:
            "no permissions for [indices:data/read/search] and User [name=arn:aws:iam::1:role/r, backend_roles=[arn:aws:iam::1:role/r]]",
        },
        status: 403,
      },
      "User [name=arn:aws:iam::1:role/r",
    ],
    [
      "the domain's access policy",
      403,
      { Message: "User: arn:aws:iam::1:role/r is not authorized to perform: es:ESHttpPost" },
      "es:ESHttpPost",
    ],
    ["the signature check", 401, { message: "The security token is expired" }, "token is expired"],
  ])("says what to grant when %s refuses", async (_, status, body, reason) => {
    replies = [{ status, body }];
    const error = (await request().catch((thrown: Error) => thrown)) as Error;
    expect(error).toMatchObject({ name: "OpenSearchAccessDeniedError" });
    expect(error.message).toContain(reason);
    expect(error.message).toContain('with read access ("read") to the index "articles"');
    expect(requests).toHaveLength(1);
  });

  it("says that nothing answers, and where", async () => {
    await expect(request({ endpoint: "http://127.0.0.1:9" })).rejects.toMatchObject({
      name: "OpenSearchUnreachableError",
      message: expect.stringContaining("http://127.0.0.1:9 does not answer"),
    });
  });

  it("asks again when an answer breaks off or does not come to its end", async () => {
    replies = [
      { status: 200, body: {}, sent: "cut" },
      { status: 200, body: {}, sent: "unfinished" },
    ];
    expect((await request({ requestTimeoutMs: 300 })).body).toEqual({ ok: true });
    expect(requests).toHaveLength(3);
  });

  it("says how large an answer was", async () => {
    replies = [{ status: 200, body: { ok: true, text: "é" } }];
    expect((await request()).bytes).toBe(Buffer.byteLength('{"ok":true,"text":"é"}'));
  });

  it.each([
    ["a page of HTML", "<html></html>", "no JSON"],
    ["other JSON", '{"ok":5}', "expected boolean"],
  ])("says that it is no OpenSearch that answers with %s", async (_, body, found) => {
    replies = [{ status: 200, body, sent: "as it is" }];
    const error = (await request().catch((thrown: Error) => thrown)) as Error;
    expect(error.name).toBe("UnexpectedAnswerError");
    expect(error.message).toContain(found);
    expect(error.message).toContain("opensearch_endpoint");
    expect(requests).toHaveLength(1);
  });

  it("tells a block from a role that is not mapped", async () => {
    const error = { type: "cluster_block_exception", reason: "index [ro] blocked by: [FORBIDDEN/7/index read (api)];" };
    replies = [{ status: 403, body: { error, status: 403 } }];
    await expect(request()).rejects.toMatchObject({
      name: "OpenSearchRequestError",
      message: expect.stringContaining("lift the block"),
    });
  });
});
