import { describe, expect, it } from "vitest";
import { verifyLogs } from "../../../e2e/checks/logs.ts";

const PASSAGES = [
  'A "queryset" is lazy:\n\nthe act of creating one does not involve any database activity.',
  "Short ones are names, not texts.",
];
const GROUP = "/aws/lambda/finetuning-data-extractor";

const outcome = (...messages: string[]) =>
  verifyLogs(new Map([[GROUP, messages]]), PASSAGES).map((check) => [check.outcome === "passed", check.detail]);

describe("the functions' logs", () => {
  it("may count and name things", () => {
    expect(
      outcome('{"level":"INFO","message":"done","documents":2,"index":"queryset"}', "REPORT Duration: 5 ms"),
    ).toEqual([
      [true, "2 events of 1 of 1 functions"],
      [true, "2 events"],
    ]);
  });

  it("may not hold a document's text, as it is or within JSON within JSON", () => {
    const leak = `${GROUP}: "queryset is lazy the act of creating one"`;
    const json = JSON.stringify({ message: `bad document ${JSON.stringify({ text: PASSAGES[0] })}` });
    for (const message of [`skipping ${PASSAGES[0]}`, json]) {
      expect(outcome("{}", message)[1]).toEqual([false, expect.stringContaining("1 offend")]);
    }
    expect(outcome(`skipping "queryset" is lazy:\nthe act of creating one`)[1]).toEqual([
      false,
      expect.stringContaining(leak),
    ]);
  });

  it("must be there", () => {
    expect(outcome()[0]).toEqual([false, "0 events of 0 of 1 functions"]);
  });
});
