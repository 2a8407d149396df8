import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Whether a server of this machine can listen there now.
 *
 * @param port 0 for any.
 */
export async function canListen(port: number, address: string): Promise<boolean> {
  const server = createServer().listen(port, address);
  try {
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
