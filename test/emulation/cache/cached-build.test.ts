import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildOnce, withLock } from "../../../emulation/cache/cached-build.ts";

let root: string;
let directory: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "cached-build-"));
  directory = path.join(root, "entry");
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("buildOnce", () => {
  it("builds once for all that ask, at the same time or later", async () => {
    let builds = 0;
    const build = async (made: string) => {
      builds++;
      await writeFile(path.join(made, "part"), "");
      await sleep(100);
    };
    await Promise.all([buildOnce(directory, "it", build), buildOnce(directory, "it", build)]);
    await buildOnce(directory, "it", build);
    expect(builds).toBe(1);
    expect(await readdir(root)).toEqual(["entry"]);
  });

  it("starts afresh after a build that failed", async () => {
    const failing = async (made: string) => {
      await writeFile(path.join(made, "half"), "");
      throw new Error("no network");
    };
    await expect(buildOnce(directory, "it", failing)).rejects.toThrow("no network");
    await buildOnce(directory, "it", async (made) => writeFile(path.join(made, "whole"), ""));
    expect((await readdir(directory)).sort()).toEqual([".complete", "whole"]);
  });

  it("takes over from a killed process, whose lock is renewed no more", async () => {
    await mkdir(directory);
    await writeFile(path.join(directory, "half"), "");
    await mkdir(`${directory}.lock`);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${directory}.lock`, longAgo, longAgo);
    await buildOnce(directory, "it", async (made) => writeFile(path.join(made, "whole"), ""));
    expect(existsSync(path.join(directory, "half"))).toBe(false);
  });
});

describe("withLock", () => {
  it("runs one action at a time", async () => {
    let running = 0;
    let most = 0;
    const action = async () => {
      most = Math.max(most, ++running);
      await sleep(50);
      running--;
    };
    await Promise.all([withLock(directory, "it", action), withLock(directory, "it", action)]);
    expect(most).toBe(1);
  });
});
