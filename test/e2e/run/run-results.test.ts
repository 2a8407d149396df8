import { expect, it } from "vitest";
import type { Check } from "../../../e2e/checks/check.ts";
import { runOptions } from "../../../e2e/run/run-options.ts";
import { renderResults } from "../../../e2e/run/run-results.ts";

const check = (name: string, outcome: Check["outcome"]): Check => ({
  stage: "execution",
  name,
  outcome,
  detail: "found",
});

it("counts what failed apart from what could not be said in its wake", () => {
  const rendered = renderResults({
    options: runOptions([]),
    runtime: "processes",
    setUp: [{ stage: "emulators", seconds: 12.34, counts: "all" }],
    checks: [check("plan", "passed"), check("succeeded", "failed"), check("search", "not run")],
    executions: [
      {
        name: "e2e-1",
        succeeded: false,
        stages: [{ stage: "5 training", seconds: 600, counts: "" }],
        checks: [],
        sparsity: [],
        heldOut: undefined,
        human: undefined,
        reportFile: undefined,
        humanNdcgThroughOpenSearch: undefined,
      },
    ],
    totalSeconds: 700,
    peakMemoryGiB: undefined,
  });
  expect(rendered).toContain("| emulators |    12.3 | all  |");
  expect(rendered).toContain("| 5 training |   600.0 |        |");
  expect(rendered).toMatch(/\| FAILED +\| execution: succeeded/);
  expect(rendered).toMatch(/\| not run +\| execution: search/);
  expect(rendered.trimEnd()).toMatch(
    /1 checks passed, 1 failed, 1 not run in the wake of these in 700 s; peak memory unknown, /,
  );
  expect(rendered).not.toContain("nDCG");
});
