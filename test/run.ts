// `npm test`: every suite, then one line that counts. A suite that cannot run counts as failed, never as passed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { pythonEnvironment } from "../emulation/python/environment.ts";
import { type Output, pythonModule, run } from "./suites/commands.ts";
import { type Counted, type Counts, closingReport, one } from "./suites/counts.ts";
import { endToEnd, endToEndInContainers } from "./suites/end-to-end.ts";
import { pytest } from "./suites/pytest.ts";
import { vitest } from "./suites/vitest.ts";

const options = new Command("npm test --")
  .option("--all", "the longer proof: full end-to-end runs in both runtimes, from S3, training only, sparse", false)
  .option("--containers", "also the short end-to-end run in containers; left out where no engine answers", false)
  .parse()
  .opts<{ all: boolean; containers: boolean }>();

/** The short run takes five minutes on two cores, the full one ten. */
const CONTAINER_LIMIT_MS = options.all ? 2_400_000 : 1_200_000;

type Suite = readonly [name: string, run: (output: Output) => Promise<Counts>];

const reports = await mkdtemp(path.join(tmpdir(), "test-reports-"));
const report = (name: string) => path.join(reports, name);

/**
 * What extends the emulators is for an environment of its own, with the AWS SDK instead of torch. Its configuration
 * tolerates LocalStack's modules missing: LocalStack runs in a container only.
 */
async function pyrightOfEmulators(output: Output): Promise<Counts> {
  const { python } = await pythonEnvironment("ministack");
  const args = pythonModule("pyright", "--pythonpath", python, "--project", "emulation/aws");
  return one(await run(output, "tsx", args));
}

const command =
  (program: string, ...args: readonly string[]) =>
  async (output: Output) =>
    one(await run(output, program, args));

/** Checks of the sources, which compute in one process each. */
const checks: readonly Suite[] = [
  ["biome", command("biome", "check", ".")],
  ["tsc", command("tsc", "-p", ".")],
  ["dependency-cruiser", command("npm", "run", "--silent", "lint:imports")],
  ["ruff check", command("tsx", ...pythonModule("ruff", "check", "."))],
  ["ruff format", command("tsx", ...pythonModule("ruff", "format", "--check", "."))],
  ["pyright", command("tsx", ...pythonModule("pyright"))],
  ["pyright of the emulators' extensions", pyrightOfEmulators],
  ["terraform tests", (output) => vitest(output, report("terraform.json"), ["terraform"])],
];

/** Tests that wait for what they start as much as they compute. */
const tests: readonly Suite[] = [
  ["unit tests", (output) => vitest(output, report("unit.json"), ["unit"])],
  ["emulated tests", (output) => vitest(output, report("emulated.json"), ["emulated"])],
  ["Python tests", (output) => pytest(output, report("pytest.xml"))],
];

const EMBEDDED = ["--runtime", "embedded"];
const SHORT: readonly Suite[] = [["short e2e", (output) => endToEnd(output, ["--small", ...EMBEDDED, "--failures"])]];
const LONG: readonly Suite[] = [
  ["full e2e, twice, then bad input", (output) => endToEnd(output, [...EMBEDDED, "--executions", "2", "--failures"])],
  [
    "short e2e, S3, training only",
    (output) => endToEnd(output, ["--small", ...EMBEDDED, "--input", "s3", "--training-only"]),
  ],
  ["short e2e, sparse", (output) => endToEnd(output, ["--small", ...EMBEDDED, "--model-type", "sparse"])],
];
const inContainers: Suite = [
  options.all ? "full e2e in containers" : "short e2e in containers",
  (output) => endToEndInContainers(output, options.all ? [] : ["--small"], CONTAINER_LIMIT_MS),
];

const counted: Counted[] = [];

/** Runs suites one after the other. */
async function inTurn(suites: readonly Suite[], output: Output): Promise<void> {
  for (const [name, suite] of suites) {
    const startedAt = Date.now();
    const counts = await suite(output);
    counted.push({ name, counts, seconds: (Date.now() - startedAt) / 1000 });
  }
}

/** What suites write while others have the terminal; shown when they ended. */
const held: string[] = [];
await Promise.all([
  inTurn(tests, { live: true, write: (text) => process.stdout.write(text) }),
  inTurn(checks, { live: false, write: (text) => held.push(text) }),
]);
process.stdout.write(held.join(""));
// Training takes both cores: nothing runs beside it.
const endToEnds = [...(options.all ? LONG : SHORT), ...(options.all || options.containers ? [inContainers] : [])];
await inTurn(endToEnds, { live: true, write: (text) => process.stdout.write(text) });
await rm(reports, { recursive: true, force: true });

process.stdout.write(`\n${closingReport(counted)}`);
// A pull that outlasted its limit would keep the process alive.
process.exit(counted.every(({ counts }) => counts.failed === 0) ? 0 : 1);
