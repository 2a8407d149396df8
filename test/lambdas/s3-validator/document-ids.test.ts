import { describe, expect, it } from "vitest";
import { DocumentIds } from "../../../lambdas/s3-validator/document-ids.ts";

describe("DocumentIds", () => {
  it("keeps 200,000 different ids as they are while it grows", () => {
    const ids = new DocumentIds(16);
    for (let index = 0; index < 200_000; index += 1) {
      const id = `document-${index}`;
      if (ids.unique(id) !== id) expect.fail(`${id} was taken for a duplicate`);
    }
    expect(ids.duplicates).toBe(0);
    expect(ids.unique("document-199999")).toBe("document-199999#2");
  });

  it("numbers many documents of one id without looking at all of them again", () => {
    const ids = new DocumentIds(16);
    const made = new Set(Array.from({ length: 100_000 }, () => ids.unique("same")));
    expect(made.size).toBe(100_000);
    expect(ids.duplicates).toBe(99_999);
    expect(made).toContain("same#100000");
  });
});
