import { type Output, pythonModule, run } from "./commands.ts";
import { atLeastOneFailure, type Counts } from "./counts.ts";
import { readText } from "./report-files.ts";

/** Runs the Python tests of all kinds. */
export async function pytest(output: Output, reportFile: string): Promise<Counts> {
  const succeeded = await run(output, "tsx", pythonModule("pytest", `--junitxml=${reportFile}`));
  const report = await readText(reportFile);
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
