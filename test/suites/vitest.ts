import path from "node:path";
import { z } from "zod";
import { type Output, REPOSITORY, run } from "./commands.ts";
import { atLeastOneFailure, type Counts, NOTHING } from "./counts.ts";
import { readJson } from "./report-files.ts";

const Report = z.object({
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

/** Runs the TypeScript tests of some kinds. */
export async function vitest(output: Output, reportFile: string, kinds: readonly string[]): Promise<Counts> {
  const projects = kinds.map((kind) => `--project=${kind}`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile=${reportFile}`];
  const succeeded = await run(output, "vitest", ["run", ...projects, ...reporters]);
  const report = Report.safeParse(await readJson(reportFile));
  if (!report.success) return atLeastOneFailure(false, NOTHING);
  return atLeastOneFailure(succeeded, {
    passed: report.data.numPassedTests,
    failed: report.data.numFailedTests,
    skipped: report.data.numPendingTests,
    failures: report.data.testResults.flatMap(failuresOf),
  });
}

function failuresOf(file: z.infer<typeof Report>["testResults"][number]): string[] {
  const name = path.relative(REPOSITORY, file.name);
  const failed = file.assertionResults.filter(({ status }) => status === "failed");
  if (failed.length === 0) return file.status === "failed" ? [`${name}: ${file.message}`] : [];
  return failed.map(({ fullName, failureMessages }) => `${name}: ${fullName}: ${(failureMessages ?? []).join(" ")}`);
}
