import { describe, expect, it } from "vitest";
import { evaluationSet, pageChecks } from "../../../e2e/checks/evaluation.ts";
import { evaluationReport, NOT_DEPLOYED } from "../../lambdas/shared/evaluation-fixture.ts";

const report = evaluationReport("held_out");
const BODY = "base/model 0.125 0.500 0.250 question The model&#39;s gain is &lt; 0";

const failures = (page: string) =>
  pageChecks(page, report, NOT_DEPLOYED)
    .filter(({ outcome }) => outcome !== "passed")
    .map(({ name, detail }) => `${name}: ${detail}`);

describe("pageChecks", () => {
  it("accepts a page that stands alone and has the report's figures, whatever its text says of loading", () => {
    expect(failures(`<style>p { color: red }</style><p>${BODY} src="x" url(x)</p>`)).toEqual([]);
  });

  it.each([
    `<img alt="">`,
    `<p style="" SRC = 'x'>`,
    `<script>1</script>`,
    `<a href="#x">`,
    "<style>@import 'x'</style>",
    "<style>p { background: url(x) }</style>",
  ])("finds what would be loaded: %s", (offender) => {
    expect(failures(`<p>${BODY}</p>${offender}`)).toEqual([expect.stringContaining("the page loads nothing")]);
  });

  it("finds a figure that the page lacks", () => {
    expect(failures(`<p>${BODY.replace("0.250", "0.251")}</p>`)).toEqual([
      expect.stringContaining("the page says what the report says: 5 offend, first: 0.250"),
    ]);
  });
});

describe("evaluationSet", () => {
  it("names the set that is not there", () => {
    expect(evaluationSet(report, "held_out").queries).toBe(1);
    expect(() => evaluationSet(report, "judged")).toThrow("no set named judged");
  });
});
