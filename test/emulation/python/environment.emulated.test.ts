import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  environmentFrom,
  findPython,
  PYTHON_VARIABLE,
  PythonEnvironmentError,
} from "../../../emulation/python/environment.ts";

let directory: string;
const given = process.env[PYTHON_VARIABLE];
beforeEach(async () => {
  delete process.env[PYTHON_VARIABLE];
  directory = await mkdtemp(path.join(tmpdir(), "python-environment-"));
  process.env.OPENSEARCH_FINETUNING_CACHE = path.join(directory, "cache");
});
afterEach(async () => {
  delete process.env.OPENSEARCH_FINETUNING_CACHE;
  if (given === undefined) delete process.env[PYTHON_VARIABLE];
  else process.env[PYTHON_VARIABLE] = given;
  await rm(directory, { recursive: true, force: true });
});

async function executable(name: string, script: string): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

function interpreterThatPrints(json: object): Promise<string> {
  return executable("python-stand-in", `echo '${JSON.stringify(json)}'`);
}

describe("findPython", () => {
  it("finds the interpreter's own path and version", async () => {
    const python = await findPython();
    const { stdout } = await execa(python.executable, ["--version"]);
    expect(stdout).toBe(`Python ${python.version}`);
  });

  it("says what to install when there is no Python", async () => {
    await expect(findPython(["no-such-python"])).rejects.toThrow(PythonEnvironmentError);
    await expect(findPython(["no-such-python"])).rejects.toThrow(/apt-get install python3 python3-venv.*none is inst/s);
  });

  it("refuses a Python that is too old, naming its version", async () => {
    const old = await interpreterThatPrints({ executable: "/x", major: 3, minor: 9, micro: 2, venv: true });
    await expect(findPython([old])).rejects.toThrow(/is 3\.9\.2/);
    await expect(findPython([old])).rejects.toThrow(/Python 3\.11 or later/);
  });

  it("takes the one that the variable names, and no other", async () => {
    const named = await interpreterThatPrints({ executable: "/named", major: 3, minor: 11, micro: 2, venv: true });
    process.env[PYTHON_VARIABLE] = named;
    expect(await findPython()).toEqual({ executable: "/named", version: "3.11.2" });
    process.env[PYTHON_VARIABLE] = "no-such-python";
    await expect(findPython()).rejects.toThrow(/OPENSEARCH_FINETUNING_PYTHON.*Tried no-such-python: none/s);
  });

  it("asks pyenv for a version whose command on the PATH only fails, as it is not chosen", async () => {
    const python = await interpreterThatPrints({
      executable: "/pyenv/3.13",
      major: 3,
      minor: 13,
      micro: 0,
      venv: true,
    });
    const shim = await executable("python3.13", "exit 127");
    await executable("pyenv", `[ "$*" = "whence --path ${shim}" ] && echo ${python}`);
    const before = process.env.PATH;
    process.env.PATH = `${directory}${path.delimiter}${before}`;
    try {
      expect(await findPython([shim])).toEqual({ executable: "/pyenv/3.13", version: "3.13.0" });
    } finally {
      process.env.PATH = before;
    }
  });

  it("names the Debian package when venv is missing", async () => {
    const bare = await interpreterThatPrints({ executable: "/x", major: 3, minor: 12, micro: 1, venv: false });
    await expect(findPython([bare])).rejects.toThrow(/apt-get install python3\.12-venv/);
  });
});

describe("environmentFrom", () => {
  // One cache for all: installing uv into it takes most of the time.
  let cache: string;
  beforeAll(async () => {
    cache = await mkdtemp(path.join(tmpdir(), "python-environments-"));
  });
  beforeEach(() => {
    process.env.OPENSEARCH_FINETUNING_CACHE = cache;
  });
  afterAll(() => rm(cache, { recursive: true, force: true }));

  async function requirements(text: string): Promise<string> {
    const file = path.join(directory, "requirements.txt");
    await writeFile(file, text);
    return file;
  }

  it("makes one environment for two runs that ask at the same time, and another for other requirements", async () => {
    const first = await requirements("six==1.17.0\n");
    const [one, two] = await Promise.all([environmentFrom(first, "probe"), environmentFrom(first, "probe")]);
    expect(one.python).toBe(two.python);
    const { stdout } = await execa(one.python, ["-c", "import six, sys; print(six.__version__, sys.executable)"]);
    expect(stdout).toBe(`1.17.0 ${one.python}`);
    expect(one.madeFrom).toEqual(await findPython());
    const other = await environmentFrom(await requirements("iniconfig==2.3.1\n"), "probe");
    expect(other.python).not.toBe(one.python);
    await expect(execa(other.python, ["-c", "import six"])).rejects.toThrow();
  }, 120_000);

  it("reports what the installer said and starts afresh next time", async () => {
    const file = await requirements("six==0.0.0.1\n");
    await expect(environmentFrom(file, "probe")).rejects.toThrow(/Installing the requirements failed[\s\S]*six==0\.0/);
    await expect(environmentFrom(file, "probe")).rejects.toThrow(PythonEnvironmentError);
  }, 120_000);
});
