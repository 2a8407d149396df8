import path from "node:path";
import { OpenSearchContainer } from "@testcontainers/opensearch";
import { Wait } from "testcontainers";
import { startContainer } from "../containers/started-container.ts";
import { configurationFiles } from "./configuration.ts";
import { identityHeaders, MASTER, type NodeSecurity } from "./security.ts";

const HTTP_PORT = 9200;
const CONFIGURATION = "/usr/share/opensearch/config";

/** How a node is set up in a container. */
export interface ContainerNodeOptions {
  /** Laid out as opensearchproject/opensearch, 2.19.1. */
  readonly image: string;
  /** Java heap in MiB. */
  readonly heapMb: number;
  /** Fine-grained access control. */
  readonly security: NodeSecurity;
}

/** A single OpenSearch node in a container that believes the front door who calls. */
export class DomainNodeContainer extends OpenSearchContainer {
  constructor({ image, heapMb, security }: ContainerNodeOptions) {
    super(image);
    const files = configurationFiles({ "network.host": "0.0.0.0" }, security);
    this.withEnvironment({
      OPENSEARCH_JAVA_OPTS: `-Xms${heapMb}m -Xmx${heapMb}m -XX:TieredStopAtLevel=1`,
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
  }
}

/** A running node in a container. */
export interface StartedContainerNode {
  /** Address on this machine. */
  readonly url: string;
  readonly logFile: string;
  /** Removes the container with its data. */
  stop(): Promise<void>;
}

/**
 * Starts a node in a container and waits until it serves. Its log is followed into the work directory.
 *
 * @param options.workDirectory an existing folder for the log.
 * @param options.network name of the network to join. @default - the engine's bridge
 * @throws ContainerFailedError with the end of the log when it does not start.
 */
export async function startContainerNode(
  options: ContainerNodeOptions & { readonly workDirectory: string; readonly network?: string },
): Promise<StartedContainerNode> {
  const container = new DomainNodeContainer(options);
  if (options.network !== undefined) container.withNetworkMode(options.network);
  const logFile = path.join(options.workDirectory, "opensearch.log");
  const started = await startContainer({ name: "OpenSearch", container, logFile });
  return { url: `http://127.0.0.1:${started.mappedPort(HTTP_PORT)}`, logFile, stop: started.stop };
}
