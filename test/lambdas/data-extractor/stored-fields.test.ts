import { describe, expect, it } from "vitest";
import { type FieldMappings, storedFields } from "../../../lambdas/data-extractor/stored-fields.ts";

const plain = { fields: {}, copy_to: [] };
const index: FieldMappings = new Map([
  ["title", { ...plain, type: "text", fields: { raw: { type: "keyword" } }, copy_to: ["all"] }],
  ["title.raw", { ...plain, type: "keyword" }],
  ["body.text", { ...plain, type: "text", copy_to: ["all"] }],
  ["all", { ...plain, type: "text" }],
  ["heading", { ...plain, type: "alias", path: "title" }],
  ["exact", { ...plain, type: "alias", path: "title.raw" }],
]);

describe("storedFields", () => {
  it.each([
    ["a plain field", "title", false, ["title"]],
    ["a field of an object", "body.text", false, ["body.text"]],
    ["a field that the mapping does not have", "unmapped", false, ["unmapped"]],
    ["a multi-field", "title.raw", false, ["title"]],
    ["an alias", "heading", false, ["title"]],
    ["an alias of a multi-field", "exact", false, ["title"]],
    ["what others are copied to", "all", false, ["title", "body.text"]],
    ["what others are copied to and documents write", "all", true, ["all"]],
  ])("finds where the text is of %s", (_, field, isWritten, expected) => {
    expect(storedFields(field, [index], isWritten)).toEqual(expected);
  });

  it("takes what any of several indices has", () => {
    const other: FieldMappings = new Map([["heading", { ...plain, type: "text" }]]);
    expect(storedFields("heading", [index, other], true)).toEqual(["title", "heading"]);
    expect(storedFields("heading", [], true)).toEqual(["heading"]);
  });
});
