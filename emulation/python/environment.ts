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

/** The environments: MiniStack's, and the one that training scripts and model servers share. */
export const PYTHON_ENVIRONMENTS = ["ministack", "training"] as const;
export type PythonEnvironmentName = (typeof PYTHON_ENVIRONMENTS)[number];

/** An interpreter that can make virtual environments. */
export interface PythonInterpreter {
  /** Path of the executable itself, not of a version manager's stand-in for it. */
  readonly executable: string;
  /** E.g. "3.11.7". */
  readonly version: string;
}

/** A virtual environment. */
export interface PythonEnvironment {
  /** Its interpreter. */
  readonly python: string;
  /** The interpreter of this machine that it was made with. */
  readonly madeFrom: PythonInterpreter;
}

/** torch 2.15 has wheels for no older one. */
const OLDEST_MINOR_VERSION = 11;
/** Environment variable that names the interpreter: then no other is looked for. */
export const PYTHON_VARIABLE = "OPENSEARCH_FINETUNING_PYTHON";
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
 * The interpreter that PYTHON_VARIABLE names, else the first of `candidates` on the PATH that will do: Python 3.11 or later
 * with venv and ensurepip.
 *
 * @throws PythonEnvironmentError when there is none; it says what was found and what to install.
 */
export async function findPython(candidates: readonly string[] = CANDIDATES): Promise<PythonInterpreter> {
  const named = process.env[PYTHON_VARIABLE];
  const tried = named === undefined ? candidates : [named];
  const found: string[] = [];
  for (const candidate of tried) {
    const probed = (await probe(candidate)) ?? (await probeInPyenv(candidate));
    if (probed === undefined) continue;
    const { executable, major, minor, micro, venv } = probed;
    const version = `${major}.${minor}.${micro}`;
    if (major !== 3 || minor < OLDEST_MINOR_VERSION) {
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
    `Python 3.${OLDEST_MINOR_VERSION} or later is needed with its venv module, on the PATH or named by ${PYTHON_VARIABLE} ` +
      `(Debian and Ubuntu: "apt-get install python3 python3-venv"; macOS: "brew install python"). Tried ${tried.join(", ")}: ` +
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
function requirementsFile(name: PythonEnvironmentName): string {
  return fileURLToPath(new URL(`./${name}.requirements.txt`, import.meta.url));
}

/**
 * A virtual environment in the cache with exactly the packages of a requirements file, made on first use. Changed
 * requirements or another Python version make another environment.
 *
 * @throws PythonEnvironmentError when no suitable Python is installed or a package cannot be installed.
 */
export async function environmentFrom(requirements: string, name: string): Promise<PythonEnvironment> {
  const { executable, version } = await findPython();
  const key = createHash("sha256")
    .update(await readFile(requirements))
    .update(executable)
    .update(version)
    .digest("hex")
    .slice(0, 16);
  const directory = path.join(cacheDirectory("python"), `${name}-${key}`);
  const python = path.join(directory, "bin", "python");
  await buildOnce(directory, `the Python environment "${name}" (Python ${version}, ${executable})`, async () => {
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
  return { python, madeFrom: { executable, version } };
}

/**
 * One of the environments, made on first use (the training environment takes some 40 seconds and 5.5 GB, most of it the CUDA
 * libraries of the plain torch wheel).
 *
 * @throws PythonEnvironmentError when no suitable Python is installed or a package cannot be installed.
 */
export async function pythonEnvironment(name: PythonEnvironmentName): Promise<PythonEnvironment> {
  return environmentFrom(requirementsFile(name), name);
}
