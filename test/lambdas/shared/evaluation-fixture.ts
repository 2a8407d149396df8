import { EvaluationReport, type GateDecision } from "../../../pipeline/artifacts.ts";

const metrics = { ndcg_at_10: 0.125, recall_at_100: 0.5, mrr_at_10: 0.25 };
const interval = { low: 0, high: 1 };
const gain = { mean: 0, low: 0, high: 0, wins: 0, losses: 0 };

const evaluationSet = (name: string) => ({
  name,
  queries: 1,
  documents: 1,
  rankers: { bm25: metrics, base: metrics, tuned: metrics, base_hybrid: metrics, tuned_hybrid: metrics },
  ndcg_intervals: { bm25: interval, base: interval, tuned: interval, base_hybrid: interval, tuned_hybrid: interval },
  ndcg_gain: gain,
  recall_gain: gain,
  mrr_gain: gain,
  bm25_found_nothing: 0,
  bm25_in_hybrids: true,
  hybrid_ndcg_gain: gain,
  hybrid_recall_gain: gain,
  hybrid_mrr_gain: gain,
  styles: [{ style: "question", queries: 1, base: metrics, tuned: metrics, ndcg_gain: gain }],
  query_gains: [0],
  gained: [],
  lost: [],
});

/** A report on sets of one query each, on which every ranker does equally well. */
export function evaluationReport(...sets: string[]): EvaluationReport {
  return EvaluationReport.parse({
    base_model_id: "base/model",
    teacher_model_id: "some/teacher",
    judge_model_id: "",
    sets: sets.map(evaluationSet),
    sparsity: [],
    training: { train_loss: [], dev_loss: [], dev_ndcg: [] },
    settings: {},
  });
}

/** The gate's decision on it. */
export const NOT_DEPLOYED: GateDecision = {
  deploy: false,
  reason: "The model's gain is < 0",
  ndcg_base: 0,
  ndcg_tuned: 0,
  ndcg_gain_low: 0,
  query_prompt: "",
  document_prompt: "",
};
