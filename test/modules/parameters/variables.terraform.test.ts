import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { writeModule } from "../../../modules/terraform-module/write-module.ts";
import { CROSS_FIELD_RULES, crossFieldMessage } from "../../../pipeline/parameters/cross-field-rules.ts";
import { PARAMETER_NAMES, parameter } from "../../../pipeline/parameters/table.ts";
import { message } from "../../../pipeline/parameters/values.ts";
import { BASE, CASES, type Case, RULED } from "../../pipeline/parameters/cases.ts";
import {
  readStack,
  type SynthesizedStack,
  synthesize,
  temporaryDirectory,
  terraform,
  writeSources,
} from "../stack-fixture.ts";

/** A `terraform test` file with a plan for each case. */
function testFile(cases: readonly Case[]): string {
  const runs = cases.map(({ values, refusedAt }, index) => {
    const variables = Object.entries({ ...BASE, ...values }).map(
      ([name, value]) => `    ${name} = ${JSON.stringify(value)}`,
    );
    const expectation = refusedAt === undefined ? "" : `  expect_failures = [var.${refusedAt}]\n`;
    return `run "case_${index}" {\n  command = plan\n  variables {\n${variables.join("\n")}\n  }\n${expectation}}\n`;
  });
  return runs.join("\n");
}

const TestRun = z.object({
  type: z.literal("test_run"),
  test_run: z.object({ run: z.string(), status: z.string().optional() }),
});

describe("the Terraform variables", () => {
  const work = temporaryDirectory();
  let stack: SynthesizedStack;
  const statuses = new Map<string, string>();

  beforeAll(async () => {
    stack = readStack(synthesize(work.path));
    const moduleDirectory = path.join(work.path, "module");
    writeModule(moduleDirectory, writeSources(work.path));
    // The variables alone need no provider: a plan takes milliseconds. The module has all but the region, which has a provider.
    copyFileSync(path.join(moduleDirectory, "variables.tf"), path.join(work.path, "variables.tf"));
    const { region } = stack.variable;
    writeFileSync(path.join(work.path, "region.tf.json"), JSON.stringify({ variable: { region } }));
    writeFileSync(path.join(work.path, "rules.tftest.hcl"), testFile(CASES));
    await terraform(work.path, ["init", "-input=false"]);
    const output = await terraform(work.path, ["test", "-json"]).catch((error: { stdout: string }) => error.stdout);
    for (const line of output.split("\n")) {
      const run = TestRun.safeParse(JSON.parse(line));
      if (run.success && run.data.test_run.status !== undefined) {
        statuses.set(run.data.test_run.run, run.data.test_run.status);
      }
    }
    // A process of Terraform a case: minutes on a machine that has other work.
  }, 600_000);
  afterAll(() => work.remove());

  it.each(CASES.map((testCase, index) => [index, testCase] as const))("case %i: %j", (index) => {
    expect(statuses.get(`case_${index}`)).toBe("pass");
  });

  it("refuses a value in words that say what to write instead", () => {
    for (const name of RULED) {
      const [first] = stack.variable[name]?.validation ?? [];
      expect(first?.error_message).toBe(message(name));
    }
    for (const rule of CROSS_FIELD_RULES) {
      const texts = stack.variable[rule.blame]?.validation?.map(({ error_message }) => error_message);
      expect(texts).toContain(crossFieldMessage(rule));
    }
  });

  it("has a default that keeps its rule, or is required", () => {
    const required = PARAMETER_NAMES.filter((name) => parameter(name).default === undefined);
    expect(required).toEqual(["model_name"]);
    for (const name of PARAMETER_NAMES) {
      expect(stack.variable[name]?.default).toEqual(parameter(name).default);
      expect(stack.variable[name]?.nullable).toBe(false);
    }
  });
});
