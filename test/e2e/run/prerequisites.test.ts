import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkNode, checkPrerequisites, MissingToolsError } from "../../../e2e/run/prerequisites.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

describe("the tools that a run needs", () => {
  const there = async () => undefined;
  const lacks = (message: string) => async () => {
    throw new Error(message);
  };

  it("are told all at once when several are missing", async () => {
    const required = [there, lacks("Terraform: install it"), lacks("Python: install it")];
    const checked = checkPrerequisites({ required, hasJava: async () => true });
    await expect(checked).rejects.toThrow(MissingToolsError);
    await expect(checked).rejects.toThrow(/- Terraform: install it\n {2}- Python: install it$/);
  });

  it("may lack Java, which the run fetches", async () => {
    expect(await checkPrerequisites({ required: [there], hasJava: async () => true })).toEqual([]);
    const [note] = await checkPrerequisites({ required: [there], hasJava: async () => false });
    expect(note).toContain("No Java runtime from 17 to 21 is installed");
  });

  it.each(["18.20.4", "20.8.9"])("refuse Node %s", async (version) => {
    await expect(checkNode(version)).rejects.toThrow(`Node ${version} is too old: install Node 20.9.0 or later`);
  });

  it.each(["20.9.0", "20.10.0", "22.0.0"])("accept Node %s", async (version) => {
    await expect(checkNode(version)).resolves.toBeUndefined();
  });
});

describe("a run with an empty PATH", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "empty-path-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("says what to install and touches nothing", async () => {
    const ended = await execa(process.execPath, ["--import", "tsx", "e2e/main.ts"], {
      cwd: REPOSITORY,
      env: { PATH: directory, HOME: directory, XDG_CACHE_HOME: directory, TMPDIR: directory },
      extendEnv: false,
      reject: false,
    });
    expect(ended.exitCode).toBe(2);
    for (const tool of ["Install Terraform 1.9", "Python 3.11 or later", "Maven is needed"]) {
      expect(ended.stderr).toContain(tool);
    }
    expect(ended.stdout).toBe("");
    expect((await readdir(directory)).filter((name) => !name.startsWith("tsx-"))).toEqual([]);
  });
});
