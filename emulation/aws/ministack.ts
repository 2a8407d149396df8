import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import getPort from "get-port";
import { z } from "zod";
import { canListen } from "../processes/listening.ts";
import { ProcessFailedError, startProcess, waitUntilReady } from "../processes/processes.ts";
import {
  type AwsEmulatorSettings,
  EMULATOR_CREDENTIALS,
  emulatorEnvironment,
  type StartedAwsEmulator,
} from "./aws-emulator.ts";

export const MINISTACK_VERSION = "1.5.33";

const LAUNCHER = fileURLToPath(new URL("./ministack/launcher.py", import.meta.url));
const HOST = "127.0.0.1";
const START_TIMEOUT_MS = 120_000;
/** It has nothing to save, but waits for clients that keep their connections open. */
const STOP_GRACE_MS = 500;
const Health = z.object({ edition: z.string() });

/** How MiniStack is started. */
export interface MiniStackOptions extends AwsEmulatorSettings {
  /** The interpreter of the environment that has MiniStack. */
  readonly python: string;
  /** @default - a free port */
  readonly port?: number;
  /** An existing folder for the log. @default - a temporary folder, removed by `stop()` */
  readonly workDirectory?: string;
}

/**
 * Starts MiniStack 1.5.33 as a process, with what the pipeline needs in addition: the calls of state machines and functions
 * to SageMaker and Bedrock reach other servers, and Node functions run in processes of their own.
 *
 * @throws ProcessFailedError with the end of the log when it does not start.
 *
 * @example
 * const aws = await startMiniStack({ python, serviceEndpoints: { sagemaker: stub.url } });
 */
export async function startMiniStack(options: MiniStackOptions): Promise<StartedAwsEmulator> {
  const { python, region = "us-east-1", waitScale = 1 } = options;
  const port = options.port ?? (await getPort());
  if (!(await canListen(port, HOST))) {
    throw new ProcessFailedError(`MiniStack could not be started: port ${port} is already in use.`);
  }
  const workDirectory = options.workDirectory ?? (await mkdtemp(path.join(tmpdir(), "ministack-")));
  const directory = path.join(workDirectory, "tmp");
  await mkdir(directory, { recursive: true });
  const edition = randomUUID();
  const started = startProcess({
    name: "MiniStack",
    command: python,
    args: [LAUNCHER],
    env: {
      PATH: process.env.PATH,
      // Nothing of this user's: neither credentials nor a shell's settings.
      HOME: directory,
      TMPDIR: directory,
      PYTHONUNBUFFERED: "1",
      PYTHONDONTWRITEBYTECODE: "1",
      LOG_LEVEL: "INFO",
      GATEWAY_PORT: String(port),
      BIND_HOST: HOST,
      MINISTACK_REGION: region,
      SFN_WAIT_SCALE: String(waitScale),
      S3_DATA_DIR: path.join(directory, "s3"),
      STATE_DIR: path.join(directory, "state"),
      MINISTACK_EDITION: edition,
      ...emulatorEnvironment(options, process.execPath),
    },
    cwd: workDirectory,
    logFile: path.join(workDirectory, "ministack.log"),
  });
  const stop = async () => {
    await started.stop(STOP_GRACE_MS);
    await rm(options.workDirectory === undefined ? workDirectory : directory, { recursive: true, force: true });
  };
  const endpoint = `http://${HOST}:${port}`;
  const isReady = async () => {
    const response = await fetch(`${endpoint}/_ministack/health`, { signal: AbortSignal.timeout(2_000) });
    // Another server may answer on this port.
    return Health.parse(await response.json()).edition === edition;
  };
  try {
    await waitUntilReady(started, isReady, START_TIMEOUT_MS, 100);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, logFile: started.logFile, credentials: EMULATOR_CREDENTIALS, stop };
}
