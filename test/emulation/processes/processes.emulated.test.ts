import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  logTail,
  ProcessFailedError,
  signalGroup,
  startProcess,
  waitUntilReady,
} from "../../../emulation/processes/processes.ts";
import { Teardown } from "../../../emulation/processes/teardown.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "processes-test-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Whether a process runs; one that ended but was not reaped by its adoptive parent does not. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
}

describe("startProcess", () => {
  it("ends what the process itself started, too", async () => {
    const logFile = path.join(directory, "log");
    const started = startProcess({
      name: "parent",
      command: "sh",
      args: ["-c", "sleep 60 & echo $!; wait"],
      env: { PATH: process.env.PATH },
      logFile,
    });
    await waitUntilReady(started, async () => readFileSync(logFile, "utf8").endsWith("\n"), 5000, 20);
    const grandchild = Number(readFileSync(logFile, "utf8"));
    expect(alive(grandchild)).toBe(true);
    await started.stop();
    expect(started.running).toBe(false);
    await expect.poll(() => alive(grandchild)).toBe(false);
  });

  it("says that a command cannot be started, and lives on", async () => {
    const options = { name: "absent", command: "/does/not/exist", env: {}, logFile: path.join(directory, "log") };
    expect(() => startProcess(options)).toThrow(ProcessFailedError);
    // The event of the failed start comes after the call; unhandled, it would fail this run.
    await new Promise((resolve) => setTimeout(resolve, 50));
  });

  it("kills a process that ignores SIGTERM once the grace is over", async () => {
    const logFile = path.join(directory, "log");
    const started = startProcess({
      name: "stubborn",
      command: "sh",
      args: ["-c", "trap '' TERM; echo ready; while true; do sleep 1; done"],
      env: { PATH: process.env.PATH },
      logFile,
    });
    await waitUntilReady(started, async () => logTail(logFile) === "ready", 5000, 20);
    await started.stop(200);
    expect(await started.exited).toBeNull();
  });

  it("says why a process never got ready, with the end of its log", async () => {
    const started = startProcess({
      name: "crasher",
      command: "sh",
      args: ["-c", "echo no such port >&2; exit 3"],
      env: { PATH: process.env.PATH },
      logFile: path.join(directory, "log"),
    });
    const ready = waitUntilReady(started, async () => false, 5000, 20);
    await expect(ready).rejects.toThrow(ProcessFailedError);
    await expect(ready).rejects.toThrow(/crasher ended with code 3 before it was ready.\nno such port/);
  });
});

describe("signalGroup", () => {
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };

  it("takes it for done when all of the group have ended, in Linux's and in BSD's words", () => {
    for (const code of ["ESRCH", "EPERM"]) expect(() => signalGroup(7, "SIGTERM", failing(code))).not.toThrow();
    expect(() => signalGroup(7, "SIGTERM", failing("EINVAL"))).toThrow("EINVAL");
  });
});

describe("Teardown", () => {
  it("runs a step at once that comes after the end: a start may still be under way", async () => {
    const ran: string[] = [];
    const teardown = new Teardown();
    teardown.add(async () => void ran.push("early"));
    await teardown.run();
    teardown.add(async () => void ran.push("late"));
    await teardown.run();
    expect(ran).toEqual(["early", "late"]);
  });

  it("runs the steps once, in reverse, and does not stop at one that fails", async () => {
    const ran: string[] = [];
    const teardown = new Teardown();
    teardown.add(async () => void ran.push("first"));
    teardown.add(async () => {
      ran.push("second");
      throw new Error("could not stop");
    });
    teardown.add(async () => void ran.push("third"));
    await Promise.all([teardown.run(), teardown.run()]);
    expect(ran).toEqual(["third", "second", "first"]);
  });
});
