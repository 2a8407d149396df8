import type { AddressInfo } from "node:net";
import net from "node:net";

/** What lies between a function and the services it calls. */
export interface Network {
  /** From a request to OpenSearch to the first byte of its answer, beside the node's own work; milliseconds. */
  readonly openSearchMs: number;
  /** The same for S3. */
  readonly s3Ms: number;
  /** Of one connection to S3; megabytes a second. */
  readonly s3MegabytesPerSecond: number;
}

/**
 * Networks that measurements are made over. `loopback` is this machine alone. `region` delays as AWS does: S3's performance
 * guide gives 85 to 90 MB/s a connection and first bytes in 100 to 200 ms for small objects at worst; 20 ms are what a warm
 * connection has within a region, and 5 ms a domain's in another availability zone with its TLS and proxy. Neither was measured
 * here. What all connections of a function have together is not limited.
 */
export const NETWORKS = {
  loopback: { openSearchMs: 0, s3Ms: 0, s3MegabytesPerSecond: Number.POSITIVE_INFINITY },
  region: { openSearchMs: 5, s3Ms: 20, s3MegabytesPerSecond: 85 },
} as const satisfies Record<string, Network>;

export type NetworkName = keyof typeof NETWORKS;
export const NETWORK_NAMES = Object.keys(NETWORKS) as [NetworkName, ...NetworkName[]];

/** A server in front of another one that passes on what it is sent after a delay, and answers at once. */
export interface DelayingProxy {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param target http address of the server. */
export async function startDelayingProxy(target: string, delayMs: number): Promise<DelayingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => sockets.delete(socket));
    }
    client.on("data", (bytes) => setTimeout(() => upstream.write(bytes), delayMs));
    client.once("close", () => upstream.destroy());
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
