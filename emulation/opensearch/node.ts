import { chownSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { findJdk, type Jdk } from "../java/jdk.ts";
import { startProcess, waitUntilReady } from "../processes/processes.ts";
import { configurationFiles } from "./configuration.ts";
import { openSearchDistribution } from "./distribution.ts";
import { identityHeaders, MASTER, type NodeSecurity } from "./security.ts";
import type { Setting } from "./settings.ts";
import { isReachable, linkTree, ownedDirectory, removedOnExit, type User, unprivilegedUser } from "./unprivileged.ts";

/** A running node. */
export interface StartedOpenSearchNode {
  /** `http://127.0.0.1:<port>`: the node itself, without authentication. */
  readonly url: string;
  readonly logFile: string;
  /** Of the Java virtual machine. */
  readonly pid: number;
  /** Ends the node and removes its data. */
  stop(): Promise<void>;
}

/** What the node needs from the cache; made in some 12 s on first use. */
export interface OpenSearchInstallation {
  readonly jdk: Jdk;
  readonly home: string;
}

const START_TIMEOUT_MS = 300_000;

/** Ports are the system's choice, so that nodes of several runs never want the same one; the node writes them to files. */
const PROCESS_SETTINGS: Readonly<Record<string, Setting>> = {
  "node.portsfile": true,
  "network.host": "127.0.0.1",
  "http.port": "0",
  "transport.port": "0",
};

/** The JVM options of the official distribution that matter for a small node. */
function javaOptions(heapMb: number, directories: NodeDirectories): string[] {
  return [
    `-Xms${heapMb}m`,
    `-Xmx${heapMb}m`,
    "-Xss1m",
    "-XX:+UseG1GC",
    // The node lives for minutes: the optimising compiler would take longer than it saves.
    "-XX:TieredStopAtLevel=1",
    "-XX:-OmitStackTraceInFastThrow",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Djava.locale.providers=SPI,COMPAT",
    "-Djava.security.manager=allow",
    `-Djava.io.tmpdir=${directories.temporary}`,
    `-Djna.tmpdir=${directories.temporary}`,
    `-Dopensearch.path.home=${directories.home}`,
    `-Dopensearch.path.conf=${directories.config}`,
    "-Dopensearch.distribution.type=tar",
    "-Dopensearch.bundled_jdk=false",
    "-cp",
    path.join(directories.home, "lib", "*"),
  ];
}

interface NodeDirectories {
  readonly home: string;
  readonly javaHome: string;
  readonly config: string;
  readonly data: string;
  readonly logs: string;
  readonly temporary: string;
}

const Health = z.object({ timed_out: z.boolean() });

async function isHealthy(url: string): Promise<boolean> {
  const response = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=5s`, {
    headers: identityHeaders(MASTER),
  });
  return response.ok && !Health.parse(await response.json()).timed_out;
}

/** The Java runtime and the distribution, made on first use. Worth calling early, beside other preparations. */
export async function prepareOpenSearch(): Promise<OpenSearchInstallation> {
  const jdk = await findJdk();
  return { jdk, home: await openSearchDistribution(jdk) };
}

/** Builder of a single OpenSearch node that runs as a process of this machine. */
export class OpenSearchNode {
  #heapMb = 512;
  #workDirectory: string | undefined;
  readonly #javaOptions: string[] = [];
  #security: NodeSecurity | undefined;

  /** Java heap in MiB; the process takes some 250 MiB more. @default 512 */
  withHeapMb(heapMb: number): this {
    this.#heapMb = heapMb;
    return this;
  }

  /** An option of the Java virtual machine; it overrides those of the harness. */
  withJavaOption(option: string): this {
    this.#javaOptions.push(option);
    return this;
  }

  /** Fine-grained access control; the node starts some 5 s later. @default - everybody may do everything */
  withSecurity(security: NodeSecurity): this {
    this.#security = security;
    return this;
  }

  /** An existing folder for the node's log, configuration and data. Required. */
  withWorkDirectory(directory: string): this {
    this.#workDirectory = directory;
    return this;
  }

  /**
   * Starts the node and waits until it serves; 6 to 8 s on two cores. OpenSearch refuses to run as root, so that root
   * starts it as another user, with whatever that user cannot reach linked into a temporary folder of its own.
   *
   * @throws JdkNotFoundError, MavenError when what it needs is not installed; ProcessFailedError with the end of the log
   *   when it does not start.
   */
  async start(): Promise<StartedOpenSearchNode> {
    const workDirectory = this.#workDirectory;
    if (workDirectory === undefined) throw new TypeError("withWorkDirectory() must be called before start().");
    const installation = await prepareOpenSearch();
    const user = unprivilegedUser();
    const root =
      user === undefined
        ? await mkdtemp(path.join(workDirectory, "node-"))
        : await ownedDirectory(workDirectory, "opensearch-node-", user);
    const remove = removedOnExit(root);
    try {
      const directories = await this.#layOut(root, installation, user);
      const logFile = path.join(workDirectory, "opensearch.log");
      const node = startProcess({
        name: "OpenSearch",
        command: path.join(directories.javaHome, "bin", "java"),
        args: [...javaOptions(this.#heapMb, directories), ...this.#javaOptions, "org.opensearch.bootstrap.OpenSearch"],
        cwd: root,
        env: { PATH: process.env.PATH, OPENSEARCH_TMPDIR: directories.temporary, HOME: root },
        logFile,
        ...user,
      });
      const stop = async () => {
        await node.stop();
        remove();
      };
      try {
        let url: string | undefined;
        await waitUntilReady(
          node,
          async () => {
            url ??= `http://${await httpAddress(directories.logs)}`;
            return isHealthy(url);
          },
          START_TIMEOUT_MS,
        );
        if (url === undefined) throw new TypeError("A ready node has written its address.");
        return { url, logFile, pid: node.pid, stop };
      } catch (error) {
        await stop();
        throw error;
      }
    } catch (error) {
      remove();
      throw error;
    }
  }

  async #layOut(root: string, { jdk, home }: OpenSearchInstallation, user: User | undefined): Promise<NodeDirectories> {
    const readable = async (directory: string, name: string) => {
      if (user === undefined || (await isReachable(directory, user))) return directory;
      const linked = path.join(root, name);
      await linkTree(directory, linked);
      return linked;
    };
    const directories: NodeDirectories = {
      home: await readable(home, "home"),
      javaHome: await readable(jdk.home, "java"),
      config: path.join(root, "config"),
      data: path.join(root, "data"),
      logs: path.join(root, "logs"),
      temporary: path.join(root, "tmp"),
    };
    await cp(path.join(home, "config"), directories.config, { recursive: true });
    for (const directory of [directories.data, directories.logs, directories.temporary]) await mkdir(directory);
    const settings = { ...PROCESS_SETTINGS, "path.data": directories.data, "path.logs": directories.logs };
    for (const [file, content] of configurationFiles(settings, this.#security)) {
      await writeFile(path.join(directories.config, file), content, { mode: 0o644 });
    }
    if (user !== undefined) {
      const { config, data, logs, temporary } = directories;
      for (const directory of [config, data, logs, temporary]) chownSync(directory, user.uid, user.gid);
    }
    return directories;
  }
}

async function httpAddress(logsDirectory: string): Promise<string> {
  const [address] = (await readFile(path.join(logsDirectory, "http.ports"), "utf8")).trim().split("\n");
  return z.string().min(1).parse(address);
}
