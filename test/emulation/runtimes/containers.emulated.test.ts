import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { dockerEngine } from "../../../emulation/containers/engine.ts";
import { OWNER_LABELS } from "../../../emulation/containers/ownership.ts";
import { containerImages } from "../container-images.ts";

const { images } = await containerImages();
const E2E = fileURLToPath(new URL("../../../e2e/main.ts", import.meta.url));

const runs: Run[] = [];

afterEach(async () => {
  for (const run of runs.splice(0)) await run.end("SIGKILL");
});

/** The command that users run, in a process group of its own. */
class Run {
  readonly #process: ChildProcess;
  readonly #said: string[] = [];
  readonly #healthy: Promise<void>;

  constructor() {
    this.#process = spawn(process.execPath, ["--import", "tsx", E2E, "--small", "--runtime", "containers"], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error("the run has no output");
    this.#healthy = new Promise((resolve, reject) => {
      for (const stream of [stdout, stderr]) {
        createInterface(stream).on("line", (line) => {
          this.#said.push(line);
          if (line.includes("healthy after")) resolve();
        });
      }
      this.#process.once("exit", () => reject(new Error(`the run ended:\n${this.#said.join("\n")}`)));
    });
    this.#healthy.catch(() => undefined);
    runs.push(this);
  }

  healthy(): Promise<void> {
    return this.#healthy;
  }

  /** The exit code; -1 when the signal itself ended it. */
  async end(signal: "SIGINT" | "SIGKILL"): Promise<number> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid === undefined) throw new Error("the run was not started");
    if (exitCode !== null || signalCode !== null) return exitCode ?? -1;
    const exited = once(this.#process, "exit");
    // As a terminal does: to the whole group.
    process.kill(-pid, signal);
    const [code] = (await exited) as [number | null];
    return code ?? -1;
  }

  /** What the engine has of this run, and whether any process of its group lives. */
  async leftovers(): Promise<{ running: number; containers: string[]; networks: string[]; processes: boolean }> {
    const { pid = 0 } = this.#process;
    const { dockerode } = (await dockerEngine()).container;
    const label = `${Object.keys(OWNER_LABELS)[0]}=${pid}@${hostname()}`;
    const containers = await dockerode.listContainers({ all: true, filters: { label: [label] } });
    const networks = await dockerode.listNetworks({ filters: { name: [`opensearch-finetuning_${pid}_`] } });
    return {
      running: containers.filter(({ State }) => State === "running").length,
      containers: containers.flatMap(({ Names }) => Names),
      networks: networks.map(({ Name }) => Name),
      processes: groupLives(pid),
    };
  }
}

function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** A process that Ctrl-C reached as well may end a moment after the run. */
async function expectNothingLeft(run: Run): Promise<void> {
  await expect.poll(() => run.leftovers(), { timeout: 10_000 }).toEqual(NOTHING);
}

const NOTHING = { running: 0, containers: [], networks: [], processes: false };

describe.skipIf(images === undefined)("two runs in containers at once", () => {
  it("both get healthy, and Ctrl-C in one removes all that is its own and nothing else", async () => {
    const first = new Run();
    const second = new Run();
    await Promise.all([first.healthy(), second.healthy()]);
    expect((await first.leftovers()).running).toBe(2);

    expect(await first.end("SIGINT")).toBe(130);
    await expectNothingLeft(first);
    const { running, networks, processes } = await second.leftovers();
    expect({ running, networks: networks.length, processes }).toEqual({ running: 2, networks: 1, processes: true });

    expect(await second.end("SIGINT")).toBe(130);
    await expectNothingLeft(second);
  }, 600_000);

  it("Ctrl-C while the containers start leaves nothing either", async () => {
    const run = new Run();
    await expect.poll(async () => (await run.leftovers()).containers.length, { timeout: 120_000 }).toBeGreaterThan(0);
    expect(await run.end("SIGINT")).toBe(130);
    await expectNothingLeft(run);
  }, 300_000);
});
