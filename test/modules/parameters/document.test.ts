import { describe, expect, it } from "vitest";
import { parametersDocument, parameterTable } from "../../../modules/parameters/document.ts";
import { CROSS_FIELD_RULES, crossFieldMessage } from "../../../pipeline/parameters/cross-field-rules.ts";
import { PARAMETER_NAMES } from "../../../pipeline/parameters/table.ts";

const rowNames = (text: string) => [...text.matchAll(/^\| `([a-z0-9_]+)` +\|/gm)].map(([, name]) => name);

describe("the parameters' documentation", () => {
  it("has a row a parameter, with a cell a column", () => {
    expect(rowNames(parameterTable())).toEqual(PARAMETER_NAMES);
    const widths = parameterTable()
      .split("\n")
      .map((row) => row.split(/(?<!\\)\|/).length);
    expect(new Set(widths)).toEqual(new Set([8]));
  });

  it("lists every parameter once, by stage, and every rule between parameters", () => {
    const document = parametersDocument();
    expect(rowNames(document)).toEqual(PARAMETER_NAMES);
    for (const rule of CROSS_FIELD_RULES) expect(document).toContain(`- ${crossFieldMessage(rule)}\n`);
  });
});
