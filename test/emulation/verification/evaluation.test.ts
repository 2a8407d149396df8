import { describe, expect, it } from "vitest";
import { evaluationSet, pageChecks } from "../../../emulation/verification/evaluation.ts";
import { EvaluationReport, type GateDecision } from "../../../lambdas/shared/contract.ts";

const metrics = { ndcg_at_10: 0.125, recall_at_100: 0.5, mrr_at_10: 0.25 };
const interval = { low: 0, high: 1 };
const gain = { mean: 0, low: 0, high: 0, wins: 0, losses: 0 };
const rankers = { bm25: metrics, base: metrics, tuned: metrics, base_hybrid: metrics, tuned_hybrid: metrics };
const report = EvaluationReport.parse({
  base_model_id: "base/model",
  teacher_model_id: "some/teacher",
  judge_model_id: "",
  sets: [
    {
      name: "held_out",
      queries: 1,
      documents: 1,
      rankers,
      ndcg_intervals: {
        bm25: interval,
        base: interval,
        tuned: interval,
        base_hybrid: interval,
        tuned_hybrid: interval,
      },
      ndcg_gain: gain,
      recall_gain: gain,
      mrr_gain: gain,
      hybrid_ndcg_gain: gain,
      hybrid_recall_gain: gain,
      hybrid_mrr_gain: gain,
      styles: [{ style: "question", queries: 1, base: metrics, tuned: metrics, ndcg_gain: gain }],
      query_gains: [0],
      gained: [],
      lost: [],
    },
  ],
  sparsity: [],
  training: { train_loss: [], dev_loss: [], dev_ndcg: [] },
  settings: {},
});
const decision: GateDecision = {
  deploy: false,
  reason: "The model's gain is < 0",
  ndcg_base: 0,
  ndcg_tuned: 0,
  ndcg_gain_low: 0,
  query_prompt: "",
  document_prompt: "",
};
const BODY = "base/model 0.125 0.500 0.250 question The model&#39;s gain is &lt; 0";

const failures = (page: string) =>
  pageChecks(page, report, decision)
    .filter(({ passed }) => !passed)
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
