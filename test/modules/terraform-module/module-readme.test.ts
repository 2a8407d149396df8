import { describe, expect, it } from "vitest";
import { MissingPlaceError, moduleReadme } from "../../../modules/terraform-module/module-readme.ts";

const TEMPLATE = "<!-- EXAMPLES -->\n<!-- REQUIREMENTS -->\n<!-- INPUTS -->\n<!-- OUTPUTS -->\n";

describe("the module's README", () => {
  it("lists examples, versions, inputs and outputs", () => {
    const readme = moduleReadme(TEMPLATE, { arn: { description: "ARN.", value: "a" } }, [
      { name: "small", description: "Small." },
    ]);
    expect(readme).toContain("- [small](examples/small): Small.\n");
    expect(readme).toContain("| aws | ~> 5.90 |");
    expect(readme).toContain("| `model_name` | string | required |");
    expect(readme).not.toContain("`region`");
    expect(readme).toMatch(/\| `arn` \| ARN\. \|\n$/);
  });

  it("refuses a template without a place for them", () => {
    expect(() => moduleReadme(TEMPLATE.replace("<!-- INPUTS -->", ""), {}, [])).toThrow(MissingPlaceError);
    expect(() => moduleReadme(TEMPLATE.replace("<!-- INPUTS -->", ""), {}, [])).toThrow("<!-- INPUTS -->");
  });
});
