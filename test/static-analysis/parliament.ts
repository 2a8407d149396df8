import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { environmentFrom } from "../../emulation/python/environment.ts";

const REQUIREMENTS = fileURLToPath(new URL("parliament.requirements.txt", import.meta.url));

const Report = z.object({
  issue: z.string(),
  title: z.string(),
  detail: z.union([z.string(), z.array(z.object({ action: z.string(), required_format: z.string() }))]),
  location: z.looseObject({ filepath: z.string() }),
});

/** Something that parliament says about a policy. */
export interface PolicyFinding {
  /** Name of the policy. */
  readonly policy: string;
  /** The kind of finding and the action or condition key that it is about: `RESOURCE_MISMATCH states:DescribeExecution`. */
  readonly finding: string;
}

/**
 * Lints IAM policies: unknown actions and condition keys, resources and conditions that do not fit their actions, malformed
 * documents.
 *
 * @param policies JSON by name.
 * @throws PythonEnvironmentError when parliament cannot be installed.
 */
export async function lintPolicies(policies: ReadonlyMap<string, string>): Promise<PolicyFinding[]> {
  const { python } = await environmentFrom(REQUIREMENTS, "parliament");
  const work = await mkdtemp(path.join(tmpdir(), "parliament-"));
  try {
    for (const [name, json] of policies) await writeFile(path.join(work, `${name}.json`), json);
    // It exits with 1 when it finds something.
    const { stdout, exitCode, stderr } = await execa(
      path.join(path.dirname(python), "parliament"),
      ["--directory", work, "--json", "--minimum_severity", "LOW"],
      { reject: false, env: { PYTHONWARNINGS: "ignore" } },
    );
    if (exitCode === undefined || exitCode > 1 || stderr.includes("Traceback")) {
      throw new Error(`parliament failed:\n${stderr}`);
    }
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Report.parse(JSON.parse(line)))
      .flatMap(({ issue, title, detail, location }) => {
        const policy = path.basename(location.filepath, ".json");
        const subjects =
          typeof detail === "string"
            ? [/[a-z0-9-]+:\w+/i.exec(detail)?.[0] ?? (detail || title)]
            : detail.map(({ action }) => action);
        return subjects.map((subject) => ({ policy, finding: `${issue} ${subject}` }));
      });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
