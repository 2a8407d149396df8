import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as tar from "tar";
import { logTail, type StartedProcess, startProcess, waitUntilReady } from "../../processes/processes.ts";
import { LogFollower } from "../log-follower.ts";
import type { CreateModelInput } from "./inputs.ts";
import { logFilePath, logStream, type StubContext } from "./stub-context.ts";

const SERVER = fileURLToPath(new URL("model_server.py", import.meta.url));
/** ContainerStartupHealthCheckTimeoutInSeconds when the variant does not set it. */
const DEFAULT_STARTUP_TIMEOUT_S = 600;

/** A model server that could not be brought up; its message is the endpoint's FailureReason. */
export class ModelServerError extends Error {
  override readonly name = "ModelServerError";
}

export interface ModelServerOptions {
  readonly context: StubContext;
  readonly endpointName: string;
  readonly variantName: string;
  /** Counts the deployments of the endpoint, so that old and new can run side by side. */
  readonly deployment: number;
  readonly model: CreateModelInput;
  readonly startupTimeoutSeconds: number | undefined;
}

/** One production variant's container: the model's artifact and the process that serves it. */
export class ModelServer {
  readonly logFile: string;
  readonly #options: ModelServerOptions;
  readonly #directory: string;
  #process: StartedProcess | undefined;
  #follower: LogFollower | undefined;
  #url: string | undefined;

  constructor(options: ModelServerOptions) {
    const { context, endpointName, variantName, deployment } = options;
    this.#options = options;
    const name = `${endpointName}-${variantName}-${deployment}`;
    this.#directory = path.join(context.workDirectory, "endpoints", name);
    this.logFile = logFilePath(context, "endpoints", name);
  }

  /** Where `/ping` and `/invocations` are; undefined until `start` is through. */
  get url(): string | undefined {
    return this.#process?.running === true ? this.#url : undefined;
  }

  /** Downloads the artifact, starts the process and waits for its `/ping`. @throws ModelServerError */
  async start(): Promise<void> {
    const { context, model, variantName, startupTimeoutSeconds } = this.#options;
    const container = model.PrimaryContainer ?? model.Containers?.[0];
    const modelDirectory = path.join(this.#directory, "model");
    await mkdir(modelDirectory, { recursive: true });
    await this.#fetchArtifact(modelDirectory);
    const portFile = path.join(this.#directory, "port");
    await rm(portFile, { force: true });
    const containerEnvironment = Object.fromEntries(
      Object.entries(container?.Environment ?? {}).map(([name, value]) => [
        name,
        value.replace(/^\/opt\/ml\/model(?=$|\/)/, modelDirectory),
      ]),
    );
    const started = startProcess({
      name: `model server of ${this.#options.endpointName}`,
      command: context.python,
      args: [SERVER, "--model-dir", modelDirectory, "--port-file", portFile],
      cwd: modelDirectory,
      logFile: this.logFile,
      env: {
        PATH: process.env.PATH,
        HOME: this.#directory,
        LANG: "C.UTF-8",
        PYTHONUNBUFFERED: "TRUE",
        ...context.jobEnvironment,
        ...containerEnvironment,
        AWS_REGION: context.region,
        SM_MODEL_DIR: modelDirectory,
      },
    });
    this.#process = started;
    this.#forwardLog();
    const ready = async () => {
      const port = (await readFile(portFile, "utf8")).trim();
      this.#url = `http://127.0.0.1:${port}`;
      return (await fetch(`${this.#url}/ping`)).ok;
    };
    try {
      await waitUntilReady(started, ready, (startupTimeoutSeconds ?? DEFAULT_STARTUP_TIMEOUT_S) * 1000);
    } catch (error) {
      throw new ModelServerError(
        `The primary container for production variant ${variantName} did not pass the ping health check. Please check CloudWatch logs for this endpoint. (emulator: ${logTail(this.logFile, 8)})`,
        { cause: error },
      );
    }
  }

  /** Ends the process and removes the artifact. */
  async stop(): Promise<void> {
    await this.#process?.stop(5_000);
    await this.#follower?.finish();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #fetchArtifact(directory: string): Promise<void> {
    const { context, model } = this.#options;
    const container = model.PrimaryContainer ?? model.Containers?.[0];
    const source = container?.ModelDataSource?.S3DataSource;
    const uri = source?.S3Uri ?? container?.ModelDataUrl;
    if (uri === undefined) return;
    const store = context.stores.as(model.ExecutionRoleArn);
    try {
      if (source?.CompressionType === "None") {
        if ((await store.downloadPrefix(uri, directory)) === 0) throw new Error("there are no objects");
        return;
      }
      const archive = path.join(this.#directory, "model.tar.gz");
      await store.downloadObject(uri, archive);
      await tar.extract({ file: archive, cwd: directory });
      await rm(archive);
    } catch (error) {
      throw new ModelServerError(
        `Failed to download model data for container "container_1" from URL: "${uri}". Please ensure that there is an object located at the URL and that the role passed to CreateModel has permissions to download the model. (emulator: ${(error as Error).message})`,
        { cause: error },
      );
    }
  }

  #forwardLog(): void {
    const { context, model, endpointName, variantName, deployment } = this.#options;
    const stream = logStream(
      context,
      model.ExecutionRoleArn,
      `/aws/sagemaker/Endpoints/${endpointName}`,
      `${variantName}/i-${String(deployment).padStart(17, "0")}`,
    );
    if (stream === undefined) return;
    const follower = new LogFollower(this.logFile, (lines, seen) => stream.append(lines, seen));
    this.#follower = follower;
    void this.#process?.exited.then(async () => {
      await follower.finish();
      await stream.finish();
    });
  }
}
