import { describe, expect, it } from "vitest";
import { moduleFiles, NotAModuleError } from "../../../modules/terraform-module/module-files.ts";

const STACK = {
  "//": { metadata: { version: "1" } },
  terraform: { backend: { local: { path: "/home/me/terraform.tfstate" } } },
  variable: {
    size: {
      type: "number",
      description: "Size.",
      default: 1,
      nullable: false,
      validation: [{ condition: "${var.size > 0}", error_message: "size must be positive; write 1." }],
    },
  },
  output: { id: { description: "Id.", value: "${terraform_data.one.id}" } },
  locals: {},
  data: {},
  resource: { terraform_data: { one: { "//": { metadata: { path: "stack/one" } }, input: "${var.size}" } } },
};

describe("moduleFiles", () => {
  it("writes variables and outputs in HCL and the resources without comments or backend", () => {
    const { files } = moduleFiles(STACK);
    expect(files["variables.tf"]).toBe(
      `variable "size" {
  description = "Size."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.size > 0
    error_message = "size must be positive; write 1."
  }
}
`,
    );
    expect(files["outputs.tf"]).toContain("value       = terraform_data.one.id\n");
    expect(JSON.parse(files["main.tf.json"] ?? "")).toEqual({
      locals: {},
      data: {},
      resource: { terraform_data: { one: { input: "${var.size}" } } },
    });
    expect(Object.values(files).join()).not.toContain("/home/me");
  });

  it("refuses a stack that configures a provider", () => {
    const make = () => moduleFiles({ ...STACK, provider: { aws: [{}] } });
    expect(make).toThrow(NotAModuleError);
    expect(make).toThrow("provider");
  });
});
