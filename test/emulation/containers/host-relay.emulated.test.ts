import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { startHostRelay } from "../../../emulation/containers/host-relay.ts";

/** Another address of this machine than the usual one: Linux answers on all of 127/8. */
const OTHER_ADDRESS =
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.2";

async function echoServer() {
  const server = createServer(async (request, response) => {
    let size = 0;
    for await (const chunk of request) size += (chunk as Buffer).length;
    response.end(`${request.headers.host} sent ${size}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

describe("startHostRelay", () => {
  it("carries requests of any size to the server, at the same port of the other address", async () => {
    const server = await echoServer();
    const relay = await startHostRelay(server.url, OTHER_ADDRESS);
    expect(relay.url).toBe(server.url.replace("127.0.0.1", OTHER_ADDRESS));
    const answer = await fetch(relay.url, { method: "POST", body: "x".repeat(3_000_000) });
    expect(await answer.text()).toBe(`${new URL(relay.url).host} sent 3000000`);
    await relay.stop();
    await server.stop();
  });

  it("breaks a connection when the server is gone, and ends all when it is stopped", async () => {
    const server = await echoServer();
    const relay = await startHostRelay(server.url, OTHER_ADDRESS);
    await server.stop();
    await expect(fetch(relay.url)).rejects.toThrow();
    await relay.stop();
    await expect(fetch(relay.url)).rejects.toThrow();
  });
});
