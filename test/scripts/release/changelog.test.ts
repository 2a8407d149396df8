import { describe, expect, it } from "vitest";
import { changesOf, MissingChangelogError } from "../../../scripts/release/changelog.ts";

const CHANGELOG = "# Changelog\n\nText.\n\n## 1.10.0\n\n- New.\n\n## 1.1.0\n\n- Old.\n- Older.\n\n## 1.0.0\n";

describe("changesOf", () => {
  it("takes the section of exactly this version", () => {
    expect(changesOf(CHANGELOG, "1.1.0")).toBe("- Old.\n- Older.\n");
    expect(changesOf(CHANGELOG, "1.10.0")).toBe("- New.\n");
  });

  it.each(["2.0.0", "1.0.0", "1.1"])("refuses a version without changes: %s", (version) => {
    expect(() => changesOf(CHANGELOG, version)).toThrow(MissingChangelogError);
  });
});
