/** A run that is started by `npm run` and of which only npm, or only the run itself, is told to end. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const PROCESSES = path.resolve("emulation/processes");
const TSX = pathToFileURL(path.resolve("node_modules/tsx/dist/loader.mjs")).href;

let directory: string;
let npm: ChildProcess | undefined;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "interruption-test-"));
});
afterEach(async () => {
  npm?.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

/** The run: it starts a process, and writes a file when it is torn down. */
const RUN = `
import { writeFileSync } from "node:fs";
import { endOnInterruption } from ${JSON.stringify(path.join(PROCESSES, "interruption.ts"))};
import { startProcess } from ${JSON.stringify(path.join(PROCESSES, "processes.ts"))};
import { Teardown } from ${JSON.stringify(path.join(PROCESSES, "teardown.ts"))};
const teardown = new Teardown();
endOnInterruption(teardown);
const child = startProcess({ name: "child", command: "sleep", args: ["60"], env: { PATH: process.env.PATH }, logFile: "log" });
teardown.add(async () => { await child.stop(); process.stdout.write("ended\\n"); writeFileSync("torn-down", ""); });
writeFileSync("pids", JSON.stringify([process.pid, child.pid]));
setInterval(() => process.stdout.write("."), 100);
`;

/** The script of package.json that starts the end-to-end run, made to start this one. */
async function script(): Promise<string> {
  const { scripts } = JSON.parse(await readFile("package.json", "utf8"));
  const [command, rest] = String(scripts["e2e:local"]).split(" --import tsx ");
  expect(rest).toBe("e2e/main.ts");
  return `${command} --import ${TSX} run.ts`;
}

/** Starts the run as a user does, and gives the ids of the run and of what it started. */
async function startByNpm(): Promise<{ run: number; child: number }> {
  await writeFile(path.join(directory, "run.ts"), RUN);
  const scripts = { local: await script() };
  await writeFile(path.join(directory, "package.json"), JSON.stringify({ type: "module", scripts }));
  npm = spawn("npm", ["run", "local"], { cwd: directory, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const file = path.join(directory, "pids");
  await expect.poll(() => existsSync(file), { timeout: 20_000 }).toBe(true);
  const [run = 0, child = 0] = JSON.parse(await readFile(file, "utf8")) as number[];
  return { run, child };
}

/** Whether a process runs; one that ended but was not waited for does not. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
}

async function expectOrderlyEnd({ run, child }: { run: number; child: number }): Promise<void> {
  await expect.poll(() => alive(run), { timeout: 10_000 }).toBe(false);
  expect(alive(child)).toBe(false);
  expect(existsSync(path.join(directory, "torn-down"))).toBe(true);
}

describe("a run under npm", () => {
  it.each(["SIGTERM", "SIGHUP", "SIGKILL"] as const)("ends in order when npm alone gets %s", async (signal) => {
    const started = await startByNpm();
    npm?.kill(signal);
    // As when a terminal is closed: nobody reads any more.
    npm?.stdout?.destroy();
    await expectOrderlyEnd(started);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("ends in order when it gets %s itself", async (signal) => {
    const started = await startByNpm();
    process.kill(started.run, signal);
    await expectOrderlyEnd(started);
  });
});
