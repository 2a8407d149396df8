import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { validateCorpus } from "../../../lambdas/s3-validator/validate-corpus.ts";

const MIB = 1024 * 1024;
const TEXT = "lorem ipsum dolor sit amet consectetur adipiscing elit ".repeat(30);

function* corpus(documents: number): Generator<string> {
  for (let n = 0; n < documents; n += 100) {
    let block = "";
    for (let id = n; id < n + 100; id += 1) block += `{"id":"document-${id}","text":"${id} ${TEXT}"}\n`;
    yield block;
  }
}

/** An S3 that makes the corpus up while it is read, and forgets what is written: memory is the validator's alone. */
function forgetfulS3(): http.Server {
  return http.createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://s3");
    request.resume();
    request.once("end", () => {
      const documents = /(\d+)\.jsonl$/.exec(url.pathname)?.[1];
      if (request.method === "GET" && documents !== undefined && url.pathname.includes("/corpora/")) {
        Readable.from(corpus(Number(documents))).pipe(response);
        return;
      }
      response.setHeader("etag", '"0"');
      if (request.method === "GET")
        response.end("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
      else if (url.searchParams.has("uploads")) {
        response.end("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>");
      } else if (request.method === "POST") {
        response.end('<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>');
      } else response.end();
    });
  });
}

let server: http.Server;
let client: S3Client;

beforeAll(async () => {
  server = forgetfulS3();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
});

afterAll(() => {
  client.destroy();
  server.close();
  server.closeAllConnections();
});

async function peakMemory(documents: number): Promise<number> {
  let peak = 0;
  const sampler = setInterval(() => {
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    peak = Math.max(peak, arrayBuffers + heapUsed);
  }, 5);
  try {
    const result = await validateCorpus(client, {
      corpus: { bucket: "bucket", key: `corpora/${documents}.jsonl` },
      run: { bucket: "bucket", key: "run/" },
      maxDocuments: 1_000_000,
      maxInvalidDocuments: 0,
      remainingMs: () => 900_000,
    });
    expect(result.document_count).toBe(documents);
  } finally {
    clearInterval(sampler);
  }
  return peak;
}

describe("memory of validateCorpus", () => {
  it("does not grow from 10,000 documents to 100,000 (170 MB)", async () => {
    const small = await peakMemory(10_000);
    const large = await peakMemory(100_000);
    expect(large - small).toBeLessThan(100 * MIB);
    expect(large).toBeLessThan(250 * MIB);
  });
});
