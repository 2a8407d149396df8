import { readdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { PythonEnvironmentError, packageInstaller } from "./environment.ts";

/**
 * Downloads the files of packages from the package index that pip is configured for, without what they depend on.
 *
 * @param requirements pinned, e.g. `Django==5.2.8`.
 * @param options.sourceOf names of packages of which the source distribution is wanted rather than a wheel.
 * @returns paths of the files.
 * @throws PythonEnvironmentError with what pip said.
 */
export async function downloadPackages(
  requirements: readonly string[],
  directory: string,
  { sourceOf = [] }: { sourceOf?: readonly string[] } = {},
): Promise<string[]> {
  const { python } = await packageInstaller();
  const result = await execa(
    python,
    [
      ...["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"],
      ...sourceOf.flatMap((name) => ["--no-binary", name]),
      ...["--dest", directory, ...requirements],
    ],
    { all: true, reject: false },
  );
  if (result.failed) {
    throw new PythonEnvironmentError(`Downloading ${requirements.join(", ")} failed:\n${result.all}`, {
      cause: result,
    });
  }
  return (await readdir(directory)).map((file) => path.join(directory, file));
}
