import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

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
