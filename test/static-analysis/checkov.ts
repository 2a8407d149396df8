import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { environmentFrom, PythonEnvironmentError } from "../../emulation/python/environment.ts";
import { type Findings, ToolUnavailableError } from "./tools.ts";

const REQUIREMENTS = fileURLToPath(new URL("checkov.requirements.txt", import.meta.url));
const CONFIGURATION = ".checkov.yaml";

const Report = z.object({
  check_type: z.string(),
  results: z.object({
    failed_checks: z.array(z.object({ check_id: z.string(), check_name: z.string(), resource: z.string() })),
    parsing_errors: z.array(z.string()),
  }),
  summary: z.object({ passed: z.number() }),
});

/** Checks that the configuration of a module leaves out: the reason, which stands as a comment before each, by the check's id. */
export function suppressions(configuration: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let comment: string[] = [];
  for (const line of configuration.split("\n")) {
    const text = /^\s*# (.*)$/.exec(line)?.[1];
    const check = /^\s*- (CKV\w+)$/.exec(line)?.[1];
    if (check !== undefined) found.set(check, comment.join(" "));
    comment = text === undefined ? [] : [...comment, text];
  }
  return found;
}

async function python(): Promise<string> {
  try {
    return (await environmentFrom(REQUIREMENTS, "checkov")).python;
  } catch (error) {
    if (!(error instanceof PythonEnvironmentError)) throw error;
    throw new ToolUnavailableError(`checkov cannot be installed: ${error.message}`, { cause: error });
  }
}

/**
 * Scans a Terraform module with all of checkov's rules. What it finds is a problem unless the module's `.checkov.yaml` leaves the
 * check out and says why; so is what is left out although nothing is found any more.
 *
 * @throws ToolUnavailableError
 */
export async function scanTerraform(directory: string): Promise<Findings> {
  const interpreter = await python();
  const accepted = suppressions(await readFile(path.join(directory, CONFIGURATION), "utf8"));
  const work = await mkdtemp(path.join(tmpdir(), "checkov-"));
  try {
    // checkov always reads a configuration that lies in the folder; without it, everything that it finds comes out.
    await cp(directory, work, { recursive: true, filter: (source) => !/\/\.(checkov\.yaml|terraform)$/.test(source) });
    const { stdout } = await execa(
      interpreter,
      [
        path.join(path.dirname(interpreter), "checkov"),
        ...["--directory", work, "--framework", "terraform", "terraform_json"],
        ...["--skip-download", "--soft-fail", "--output", "json"],
      ],
      { cwd: work },
    );
    const reports = z.union([z.array(Report), Report.transform((one) => [one])]).parse(JSON.parse(stdout));
    const failed = reports.flatMap(({ results }) => results.failed_checks);
    const found = new Set(failed.map(({ check_id }) => check_id));
    return {
      passed: reports.reduce((sum, { summary }) => sum + summary.passed, 0),
      problems: [
        ...reports.flatMap(({ results }) => results.parsing_errors.map((file) => `${file} could not be read`)),
        ...failed
          .filter(({ check_id }) => !accepted.has(check_id))
          .map(({ check_id, check_name, resource }) => `${resource}: ${check_name} (${check_id})`),
        ...[...accepted].flatMap(([check, reason]) => [
          ...(reason === "" ? [`${CONFIGURATION} leaves ${check} out without a reason`] : []),
          ...(found.has(check) ? [] : [`${CONFIGURATION} leaves ${check} out, which finds nothing`]),
        ]),
      ],
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
