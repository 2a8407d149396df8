import { describe, expect, it } from "vitest";
import { expressionOf, hclBlock, hclText, hclValue } from "../../../modules/terraform-module/hcl.ts";

describe("HCL", () => {
  it("keeps what looks like a template in a text as text", () => {
    expect(hclText('a "b" ${c} %{d} $e')).toBe('"a \\"b\\" $${c} %%{d} $e"');
  });

  it("takes a string that is one template for its expression, others for templates", () => {
    expect(hclValue("${var.a}")).toBe("var.a");
    expect(hclValue('${can(regex("^a{2}$", var.a))}')).toBe('can(regex("^a{2}$", var.a))');
    expect(hclValue("${var.a}-${var.b}")).toBe('"${var.a}-${var.b}"');
    expect(expressionOf("${var.a}-${var.b}")).toBeUndefined();
    expect(hclValue("plain")).toBe('"plain"');
  });

  it("writes numbers, flags, lists and maps", () => {
    expect([5e-6, 1e-8, true, null, [1, "a"], {}, []].map(hclValue)).toEqual([
      "0.000005",
      "1e-8",
      "true",
      "null",
      '[1, "a"]',
      "{}",
      "[]",
    ]);
    expect(hclValue({ a: 1, "b/c": "d" })).toBe('{\n  a     = 1\n  "b/c" = "d"\n}');
  });

  it("aligns neighbours, and indents what is inside", () => {
    const inner = hclBlock("inner", [["c", "1"]]);
    expect(
      hclBlock(
        'outer "x"',
        [
          ["a", "1"],
          ["long", "2"],
          ["m", "{\n  d = 3\n}"],
        ],
        [inner],
      ),
    ).toBe('outer "x" {\n  a    = 1\n  long = 2\n  m = {\n    d = 3\n  }\n\n  inner {\n    c = 1\n  }\n}');
  });
});
