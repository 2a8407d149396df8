import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { delayRequestsTo } from "../../../bench/scale/network.ts";

const servers: http.Server[] = [];
const { end } = http.ClientRequest.prototype;

async function startServer(): Promise<string> {
  const server = http.createServer((request, response) => request.pipe(response));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends a body; the answer and how long it took. */
function echo(address: string): Promise<{ body: string; ms: number }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(address, { method: "POST" }, async (response) => {
      const body = (await response.toArray()).join("");
      resolve({ body, ms: performance.now() - started });
    });
    request.once("error", reject).end("hello");
  });
}

describe("delayRequestsTo", () => {
  afterEach(() => {
    http.ClientRequest.prototype.end = end;
    for (const server of servers.splice(0)) server.close();
  });

  it("holds back requests to the server, whole, and no others", async () => {
    const [far, near] = [await startServer(), await startServer()];
    const delayMs = 300;
    delayRequestsTo(far, delayMs);
    const [delayed, direct] = await Promise.all([echo(far), echo(near)]);
    expect([delayed.body, direct.body]).toEqual(["hello", "hello"]);
    expect(delayed.ms).toBeGreaterThan(delayMs - 5);
    expect(direct.ms).toBeLessThan(delayed.ms);
  });
});
