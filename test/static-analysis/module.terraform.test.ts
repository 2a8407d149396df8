import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildModule } from "../modules/terraform-module/module-fixture.ts";
import { scanTerraform } from "./checkov.ts";
import { lintTerraform } from "./tflint.ts";
import { type Findings, ToolUnavailableError } from "./tools.ts";

const TOOLS: readonly [string, (directory: string) => Promise<Findings>][] = [
  ["tflint", lintTerraform],
  ["checkov", scanTerraform],
];

describe("the Terraform module", () => {
  const work = mkdtempSync(path.join(tmpdir(), "static-analysis-"));
  const module = buildModule(work);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  // The first run compiles or installs the tool.
  it.for(TOOLS)("has nothing that %s finds", { timeout: 600_000 }, async ([, analyse], { skip }) => {
    const found = await analyse(module).catch((error: unknown) => {
      if (!(error instanceof ToolUnavailableError)) throw error;
      skip(error.message);
    });
    expect(found?.problems).toEqual([]);
    expect(found?.passed).toBeGreaterThan(0);
  });
});
