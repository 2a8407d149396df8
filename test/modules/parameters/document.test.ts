import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  MissingMarkersError,
  parameterTable,
  propsSource,
  TABLE_BEGIN,
  TABLE_END,
  withParameterTable,
} from "../../../modules/parameters/document.ts";
import { PARAMETER_NAMES } from "../../../pipeline/parameters.ts";

const repositoryFile = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");

describe("the parameters' documentation", () => {
  it("has a row a parameter", () => {
    const rows = parameterTable().split("\n").slice(2);
    expect(rows.map((row) => /^\| `([a-z0-9_]+)` \|/.exec(row)?.[1])).toEqual(PARAMETER_NAMES);
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(8);
  });

  it("replaces what stands between the markers and nothing else", () => {
    const document = `before\n${TABLE_BEGIN}\nold\n${TABLE_END}\nafter\n`;
    const updated = withParameterTable(document);
    expect(updated).toBe(`before\n${TABLE_BEGIN}\n${parameterTable()}\n${TABLE_END}\nafter\n`);
    expect(withParameterTable(updated)).toBe(updated);
    expect(() => withParameterTable("no markers")).toThrow(MissingMarkersError);
  });

  it.skipIf(!repositoryFile("README.md").includes(TABLE_BEGIN))("is up to date in the README", () => {
    const readme = repositoryFile("README.md");
    expect(withParameterTable(readme)).toBe(readme);
  });

  it("is up to date in the construct's props", () => {
    expect(repositoryFile("modules/fine-tuning-pipeline-props.ts")).toBe(propsSource());
  });
});
