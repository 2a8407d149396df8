import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StartedServer } from "../../../emulation/http/forwarding.ts";
import { CallRecorder } from "../../../emulation/recording/call-recorder.ts";
import { startRecordingProxy } from "../../../emulation/recording/recording-proxy.ts";

const ROLE = "arn:aws:iam::000000000000:role/writer";
const OBJECT = Buffer.alloc(5 * 1024 * 1024, "x");

let emulator: Server;
let received = Buffer.alloc(0);
let proxy: StartedServer;
const recorder = new CallRecorder({ account: { id: "000000000000", region: "us-east-1" }, domainArn: "" });

beforeAll(async () => {
  emulator = createServer(async (request, response) => {
    const body = await buffer(request);
    if (request.method === "PUT") received = body;
    response.writeHead(request.method === "GET" && request.url?.includes("absent") ? 404 : 200, { etag: '"1"' });
    response.end(request.method === "GET" ? OBJECT : "");
  });
  emulator.listen(0, "127.0.0.1");
  await once(emulator, "listening");
  const { port } = emulator.address() as AddressInfo;
  proxy = await startRecordingProxy(() => `http://127.0.0.1:${port}`, recorder.observe);
});

afterAll(async () => {
  await proxy?.stop();
  emulator?.close();
});

function client(sessionToken: string): S3Client {
  return new S3Client({
    endpoint: proxy.url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "test", secretAccessKey: "test", sessionToken },
    requestChecksumCalculation: "WHEN_REQUIRED",
    maxAttempts: 1,
  });
}

describe("the recording proxy", () => {
  it("passes what is written and read unchanged, and has the role's calls recorded, but nobody else's", async () => {
    const role = client(ROLE);
    await role.send(new PutObjectCommand({ Bucket: "data", Key: "runs/1/a b", Body: OBJECT }));
    expect(received.equals(OBJECT)).toBe(true);
    const { Body } = await role.send(new GetObjectCommand({ Bucket: "data", Key: "runs/1/a b" }));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(OBJECT)).toBe(true);
    await client("test").send(new GetObjectCommand({ Bucket: "data", Key: "the harness's" }));
    expect(
      recorder.calls.map(({ principal, action, resource, count }) => [principal, action, resource, count]),
    ).toEqual([
      [ROLE, "s3:PutObject", "arn:aws:s3:::data/runs/1/a b", 1],
      [ROLE, "s3:GetObject", "arn:aws:s3:::data/runs/1/a b", 1],
    ]);
  });

  it("passes the emulator's errors on", async () => {
    await expect(client(ROLE).send(new GetObjectCommand({ Bucket: "data", Key: "absent" }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
  });

  it("keeps what it does not understand", async () => {
    await fetch(`${proxy.url}/`, { headers: { "x-amz-security-token": ROLE } });
    expect(recorder.unknown).toEqual([`${ROLE}: GET / (signed for no service)`]);
  });
});
