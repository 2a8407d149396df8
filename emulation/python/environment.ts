import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { cacheDirectory } from "../cache/cache.ts";
import { buildOnce } from "../cache/cached-build.ts";

/** No Python environment could be made; the message says what to install. */
export class PythonEnvironmentError extends Error {
  override readonly name = "PythonEnvironmentError";
}

/** The environments of the harness: each AWS emulator's, and the one that the training scripts, models and tests share. */
export const PYTHON_ENVIRONMENTS = ["ministack", "localstack", "training"] as const;
export type PythonEnvironmentName = (typeof PYTHON_ENVIRONMENTS)[number];

/** An interpreter that can make virtual environments. */
export interface PythonInterpreter {
  /** Path of the executable itself, not of a version manager's stand-in for it. */
  readonly executable: string;
  /** E.g. "3.11.7". */
  readonly version: string;
}

/** torch 2.15 has wheels for no older one. */
const OLDEST_MINOR_VERSION = 11;
/** LocalStack's sources use type parameters (PEP 695), whatever its metadata say. */
const OLDEST_MINOR_VERSION_OF_LOCALSTACK = 12;
const CANDIDATES = ["python3", "python3.13", "python3.12", "python3.11"];
const UV_VERSION = "0.13.9";

const probeSchema = z.object({
  executable: z.string(),
  major: z.number(),
  minor: z.number(),
  micro: z.number(),
  venv: z.boolean(),
});

const PROBE = `import importlib.util, json, sys
print(json.dumps({"executable": sys.executable, "major": sys.version_info[0], "minor": sys.version_info[1],
  "micro": sys.version_info[2], "venv": all(importlib.util.find_spec(m) for m in ("venv", "ensurepip"))}))`;

async function probe(command: string): Promise<z.infer<typeof probeSchema> | undefined> {
  const probed = await execa(command, ["-c", PROBE], { reject: false });
  return probed.failed ? undefined : probeSchema.parse(JSON.parse(probed.stdout));
}

/** pyenv puts the commands of all its versions on the PATH, but those of versions that are not chosen only fail. */
async function probeInPyenv(command: string): Promise<z.infer<typeof probeSchema> | undefined> {
  const whence = await execa("pyenv", ["whence", "--path", command], { reject: false });
  const [executable = ""] = whence.failed ? [] : whence.stdout.split("\n");
  return executable === "" ? undefined : probe(executable);
}

/**
 * The first of `candidates` that is at least Python 3.`oldestMinor` and has venv and ensurepip.
 *
 * @throws PythonEnvironmentError when there is none; it names the packages to install.
 */
export async function findPython(
  candidates: readonly string[] = CANDIDATES,
  oldestMinor = OLDEST_MINOR_VERSION,
): Promise<PythonInterpreter> {
  const found: string[] = [];
  for (const candidate of candidates) {
    const probed = (await probe(candidate)) ?? (await probeInPyenv(candidate));
    if (probed === undefined) continue;
    const { executable, major, minor, micro, venv } = probed;
    const version = `${major}.${minor}.${micro}`;
    if (major !== 3 || minor < oldestMinor) {
      found.push(`${candidate} is ${version}`);
    } else if (!venv) {
      found.push(
        `${candidate} (${version}) has no venv: on Debian and Ubuntu, "apt-get install python${major}.${minor}-venv"`,
      );
    } else {
      return { executable, version };
    }
  }
  throw new PythonEnvironmentError(
    `Python 3.${oldestMinor} or later is needed on the PATH with its venv module ` +
      `(Debian and Ubuntu: "apt-get install python3 python3-venv"). Tried ${candidates.join(", ")}: ` +
      `${found.length === 0 ? "none is installed" : found.join("; ")}.`,
  );
}

async function runStep(what: string, command: string, args: readonly string[]): Promise<void> {
  const result = await execa(command, args, { all: true, reject: false });
  if (result.failed) {
    throw new PythonEnvironmentError(`${what} failed (${command} ${args.join(" ")}):\n${result.all}`, {
      cause: result,
    });
  }
}

/**
 * A small environment with pip and uv, which resolves and installs in seconds what takes pip minutes.
 *
 * @throws PythonEnvironmentError when no suitable Python is installed or uv cannot be installed.
 */
export async function packageInstaller(): Promise<{ python: string; uv: string }> {
  const python = await findPython();
  const directory = path.join(cacheDirectory("python"), `uv-${UV_VERSION}-python-${python.version}`);
  await buildOnce(directory, `uv ${UV_VERSION}`, async () => {
    await runStep("Making a virtual environment", python.executable, ["-m", "venv", directory]);
    await runStep("Installing uv", path.join(directory, "bin", "python"), [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      `uv==${UV_VERSION}`,
    ]);
  });
  return { python: path.join(directory, "bin", "python"), uv: path.join(directory, "bin", "uv") };
}

/** The pinned requirements of an environment. */
export function requirementsFile(name: PythonEnvironmentName): string {
  return fileURLToPath(new URL(`./${name}.requirements.txt`, import.meta.url));
}

/**
 * A virtual environment in the cache with exactly the packages of a requirements file, made on first use. Changed
 * requirements or another Python version make another environment.
 *
 * @param interpreter @default - the first that `findPython` finds
 * @returns the environment's interpreter.
 * @throws PythonEnvironmentError when no suitable Python is installed or a package cannot be installed.
 */
export async function environmentFrom(
  requirements: string,
  name: string,
  interpreter?: PythonInterpreter,
): Promise<{ python: string }> {
  const { executable, version } = interpreter ?? (await findPython());
  const key = createHash("sha256")
    .update(await readFile(requirements))
    .update(executable)
    .update(version)
    .digest("hex")
    .slice(0, 16);
  const directory = path.join(cacheDirectory("python"), `${name}-${key}`);
  const python = path.join(directory, "bin", "python");
  await buildOnce(directory, `the Python environment "${name}"`, async () => {
    const { uv } = await packageInstaller();
    await runStep("Making a virtual environment", uv, [
      "venv",
      "--quiet",
      "--no-python-downloads",
      "--python",
      executable,
      directory,
    ]);
    await runStep("Installing the requirements", uv, [
      "pip",
      "install",
      "--quiet",
      "--python",
      python,
      "--requirement",
      requirements,
    ]);
  });
  return { python };
}

/**
 * A Python that LocalStack runs with.
 *
 * @throws PythonEnvironmentError when there is none.
 */
export async function findLocalStackPython(): Promise<PythonInterpreter> {
  return findPython(CANDIDATES, OLDEST_MINOR_VERSION_OF_LOCALSTACK);
}

/**
 * The interpreter of one of the harness's environments, made on first use (the training environment takes some
 * 40 seconds and 5.5 GB, most of it the CUDA libraries of the plain torch wheel; LocalStack's 0.5 GB).
 *
 * @throws PythonEnvironmentError when no suitable Python is installed or a package cannot be installed.
 */
export async function pythonEnvironment(name: PythonEnvironmentName): Promise<{ python: string }> {
  const interpreter = name === "localstack" ? await findLocalStackPython() : undefined;
  return environmentFrom(requirementsFile(name), name, interpreter);
}
