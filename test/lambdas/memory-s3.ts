import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { S3Client } from "@aws-sdk/client-s3";

/** An S3 of this process that knows whole objects alone, for tests that ask it thousands of times. */
export interface MemoryS3 {
  readonly client: S3Client;
  /** Bodies by `/bucket/key`. */
  readonly objects: Map<string, Buffer>;
  stop(): void;
}

export async function startMemoryS3(): Promise<MemoryS3> {
  const objects = new Map<string, Buffer>();
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://s3");
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      response.setHeader("etag", '"0"');
      if (request.method === "PUT") objects.set(url.pathname, Buffer.concat(chunks));
      if (request.method !== "GET") return response.end();
      if (url.searchParams.has("list-type")) {
        return response.end("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
      }
      return response.end(objects.get(url.pathname));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  return {
    client,
    objects,
    stop() {
      client.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}
