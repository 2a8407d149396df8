import http from "node:http";

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

/**
 * Lets each request of this process to a server leave so much later, as if the server were further away. A proxy would do so for any
 * client, but would take of the machine's cores for every byte of the answers, which a network does not.
 *
 * @param address http address of the server.
 */
export function delayRequestsTo(address: string, delayMs: number): void {
  if (delayMs === 0) return;
  const { host } = new URL(address);
  const { end } = http.ClientRequest.prototype;
  http.ClientRequest.prototype.end = function (this: http.ClientRequest, ...args: unknown[]) {
    if (this.getHeader("host") !== host) return Reflect.apply(end, this, args);
    setTimeout(() => Reflect.apply(end, this, args), delayMs);
    return this;
  };
}
