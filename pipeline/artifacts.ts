/**
 * The contract between the pipeline's stages. `npm run generate` writes the Python side of it, `training-script/finetuning/artifacts/records.py`.
 *
 * What one execution works with lies under `s3://<data bucket>/runs/<execution name>/` and expires; what it leaves, because endpoints
 * load it again and people compare it, lies under `s3://<data bucket>/results/<execution name>/` and stays:
 *
 * ```
 * runs/<execution name>/
 *   corpus/part-00000.jsonl             CorpusDocument a line, several parts
 *   corpus/manifest.json                CorpusManifest
 *   queries/records/part-00000.jsonl    QueryRecord a line: which document a Bedrock record stands for, and its split
 *   queries/input/batch-00000.jsonl     Bedrock batch records, one file a job
 *   queries/output/**\/*.jsonl.out       what Bedrock answered (batch and on-demand alike)
 *   queries/manifest.json               QueriesManifest
 *   training-data/<job>/output/model/   MiningManifest and the files it names
 *   scores/<job>/output/model/          ScoringManifest and the files it names
 *   checkpoints/<stage>/                what an interrupted job goes on from
 * results/<execution name>/
 *   model/<job>/output/model.tar.gz     the tuned model
 *   evaluation/<job>/output/model/      report.json, report.html, report.md, decision.json
 * ```
 */
import { z } from "zod";

/** A record of the contract: its name and description are in the generated Python, too. */
function record<Shape extends z.ZodRawShape>(name: string, description: string, shape: Shape): z.ZodObject<Shape> {
  return z.object(shape).meta({ id: name, description });
}

export const CorpusDocument = record(
  "CorpusDocument",
  "One document of the normalised corpus. `id` is unique in the run.",
  { id: z.string().min(1), text: z.string().min(1) },
);
export type CorpusDocument = z.infer<typeof CorpusDocument>;

export const CorpusManifest = record("CorpusManifest", "What stage 1 kept and what it set aside.", {
  document_count: z.number().int().nonnegative(),
  empty_documents: z.number().int().nonnegative().describe("Documents without any text in the chosen fields."),
  missing_ids: z.number().int().nonnegative().describe("Documents that came without an id and were given one."),
  duplicate_ids: z
    .number()
    .int()
    .nonnegative()
    .describe("Documents whose id another one had; kept under an id of their own."),
  part_count: z.number().int().nonnegative(),
  truncated: z.boolean().describe("Whether there is more in the source, which the limit on documents left out."),
  source: z.string(),
});
export type CorpusManifest = z.infer<typeof CorpusManifest>;

/** Styles in which queries are asked for. */
export const QueryStyle = z.enum(["question", "claim", "keywords", "title"]).meta({ id: "QueryStyle" });
export type QueryStyle = z.infer<typeof QueryStyle>;

/** Which side of the document-disjoint split a document's queries are on. */
export const Split = z.enum(["train", "dev", "test"]).meta({ id: "Split" });
export type Split = z.infer<typeof Split>;

export const QueryRecord = record("QueryRecord", "Joins a Bedrock record to the document it was made from.", {
  record_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  doc_id: z.string().min(1),
  split: Split,
  styles: z.array(QueryStyle).min(1).describe("The styles asked for, in the order of the queries."),
});
export type QueryRecord = z.infer<typeof QueryRecord>;

export const QueriesManifest = record("QueriesManifest", "What stage 2 asked Bedrock for.", {
  record_count: z.number().int().nonnegative(),
  queries_per_document: z.number().int().min(1),
  train_documents: z.number().int().nonnegative(),
  dev_documents: z.number().int().nonnegative(),
  test_documents: z.number().int().nonnegative(),
  sample_queries: z.number().int().nonnegative(),
  batch_count: z.number().int().positive(),
});
export type QueriesManifest = z.infer<typeof QueriesManifest>;

export const MiningManifest = record(
  "MiningManifest",
  "`training-data/manifest.json`, written by `process_output.py`. Files: train.jsonl, dev.jsonl (MinedQuery), test.jsonl (HeldOutQuery), documents.jsonl (CorpusDocument).",
  {
    records_read: z.number().int(),
    records_failed: z.number().int(),
    records_unparsable: z.number().int(),
    queries_parsed: z.number().int(),
    queries_dropped: z.record(z.string(), z.number().int()),
    train_queries: z.number().int(),
    dev_queries: z.number().int(),
    test_queries: z.number().int(),
    queries_by_style: z.record(z.string(), z.number().int()),
    negatives: z.number().int(),
    corpus_documents: z.number().int(),
    bm25_found_nothing: z.number().int().describe("Train and dev queries that share no term with any document."),
    bm25_used: z.boolean().describe("False when these were so many that BM25 took no part in mining."),
  },
);
export type MiningManifest = z.infer<typeof MiningManifest>;

export const MinedQuery = record(
  "MinedQuery",
  "A query of the train or dev split with its source document and its hard negatives, best first.",
  {
    query_id: z.string(),
    query: z.string().min(1),
    style: z.string(),
    doc_id: z.string(),
    negative_ids: z.array(z.string()),
  },
);
export type MinedQuery = z.infer<typeof MinedQuery>;

export const HeldOutQuery = record("HeldOutQuery", "A query of the test split: only ever used to evaluate.", {
  query_id: z.string(),
  query: z.string().min(1),
  style: z.string(),
  doc_id: z.string(),
});
export type HeldOutQuery = z.infer<typeof HeldOutQuery>;

export const ScoredQuery = record(
  "ScoredQuery",
  "A query with teacher scores for its documents; `doc_ids[0]` is the source document. Files: train.jsonl, dev.jsonl, documents.jsonl.",
  {
    query_id: z.string(),
    query: z.string().min(1),
    style: z.string(),
    doc_ids: z.array(z.string()).min(2),
    scores: z.array(z.number()).min(2),
  },
);
export type ScoredQuery = z.infer<typeof ScoredQuery>;

export const ScoringManifest = record("ScoringManifest", "`scores/manifest.json`, written by `score.py`.", {
  teacher_model_id: z.string(),
  queries: z.number().int(),
  pairs: z.number().int(),
  pairs_resumed: z.number().int(),
  seconds: z.number(),
});
export type ScoringManifest = z.infer<typeof ScoringManifest>;

export const RankingMetrics = record("RankingMetrics", "Metrics of one ranker over one set of queries, each in 0..1.", {
  ndcg_at_10: z.number(),
  recall_at_100: z.number(),
  mrr_at_10: z.number(),
});
export type RankingMetrics = z.infer<typeof RankingMetrics>;

/** A field for each ranker that an evaluation compares. */
const forEachRanker = <Value extends z.ZodType>(value: Value) => ({
  bm25: value,
  base: value,
  tuned: value,
  base_hybrid: value,
  tuned_hybrid: value,
});

export const Rankers = record(
  "Rankers",
  "The rankers that an evaluation compares; the hybrids fuse BM25 with the dense ranking of one of the models.",
  forEachRanker(RankingMetrics),
);
export type Rankers = z.infer<typeof Rankers>;

export const Interval = record("Interval", "A 95 % interval.", { low: z.number(), high: z.number() });
export type Interval = z.infer<typeof Interval>;

export const RankerIntervals = record(
  "RankerIntervals",
  "Bootstrap 95 % interval of each ranker's nDCG@10.",
  forEachRanker(Interval),
);
export type RankerIntervals = z.infer<typeof RankerIntervals>;

export const MetricGain = record(
  "MetricGain",
  "Tuned minus base in one metric with a paired bootstrap 95 % interval; wins and losses count queries.",
  {
    mean: z.number(),
    low: z.number(),
    high: z.number(),
    wins: z.number().int(),
    losses: z.number().int(),
  },
);
export type MetricGain = z.infer<typeof MetricGain>;

export const StyleResult = record("StyleResult", "Base and tuned on the queries of one style.", {
  style: z.string(),
  queries: z.number().int(),
  base: RankingMetrics,
  tuned: RankingMetrics,
  ndcg_gain: MetricGain,
});
export type StyleResult = z.infer<typeof StyleResult>;

export const ReturnedDocument = record(
  "ReturnedDocument",
  "A document that a model returned; `relevance` is its grade, 0 where it is not relevant or not judged.",
  {
    doc_id: z.string(),
    snippet: z.string(),
    relevance: z.number().int(),
  },
);
export type ReturnedDocument = z.infer<typeof ReturnedDocument>;

export const QueryChange = record(
  "QueryChange",
  "What tuning did to one query. A rank of 0 means: not among the first 100.",
  {
    query: z.string(),
    style: z.string(),
    ndcg_base: z.number(),
    ndcg_tuned: z.number(),
    relevant_doc_id: z.string().describe("The most relevant document; `relevant_snippet` and the two ranks are of it."),
    relevant_snippet: z.string(),
    base_rank: z.number().int(),
    tuned_rank: z.number().int(),
    base_results: z.array(ReturnedDocument),
    tuned_results: z.array(ReturnedDocument),
  },
);
export type QueryChange = z.infer<typeof QueryChange>;

export const EvaluationSet = record("EvaluationSet", "One set of queries evaluated with each ranker.", {
  name: z.string(),
  queries: z.number().int(),
  documents: z.number().int(),
  bm25_found_nothing: z.number().int().describe("Queries that share no term with any document."),
  bm25_in_hybrids: z.boolean().describe("False when these were so many that the hybrids are the models alone."),
  rankers: Rankers,
  ndcg_intervals: RankerIntervals,
  ndcg_gain: MetricGain,
  recall_gain: MetricGain,
  mrr_gain: MetricGain,
  hybrid_ndcg_gain: MetricGain.describe("The hybrid of the tuned model minus the hybrid of the base model."),
  hybrid_recall_gain: MetricGain,
  hybrid_mrr_gain: MetricGain,
  styles: z.array(StyleResult).describe("Empty for queries without a style."),
  query_gains: z
    .array(z.number())
    .describe("Tuned minus base in nDCG@10 of each query, best first; of very many queries, evenly chosen ones."),
  gained: z.array(QueryChange).describe("The ten queries that gained most, most first."),
  lost: z.array(QueryChange).describe("The ten queries that lost most, most first."),
});
export type EvaluationSet = z.infer<typeof EvaluationSet>;

export const Sparsity = record("Sparsity", "What a sparse encoder's vectors cost an inverted index.", {
  model: z.enum(["base", "tuned"]),
  query_active_dims: z.number().describe("Words with a weight, mean over queries: postings lists that a search reads."),
  document_active_dims: z.number().describe("The same of documents: size of the index."),
  flops: z.number().describe("Words that a query and a document have in common, mean over all pairs."),
});
export type Sparsity = z.infer<typeof Sparsity>;

export const CurvePoint = record("CurvePoint", "One value of a training curve.", {
  step: z.number().int(),
  value: z.number(),
});
export type CurvePoint = z.infer<typeof CurvePoint>;

export const TrainingCurves = record(
  "TrainingCurves",
  "What the model's artifact says of its training; empty where it says nothing.",
  {
    train_loss: z.array(CurvePoint),
    dev_loss: z.array(CurvePoint),
    dev_ndcg: z.array(CurvePoint),
  },
);
export type TrainingCurves = z.infer<typeof TrainingCurves>;

export const EvaluationReport = record("EvaluationReport", "`evaluation/report.json`, written by `evaluate.py`.", {
  base_model_id: z.string(),
  teacher_model_id: z.string(),
  judge_model_id: z.string().describe("Empty without a pooled judgement."),
  sets: z
    .array(EvaluationSet)
    .min(1)
    .describe(
      "`held_out` is always there; `pooled` with a judge; `judged` and `general` when the user gave judged queries and a general collection.",
    ),
  sparsity: z.array(Sparsity).describe("Of the base and the tuned model on the corpus; empty for dense models."),
  training: TrainingCurves,
  settings: z.record(z.string(), z.string()).describe("Of the training and of the evaluation, for people to read."),
});
export type EvaluationReport = z.infer<typeof EvaluationReport>;

export const GateDecision = record(
  "GateDecision",
  "`evaluation/decision.json`: small enough for the state machine to read.",
  {
    deploy: z.boolean(),
    reason: z.string(),
    ndcg_base: z.number(),
    ndcg_tuned: z.number(),
    ndcg_gain_low: z.number(),
    query_prompt: z.string().describe("What the tuned model expects before a query; empty for nothing."),
    document_prompt: z.string().describe("What the tuned model expects before a document; empty for nothing."),
  },
);
export type GateDecision = z.infer<typeof GateDecision>;

export const CorpusResult = record(
  "CorpusResult",
  "What both Lambdas of stage 1 return. `complete: false` asks to be called again with `cursor`.",
  {
    complete: z.boolean(),
    cursor: z.unknown().nullable().describe("Opaque to the state machine; null once complete."),
    corpus_uri: z.string(),
    document_count: z.number().int().nonnegative(),
  },
);
export type CorpusResult = z.infer<typeof CorpusResult>;

export const QueryBatch = record("QueryBatch", "One Bedrock job's worth of records.", {
  batch_index: z.number().int().nonnegative(),
  s3_input_uri: z.string(),
  record_count: z.number().int().positive(),
  attempt: z.number().int().positive().describe("1 for the first try, 2 for the records that failed in it."),
  first_record_count: z
    .number()
    .int()
    .positive()
    .optional()
    .describe("Records of the first try, which the share of failures is judged against; absent in it."),
});
export type QueryBatch = z.infer<typeof QueryBatch>;

/** Records that jobs read or write, each after those that it holds: the Python side of the contract. */
export const JOB_RECORDS = [
  CorpusDocument,
  QueryRecord,
  MinedQuery,
  HeldOutQuery,
  MiningManifest,
  ScoredQuery,
  ScoringManifest,
  RankingMetrics,
  Rankers,
  Interval,
  RankerIntervals,
  MetricGain,
  StyleResult,
  ReturnedDocument,
  QueryChange,
  EvaluationSet,
  Sparsity,
  CurvePoint,
  TrainingCurves,
  EvaluationReport,
  GateDecision,
] as const;
