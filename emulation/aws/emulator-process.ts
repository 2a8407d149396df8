import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import getPort from "get-port";
import { z } from "zod";
import { canListen } from "../processes/listening.ts";
import { ProcessFailedError, startProcess, waitUntilReady } from "../processes/processes.ts";
import { AwsEmulator, EMULATOR_CREDENTIALS, type StartedAwsEmulator } from "./aws-emulator.ts";

/** LocalStack's first start compiles its modules, which a busy machine takes half a minute for. */
const START_TIMEOUT_MS = 120_000;
/** They have nothing to save, but wait for clients that keep their connections open. */
const STOP_GRACE_MS = 500;
const HOST = "127.0.0.1";
const Health = z.object({ edition: z.string() });

/** What one emulator is run with. */
export interface EmulatorProgram {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One start of an emulator. */
export interface EmulatorStart {
  readonly port: number;
  /** An empty folder for all that the emulator writes besides its log; it is removed at the end. */
  readonly directory: string;
  /** What the emulator has to call its edition when it is asked for its health. */
  readonly edition: string;
}

/** An AWS emulator as a Python process of this machine. */
export abstract class EmulatorProcess extends AwsEmulator {
  protected python = "python3";
  readonly #title: string;
  readonly #healthPath: string;

  protected constructor(title: string, healthPath: string) {
    super();
    this.#title = title;
    this.#healthPath = healthPath;
  }

  protected abstract program(start: EmulatorStart): Promise<EmulatorProgram>;

  /** The interpreter of the environment that has the emulator. @default "python3" */
  withPython(python: string): this {
    this.python = python;
    return this;
  }

  /** @throws ProcessFailedError with the end of the log when it does not start. */
  async start(): Promise<StartedAwsEmulator> {
    const port = this.port ?? (await getPort());
    // LocalStack would call itself ready all the same.
    if (!(await canListen(port, HOST))) {
      throw new ProcessFailedError(`${this.#title} could not be started: port ${port} is already in use.`);
    }
    const name = this.#title.toLowerCase();
    const workDirectory = this.workDirectory ?? (await mkdtemp(path.join(tmpdir(), `${name}-`)));
    const directory = path.join(workDirectory, "tmp");
    await mkdir(directory, { recursive: true });
    const edition = randomUUID();
    const { args, env } = await this.program({ port, directory, edition });
    const started = startProcess({
      name: this.#title,
      command: this.python,
      args,
      env: {
        PATH: process.env.PATH,
        // Nothing of this user's: neither credentials nor a shell's settings.
        HOME: directory,
        TMPDIR: directory,
        PYTHONUNBUFFERED: "1",
        ...env,
      },
      cwd: workDirectory,
      logFile: path.join(workDirectory, `${name}.log`),
    });
    const stop = async () => {
      await started.stop(STOP_GRACE_MS);
      await rm(this.workDirectory === undefined ? workDirectory : directory, { recursive: true, force: true });
    };
    const endpoint = `http://${HOST}:${port}`;
    const isReady = async () => {
      const response = await fetch(`${endpoint}${this.#healthPath}`, { signal: AbortSignal.timeout(2_000) });
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
}
