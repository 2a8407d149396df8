import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { suppressions } from "./checkov.ts";

describe("the checks that checkov's configuration leaves out", () => {
  it("have the comment before them for a reason", () => {
    const configuration = "# General.\nskip-check:\n  # One\n  # reason.\n  - CKV_AWS_1\n  - CKV2_AWS_2\n";
    expect([...suppressions(configuration)]).toEqual([
      ["CKV_AWS_1", "One reason."],
      ["CKV2_AWS_2", ""],
    ]);
  });

  it("are all read from the module's configuration", () => {
    const file = new URL("../../modules/terraform-module/.checkov.yaml", import.meta.url);
    const configuration = readFileSync(file, "utf8");
    const found = suppressions(configuration);
    expect([...found.keys()]).toEqual(configuration.match(/CKV\w+/g));
    for (const reason of found.values()) expect(reason).toMatch(/\.$/);
  });
});
