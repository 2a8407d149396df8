import { createWriteStream } from "node:fs";
import path from "node:path";
import type { GenericContainer, StartedTestContainer } from "testcontainers";
import { logTail } from "../processes/processes.ts";
import { OWNER_LABELS } from "./ownership.ts";

/** A container that the harness needs did not start or did not get ready. */
export class ContainerFailedError extends Error {
  override readonly name = "ContainerFailedError";
}

export interface ContainerOptions {
  /** What it is called in messages. */
  readonly name: string;
  /** Image, ports, environment, wait strategy. */
  readonly container: GenericContainer;
  /** The container's output is followed into this file. */
  readonly logFile: string;
}

/** A running container. */
export interface StartedContainer {
  readonly logFile: string;
  /** The port of this machine that stands for one of the container. */
  mappedPort(port: number): number;
  /** Removes the container. Safe to call more than once. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 300_000;

/**
 * Starts a container and waits until it is ready.
 *
 * @throws ContainerFailedError with the end of its log. Nothing of the container is left then.
 */
export async function startContainer({ name, container, logFile }: ContainerOptions): Promise<StartedContainer> {
  let started: StartedTestContainer;
  try {
    started = await container
      .withLabels({ ...OWNER_LABELS })
      .withStartupTimeout(START_TIMEOUT_MS)
      .withLogConsumer((stream) => stream.pipe(createWriteStream(logFile, { flags: "a" })))
      .start();
  } catch (error) {
    throw new ContainerFailedError(
      `The container of ${name} did not get ready (log: ${path.resolve(logFile)}): ${(error as Error).message}\n${logTail(logFile)}`,
      { cause: error },
    );
  }
  let stopped: Promise<unknown> | undefined;
  return {
    logFile,
    mappedPort: (port) => started.getMappedPort(port),
    async stop() {
      // It has nothing to save.
      stopped ??= started.stop({ timeout: 0 });
      await stopped;
    },
  };
}
