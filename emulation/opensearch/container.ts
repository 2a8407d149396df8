import path from "node:path";
import { GenericContainer, Wait } from "testcontainers";
import { startContainer } from "../runtimes/started-container.ts";
import { identityHeaders, MASTER, type NodeSecurity } from "./security.ts";
import { NODE_SETTINGS, type Setting } from "./settings.ts";

const HTTP_PORT = 9200;
const CONFIGURATION = "/usr/share/opensearch/config";

/** A running node in a container. */
export interface StartedOpenSearchContainer {
  /** Address on this machine. */
  readonly url: string;
  readonly logFile: string;
  /** Removes the container with its data. */
  stop(): Promise<void>;
}

/** Builder of a single OpenSearch node in a container. */
export class OpenSearchContainer {
  readonly #image: string;
  #heapMb = 512;
  #workDirectory: string | undefined;
  #network: string | undefined;
  #security: NodeSecurity | undefined;
  readonly #settings: Record<string, Setting> = { ...NODE_SETTINGS, "network.host": "0.0.0.0" };

  /** @param image laid out as opensearchproject/opensearch, 2.19.1. */
  constructor(image: string) {
    this.#image = image;
  }

  /** Java heap in MiB. @default 512 */
  withHeapMb(heapMb: number): this {
    this.#heapMb = heapMb;
    return this;
  }

  /** Fine-grained access control. @default - everybody may do everything */
  withSecurity(security: NodeSecurity): this {
    this.#security = security;
    return this;
  }

  /** A setting for `opensearch.yml`. */
  withSetting(key: string, value: Setting): this {
    this.#settings[key] = value;
    return this;
  }

  /** An existing folder for the log. Required. */
  withWorkDirectory(directory: string): this {
    this.#workDirectory = directory;
    return this;
  }

  /** Name of the network to join. @default - the engine's bridge */
  withNetwork(network: string): this {
    this.#network = network;
    return this;
  }

  /** Starts the node and waits until it serves. Its log is followed into the work directory. */
  async start(): Promise<StartedOpenSearchContainer> {
    if (this.#workDirectory === undefined) throw new TypeError("withWorkDirectory() must be called before start().");
    const logFile = path.join(this.#workDirectory, "opensearch.log");
    const settings = { ...this.#settings, ...this.#security?.settings };
    const files = new Map([
      ...(this.#security?.files ?? []),
      // JSON is YAML.
      ["opensearch.yml", JSON.stringify(settings, null, 2)],
    ]);
    const container = new GenericContainer(this.#image)
      .withExposedPorts(HTTP_PORT)
      .withEnvironment({
        OPENSEARCH_JAVA_OPTS: `-Xms${this.#heapMb}m -Xmx${this.#heapMb}m -XX:TieredStopAtLevel=1`,
        DISABLE_INSTALL_DEMO_CONFIG: "true",
        DISABLE_PERFORMANCE_ANALYZER_AGENT_CLI: "true",
      })
      .withCopyContentToContainer(
        [...files].map(([file, content]) => ({ content, target: `${CONFIGURATION}/${file}`, mode: 0o644 })),
      )
      .withWaitStrategy(
        Wait.forHttp("/_cluster/health?wait_for_status=yellow&timeout=5s", HTTP_PORT, { abortOnContainerExit: true })
          .forStatusCode(200)
          .withHeaders(identityHeaders(MASTER)),
      );
    if (this.#network !== undefined) container.withNetworkMode(this.#network);
    const started = await startContainer({ name: "OpenSearch", container, logFile });
    return { url: `http://127.0.0.1:${started.mappedPort(HTTP_PORT)}`, logFile, stop: started.stop };
  }
}
