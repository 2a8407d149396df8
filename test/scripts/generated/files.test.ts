import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { GENERATED_FILES } from "../../../scripts/generated/files.ts";
import { pythonType } from "../../../scripts/generated/python.ts";

describe("generated files", () => {
  it.each(GENERATED_FILES.map(({ path, content }) => [path, content] as const))(
    "%s is what `npm run generate` writes",
    (path, content) => {
      expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")).toBe(content());
    },
  );
});

describe("the Python type of a schema", () => {
  it.each([
    [z.string(), "str"],
    [z.string().min(1), "Annotated[str, Meta(min_length=1)]"],
    [z.number().int(), "int"],
    [z.number(), "float"],
    [z.array(z.string()).min(2), "Annotated[list[str], Meta(min_length=2)]"],
    [z.record(z.string(), z.number().int()), "dict[str, int]"],
    [z.enum(["a", "b"]), 'Literal["a", "b"]'],
  ])("%#", (schema, type) => {
    expect(pythonType(z.toJSONSchema(schema))).toBe(type);
  });

  it("refuses a union, which the contract does not have", () => {
    expect(() => pythonType(z.toJSONSchema(z.union([z.string(), z.number()])))).toThrow();
  });
});
