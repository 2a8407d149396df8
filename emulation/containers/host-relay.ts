import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A server of this machine, reachable at another of its addresses as well. */
export interface StartedRelay {
  /** The same URL with the other address. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Makes a server that listens on the loopback interface reachable at another address of this machine, at the same port:
 * containers see the network's gateway, not this machine's loopback interface.
 *
 * @param url of the server, e.g. `http://127.0.0.1:4711`.
 * @param address IP address of this machine.
 */
export async function startHostRelay(url: string, address: string): Promise<StartedRelay> {
  const { protocol, port } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(Number(port), "127.0.0.1");
    for (const socket of [incoming, outgoing]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    }
    // Each end's failure or close is the other's too.
    incoming.on("error", () => outgoing.destroy());
    outgoing.on("error", () => incoming.destroy());
    incoming.once("close", () => outgoing.destroy());
    outgoing.once("close", () => incoming.destroy());
    incoming.pipe(outgoing).pipe(incoming);
  });
  server.listen(Number(port), address);
  await once(server, "listening");
  return {
    url: `${protocol}//${address}:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
