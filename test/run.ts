/**
 * `npm test`: every suite in turn, then one line that counts. A suite that cannot run counts as failed, never as passed.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { ContainersUnavailableError } from "../emulation/containers/engine.ts";
import { findImages } from "../emulation/images/available.ts";
import { pythonEnvironment } from "../emulation/python/environment.ts";
import { compareCdktn } from "./drop-in/cdktn.ts";
import { buildModule } from "./modules/terraform-module/module-fixture.ts";
import { scanTerraform } from "./static-analysis/checkov.ts";
import { lintTerraform } from "./static-analysis/tflint.ts";
import { type Findings, ToolUnavailableError } from "./static-analysis/tools.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of what failed, as far as the suite's report tells: a log that is read from its end should show them. */
  readonly failures?: readonly string[];
}

const VitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

const E2eCheck = z.object({ name: z.string(), passed: z.boolean(), detail: z.string() });
const E2eResults = z.object({
  checks: z.array(E2eCheck),
  executions: z.array(z.object({ checks: z.array(E2eCheck) })),
});

/** Runs a command with its output shown, for as long as it may; true when it exits with 0. */
async function run(command: string, args: readonly string[], limitMs?: number): Promise<boolean> {
  process.stdout.write(`\n$ ${command} ${args.join(" ")}\n`);
  const { exitCode, timedOut } = await execa(command, args, {
    cwd: REPOSITORY,
    stdio: "inherit",
    reject: false,
    preferLocal: true,
    ...(limitMs === undefined ? {} : { timeout: limitMs, forceKillAfterDelay: TEARDOWN_LIMIT_MS }),
  });
  if (timedOut) process.stdout.write(`ended after its limit of ${(limitMs ?? 0) / 1000} s\n`);
  return exitCode === 0;
}

async function check(command: string, args: readonly string[]): Promise<Counts> {
  return (await run(command, args)) ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** Failures that the suite's own report does not count (a crash, a missing report) count as one. */
function atLeastOneFailure(succeeded: boolean, counts: Counts): Counts {
  return succeeded || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

async function vitest(reportFile: string): Promise<Counts> {
  const succeeded = await run("vitest", ["run", "--reporter=default", "--reporter=json", `--outputFile=${reportFile}`]);
  const report = VitestReport.safeParse(await json(reportFile));
  if (!report.success) return atLeastOneFailure(false, NOTHING);
  return atLeastOneFailure(succeeded, {
    passed: report.data.numPassedTests,
    failed: report.data.numFailedTests,
    skipped: report.data.numPendingTests,
    failures: report.data.testResults.flatMap(vitestFailures),
  });
}

function vitestFailures(file: z.infer<typeof VitestReport>["testResults"][number]): string[] {
  const name = path.relative(REPOSITORY, file.name);
  const failed = file.assertionResults.filter(({ status }) => status === "failed");
  if (failed.length === 0) return file.status === "failed" ? [`${name}: ${file.message}`] : [];
  return failed.map(({ fullName, failureMessages }) => `${name}: ${fullName}: ${(failureMessages ?? []).join(" ")}`);
}

async function pytest(reportFile: string): Promise<Counts> {
  const succeeded = await run("tsx", [
    "emulation/python/run.ts",
    "training",
    "-m",
    "pytest",
    `--junitxml=${reportFile}`,
  ]);
  const report = await text(reportFile);
  const suite = /<testsuite [^>]*>/.exec(report)?.[0] ?? "";
  const count = (name: string) => Number(new RegExp(`${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  return atLeastOneFailure(succeeded, {
    passed: count("tests") - failed - count("skipped"),
    failed,
    skipped: count("skipped"),
    failures: [
      ...report.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error) message="([^"]*)"/g),
    ].map(([, file, test, message]) => `${file}: ${test}: ${message}`),
  });
}

/**
 * What extends the emulators is for an environment of its own, with the AWS SDK instead of torch. Its configuration
 * tolerates LocalStack's modules missing: LocalStack runs in a container only.
 */
async function pyrightOfEmulators(): Promise<Counts> {
  const { python } = await pythonEnvironment("ministack");
  return check("tsx", [
    "emulation/python/run.ts",
    "training",
    "-m",
    "pyright",
    "--pythonpath",
    python,
    "--project",
    "emulation/aws",
  ]);
}

async function cdktn(): Promise<Counts> {
  process.stdout.write("\n$ synthesis with cdktn in CDKTF's place\n");
  return counts(await compareCdktn());
}

function counts({ passed, problems }: Findings): Counts {
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  return { passed, failed: problems.length, skipped: 0, failures: problems };
}

/** A tool that cannot be installed here counts as left out, with the reason. */
async function staticAnalysis(name: string, analyse: (directory: string) => Promise<Findings>): Promise<Counts> {
  process.stdout.write(`\n$ ${name} on the Terraform module\n`);
  const work = await mkdtemp(path.join(tmpdir(), "static-analysis-"));
  try {
    return counts(await analyse(buildModule(work)));
  } catch (error) {
    if (!(error instanceof ToolUnavailableError)) throw error;
    process.stdout.write(`left out: ${error.message}\n`);
    return { ...NOTHING, skipped: 1 };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function shortE2e(options: readonly string[], limitMs?: number): Promise<Counts> {
  const before = new Set(await e2eResultFiles());
  const succeeded = await run("tsx", ["e2e/main.ts", "--small", ...options], limitMs);
  const [file] = (await e2eResultFiles()).filter((candidate) => !before.has(candidate));
  const results = E2eResults.safeParse(file === undefined ? undefined : await json(file));
  if (!results.success) return atLeastOneFailure(false, NOTHING);
  const checks = [...results.data.checks, ...results.data.executions.flatMap((execution) => execution.checks)];
  const failures = checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`);
  return atLeastOneFailure(succeeded, {
    passed: checks.length - failures.length,
    failed: failures.length,
    skipped: 0,
    failures,
  });
}

/** Pulling an image may hang for as long as the network does. */
const FIND_IMAGES_LIMIT_MS = 300_000;
/** The run takes five minutes on two cores. */
const CONTAINER_E2E_LIMIT_MS = 1_800_000;
/** Long enough to remove containers and network. */
const TEARDOWN_LIMIT_MS = 60_000;

/** @throws ContainersUnavailableError when the images cannot be had, or not in time. */
async function requireImages(): Promise<void> {
  const limit = async () => {
    await sleep(FIND_IMAGES_LIMIT_MS, undefined, { ref: false });
    throw new ContainersUnavailableError(`the images could not be had within ${FIND_IMAGES_LIMIT_MS / 1000} s`);
  };
  await Promise.race([findImages(), limit()]);
}

/** Where no engine or image is to be had, the run counts as left out, with the reason; it never takes longer than its limit. */
async function containerE2e(): Promise<Counts> {
  try {
    await requireImages();
  } catch (error) {
    if (!(error instanceof ContainersUnavailableError)) throw error;
    process.stdout.write(`\nthe end-to-end run in containers is left out, because ${error.message}\n`);
    return { ...NOTHING, skipped: 1 };
  }
  return shortE2e(["--runtime", "containers"], CONTAINER_E2E_LIMIT_MS);
}

/** Named after the time of the run; reports on parts of it have more in their names. */
const E2E_RESULTS = /Z\.json$/;

async function e2eResultFiles(): Promise<string[]> {
  const directory = path.join(REPOSITORY, "e2e-results");
  const files = await readdir(directory).catch(() => []);
  return files.filter((file) => E2E_RESULTS.test(file)).map((file) => path.join(directory, file));
}

async function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

async function json(file: string): Promise<unknown> {
  const content = await text(file);
  return content === "" ? undefined : JSON.parse(content);
}

const reports = await mkdtemp(path.join(tmpdir(), "test-reports-"));
const suites: [string, () => Promise<Counts>][] = [
  ["biome", () => check("biome", ["check", "."])],
  ["tsc", () => check("tsc", ["-p", "."])],
  ["ruff check", () => check("tsx", ["emulation/python/run.ts", "training", "-m", "ruff", "check", "."])],
  ["ruff format", () => check("tsx", ["emulation/python/run.ts", "training", "-m", "ruff", "format", "--check", "."])],
  ["pyright", () => check("tsx", ["emulation/python/run.ts", "training", "-m", "pyright"])],
  ["pyright of the emulators' extensions", pyrightOfEmulators],
  ["cdktf synth", () => check("cdktf", ["synth"])],
  ["cdktn in CDKTF's place", cdktn],
  ["tflint", () => staticAnalysis("tflint", lintTerraform)],
  ["checkov", () => staticAnalysis("checkov", scanTerraform)],
  ["vitest", () => vitest(path.join(reports, "vitest.json"))],
  ["pytest", () => pytest(path.join(reports, "pytest.xml"))],
  ["short e2e, twice, then bad input", () => shortE2e(["--runtime", "embedded", "--executions", "2", "--failures"])],
  ["short e2e, S3, training only", () => shortE2e(["--runtime", "embedded", "--input", "s3", "--training-only"])],
  ["short e2e in containers", containerE2e],
];
const counted: [string, Counts][] = [];
for (const [name, suite] of suites) counted.push([name, await suite()]);
await rm(reports, { recursive: true, force: true });

/** Long enough for what was expected and what came instead, without a whole stack. */
const FAILURE_LENGTH = 1500;

process.stdout.write("\n");
for (const [name, { failures = [] }] of counted) {
  for (const failure of failures) process.stdout.write(`not ok: ${name}: ${failure.slice(0, FAILURE_LENGTH)}\n`);
}
for (const [name, { passed, failed, skipped }] of counted) {
  process.stdout.write(`${name.padEnd(34)} ${passed} ok, ${failed} not ok, ${skipped} left out\n`);
}
const total = (key: "passed" | "failed" | "skipped") => counted.reduce((sum, [, counts]) => sum + counts[key], 0);
process.stdout.write(`${total("passed")} passed, ${total("failed")} failed, ${total("skipped")} skipped\n`);
// A pull that outlasted its limit would keep the process alive.
process.exit(total("failed") === 0 ? 0 : 1);
