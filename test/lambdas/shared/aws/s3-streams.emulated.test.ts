import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LineObject, PartWriter } from "../../../../lambdas/shared/aws/part-writer.ts";
import { readObject } from "../../../../lambdas/shared/aws/s3-objects.ts";

/** What no emulator does: connections that break, uploads that are refused halfway. */
let handle: (request: http.IncomingMessage, response: http.ServerResponse) => void;
let server: http.Server;
let client: S3Client;
let requests: {
  method: string | undefined;
  url: URL;
  range: string | undefined;
  ifMatch: string | undefined;
  checksum: string | string[] | undefined;
  bytes: number;
}[] = [];

beforeAll(async () => {
  server = http.createServer((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.once("end", () => {
      const { range, "if-match": ifMatch } = request.headers;
      requests.push({
        method: request.method,
        url: new URL(request.url ?? "", "http://s3"),
        range,
        ifMatch,
        checksum: request.headers["x-amz-checksum-crc32"],
        bytes,
      });
      handle(request, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
});

afterAll(() => {
  client.destroy();
  server.close();
  server.closeAllConnections();
});

beforeEach(() => {
  requests = [];
});

describe("readObject", () => {
  const short = Buffer.from(Array.from({ length: 200_000 }, (_, n) => String.fromCharCode(97 + (n % 26))).join(""));
  let content = short;

  beforeEach(() => {
    content = short;
  });

  function serve(breakAfter: (request: number) => number) {
    handle = (request, response) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
      const start = Number(from ?? 0);
      const rest = content.subarray(start, Number(to) + 1);
      response.writeHead(206, {
        "content-length": rest.length,
        "content-range": `bytes ${start}-${start + rest.length - 1}/${content.length}`,
        etag: '"version-1"',
      });
      const cut = breakAfter(requests.length);
      if (cut >= rest.length) response.end(rest);
      else response.write(rest.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
    };
  }

  async function read(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of readObject(client, { bucket: "bucket", key: "key" })) {
      // What else arrives meanwhile must not get into it.
      await setImmediate();
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks);
  }

  it("takes a broken download up where it stopped, of the same version", async () => {
    serve((request) => (request < 3 ? 70_000 : Number.POSITIVE_INFINITY));
    expect((await read()).equals(content)).toBe(true);
    expect(requests.map(({ range, ifMatch }) => [range, ifMatch])).toEqual([
      ["bytes=0-2097151", undefined],
      ["bytes=70000-199999", '"version-1"'],
      ["bytes=140000-199999", '"version-1"'],
    ]);
  });

  it("reads a large object in ranges over several connections, in their order, of one version", async () => {
    content = Buffer.from(Uint32Array.from({ length: 3_750_000 }, (_, n) => n).buffer);
    let atOnce = 0;
    let most = 0;
    let cut = Number.POSITIVE_INFINITY;
    serve(() => cut);
    const send = handle;
    handle = (request, response) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      response.once("close", () => {
        atOnce -= 1;
      });
      if (requests.length !== 2) return send(request, response);
      // The first of the ranges that are read ahead comes last, and breaks.
      setTimeout(() => {
        cut = 1_000_000;
        send(request, response);
        cut = Number.POSITIVE_INFINITY;
      }, 100);
    };
    expect((await read()).equals(content)).toBe(true);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
    expect(requests.length).toBe(9);
    expect(requests.slice(1).every(({ ifMatch }) => ifMatch === '"version-1"')).toBe(true);
  });

  it("reads from a server that knows no ranges", async () => {
    content = Buffer.alloc(20_000_000, "line\n");
    handle = (_, response) => response.end(content);
    expect((await read()).equals(content)).toBe(true);
    expect(requests.length).toBe(1);
  });

  it("reads an object without content", async () => {
    handle = (_, response) => {
      response.writeHead(416);
      response.end("<Error><Code>InvalidRange</Code><Message>not satisfiable</Message></Error>");
    };
    expect((await read()).length).toBe(0);
  });

  it("asks for nothing more when it is left early", async () => {
    content = Buffer.alloc(30_000_000);
    serve(() => Number.POSITIVE_INFINITY);
    for await (const chunk of readObject(client, { bucket: "bucket", key: "key" })) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    const asked = requests.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(requests.length).toBe(asked);
    expect(asked).toBeLessThanOrEqual(4);
  });

  it("gives up on a download that breaks again and again", async () => {
    serve(() => 10);
    await expect(read()).rejects.toThrow();
    expect(requests).toHaveLength(6);
  });
});

describe("PartWriter", () => {
  const line = "x".repeat(999_999);

  function accept(refuse: (url: URL) => boolean) {
    handle = (request, response) => {
      const url = new URL(request.url ?? "", "http://s3");
      if (refuse(url)) {
        response.writeHead(403);
        response.end("<Error><Code>AccessDenied</Code><Message>not yours</Message></Error>");
        return;
      }
      response.setHeader("etag", '"1"');
      if (url.searchParams.has("uploads")) {
        response.end("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>");
      } else if (request.method === "POST") {
        response.end('<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>');
      } else response.end();
    };
  }

  it("rolls to the next part by bytes and by lines", async () => {
    accept(() => false);
    const writer = new PartWriter(client, {
      prefix: { bucket: "bucket", key: "run/" },
      name: "part",
      firstPart: 5,
      maxPartBytes: 20_000_000,
      maxPartLines: 30,
    });
    for (let n = 0; n < 25; n += 1) await writer.append([line]);
    await writer.append(Array.from({ length: 70 }, () => "short"));
    await writer.finish();
    expect(writer.parts.map(({ location, lines }) => [location.key, lines])).toEqual([
      ["run/part-00005.jsonl", 20],
      ["run/part-00006.jsonl", 30],
      ["run/part-00007.jsonl", 30],
      ["run/part-00008.jsonl", 15],
    ]);
    expect(writer.nextPart).toBe(9);
    const multipart = requests.filter(({ url }) => url.searchParams.has("partNumber"));
    expect(multipart.filter(({ url }) => url.pathname.endsWith("part-00005.jsonl"))).toHaveLength(4);
    // S3 checks the bytes by their CRC-32.
    expect(multipart.every(({ checksum }) => checksum !== undefined)).toBe(true);
  });

  it("keeps the lines of appends that overlap whole and in their order", async () => {
    const bodies: string[] = [];
    accept(() => false);
    server.once("request", (request) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.once("end", () => bodies.push(Buffer.concat(chunks).toString()));
    });
    const writer = new PartWriter(client, { prefix: { bucket: "bucket", key: "run/" }, name: "part" });
    await Promise.all(["a", "b", "c"].map((name) => writer.append([`${name}1`, `${name}2`])));
    await writer.finish();
    expect(bodies.join("")).toContain("a1\na2\nb1\nb2\nc1\nc2\n");
  });

  it("fails instead of waiting for ever when the upload is refused", async () => {
    accept((url) => url.searchParams.get("partNumber") === "2");
    const writer = new PartWriter(client, { prefix: { bucket: "bucket", key: "run/" }, name: "part" });
    const writing = async () => {
      for (let n = 0; n < 60; n += 1) await writer.append([line]);
      await writer.finish();
    };
    await expect(writing()).rejects.toThrow("not yours");
    await writer.abort();
  });

  it("gives an upload up whose first requests were answered", async () => {
    accept(() => false);
    const object = new LineObject(client, { bucket: "bucket", key: "run/given-up.jsonl" });
    for (let n = 0; n < 12; n += 1) await object.append([line]);
    await object.abort();
    const last = requests.at(-1);
    expect([last?.method, last?.url.search]).toEqual(["DELETE", "?uploadId=u&x-id=AbortMultipartUpload"]);
    expect(requests.some(({ method, url }) => method === "POST" && url.searchParams.has("uploadId"))).toBe(false);
  });

  it("leaves nothing of an object that was given up", async () => {
    accept(() => false);
    const object = new LineObject(client, { bucket: "bucket", key: "run/given-up.jsonl" });
    await object.append(["a line"]);
    await object.abort();
    expect(requests).toEqual([]);
  });
});
