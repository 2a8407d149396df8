import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import getPort from "get-port";
import { z } from "zod";
import { startProcess, waitUntilReady } from "../processes.ts";
import { EMULATOR_CREDENTIALS, type ForwardedService, type StartedAwsEmulator } from "./aws-emulator.ts";

const LAUNCHER = fileURLToPath(new URL("./ministack/launcher.py", import.meta.url));
const START_TIMEOUT_MS = 60_000;
/** It has nothing to save, but waits for clients that keep their connections open. */
const STOP_GRACE_MS = 500;
const Health = z.object({ edition: z.string() });

/**
 * MiniStack 1.5.33 as a process, with what the pipeline needs in addition: the calls of state machines and functions to
 * SageMaker and Bedrock reach other servers, and Node functions run in processes of their own.
 *
 * @example
 * const aws = await new MiniStack().withPython(python).withServiceEndpoint("sagemaker", stub.url).start();
 */
export class MiniStack {
  private python = "python3";
  private port: number | undefined;
  private waitScale = 1;
  private workDirectory: string | undefined;
  private certificateAuthority: string | undefined;
  private functionGateway: string | undefined;
  private readonly serviceEndpoints = new Map<ForwardedService, string>();

  /** The interpreter of the environment that has MiniStack. @default "python3" */
  withPython(python: string): this {
    this.python = python;
    return this;
  }

  /** @default - a free port */
  withPort(port: number): this {
    this.port = port;
    return this;
  }

  /** Where calls to a service go. @default - state machines and functions get an error from MiniStack */
  withServiceEndpoint(service: ForwardedService, url: string): this {
    this.serviceEndpoints.set(service, url);
    return this;
  }

  /** Factor on the waits of state machines (Wait states, delays before retries), not on their timeouts. @default 1 */
  withWaitScale(scale: number): this {
    this.waitScale = scale;
    return this;
  }

  /** PEM file of an authority that the functions trust besides the usual ones. @default - none */
  withCertificateAuthority(file: string): this {
    this.certificateAuthority = file;
    return this;
  }

  /** Where functions reach MiniStack. @default - MiniStack itself */
  withFunctionGateway(url: string): this {
    this.functionGateway = url;
    return this;
  }

  /** Where the log and the functions' files are put. @default - a temporary directory, removed by `stop()` */
  withWorkDirectory(directory: string): this {
    this.workDirectory = directory;
    return this;
  }

  /** @throws ProcessFailedError with the end of the log when it does not start. */
  async start(): Promise<StartedAwsEmulator> {
    const directory = this.workDirectory ?? (await mkdtemp(path.join(tmpdir(), "ministack-")));
    const temporary = path.join(directory, "tmp");
    await mkdir(temporary, { recursive: true });
    const port = this.port ?? (await getPort());
    const endpoint = `http://127.0.0.1:${port}`;
    const edition = randomUUID();
    const started = startProcess({
      name: "MiniStack",
      command: this.python,
      args: [
        LAUNCHER,
        ...["--port", String(port), "--wait-scale", String(this.waitScale), "--node", process.execPath],
        ...(this.certificateAuthority === undefined ? [] : ["--certificate-authority", this.certificateAuthority]),
        ...(this.functionGateway === undefined ? [] : ["--function-gateway", this.functionGateway]),
        ...[...this.serviceEndpoints].flatMap(([service, url]) => ["--service-endpoint", `${service}=${url}`]),
      ],
      env: {
        PATH: process.env.PATH,
        // Nothing of this user's: neither credentials nor a shell's settings.
        HOME: temporary,
        TMPDIR: temporary,
        S3_DATA_DIR: path.join(temporary, "s3"),
        STATE_DIR: path.join(temporary, "state"),
        PYTHONUNBUFFERED: "1",
        PYTHONDONTWRITEBYTECODE: "1",
        LOG_LEVEL: "INFO",
        // Told by its health URL, which another server may answer on this port.
        MINISTACK_EDITION: edition,
      },
      cwd: directory,
      logFile: path.join(directory, "ministack.log"),
    });
    const stop = async () => {
      await started.stop(STOP_GRACE_MS);
      await rm(this.workDirectory === undefined ? directory : temporary, { recursive: true, force: true });
    };
    try {
      await waitUntilReady(started, async () => (await runningEdition(endpoint)) === edition, START_TIMEOUT_MS, 100);
    } catch (error) {
      await stop();
      throw error;
    }
    return { endpoint, logFile: started.logFile, credentials: EMULATOR_CREDENTIALS, stop };
  }
}

async function runningEdition(endpoint: string): Promise<string> {
  const response = await fetch(`${endpoint}/_ministack/health`, { signal: AbortSignal.timeout(2_000) });
  return Health.parse(await response.json()).edition;
}
