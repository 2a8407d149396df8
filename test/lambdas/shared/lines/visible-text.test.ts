import { describe, expect, it } from "vitest";
import { isVisible } from "../../../../lambdas/shared/lines/visible-text.ts";

describe("isVisible", () => {
  it.each([
    ["nothing", ""],
    ["spaces of all kinds", " \t\n\r\u00a0\u2003\u3000\u2028\u2029\u0085"],
    ["zero-width characters", "\u200b\u200c\u200d\u2060\ufeff\u00ad"],
    ["combining characters", "\u0301\u0308\u20dd"],
    ["variation selectors", "\ufe0f\u{e0100}"],
    ["fillers", "\u3164\uffa0\u115f\u2800"],
    ["control characters", "\u0000\u0007\u007f\u009f"],
    ["directions", "\u200e\u200f\u202a\u202e\u2066"],
    ["half of a surrogate pair", "\ud83d"],
  ])("sees nothing in %s", (_, text) => {
    expect(isVisible(text)).toBe(false);
  });

  it.each([
    "a",
    "\u200b.",
    "é",
    "e\u0301",
    "中",
    "か\u3099",
    "क्षि",
    "ไทย",
    "😀",
    "👩\u200d🔬",
    "5",
    "—",
    "☃",
    "\ue000",
  ])("sees %s", (text) => {
    expect(isVisible(text)).toBe(true);
  });

  it("takes a long text of which nothing is seen", () => {
    expect(isVisible("\u200b".repeat(5_000_000))).toBe(false);
  });
});
