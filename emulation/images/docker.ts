import { execa } from "execa";

/** The `docker` command failed or is not installed; the message has what it said. */
export class DockerCommandError extends Error {
  override readonly name = "DockerCommandError";
}

/**
 * Runs the docker command line.
 *
 * @returns its standard output.
 * @throws DockerCommandError
 */
export async function docker(args: readonly string[], input?: NodeJS.ReadableStream): Promise<string> {
  const result = await execa("docker", args, {
    reject: false,
    all: true,
    ...(input === undefined ? {} : { input: input as import("node:stream").Readable }),
  });
  if (result.failed) {
    throw new DockerCommandError(
      `"docker ${args[0]}" failed. Is Docker installed, and does its engine run?\n${result.all ?? result.message}`,
      { cause: result },
    );
  }
  return result.stdout;
}

/** Value of a label of a local image; undefined when there is no such image or label. */
export async function imageLabel(reference: string, label: string): Promise<string | undefined> {
  const result = await execa(
    "docker",
    ["image", "inspect", "--format", `{{index .Config.Labels "${label}"}}`, reference],
    {
      reject: false,
    },
  );
  return result.failed || result.stdout === "" || result.stdout === "<no value>" ? undefined : result.stdout;
}
