/**
 * The contract between the pipeline's stages, TypeScript side. The Python side is `training-script/finetuning/contract.py`;
 * a test holds the two against each other on the artifacts of a real run.
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

/** One document of the normalised corpus. `id` is unique in the run. */
export const CorpusDocument = z.object({ id: z.string().min(1), text: z.string().min(1) });
export type CorpusDocument = z.infer<typeof CorpusDocument>;

/** What stage 1 kept and what it set aside. */
export const CorpusManifest = z.object({
  document_count: z.number().int().nonnegative(),
  /** Documents without any text in the chosen fields. */
  empty_documents: z.number().int().nonnegative(),
  /** Documents that came without an id and were given one. */
  missing_ids: z.number().int().nonnegative(),
  /** Documents whose id another one had; kept under an id of their own. */
  duplicate_ids: z.number().int().nonnegative(),
  part_count: z.number().int().nonnegative(),
  /** Whether there is more in the source, which the limit on documents left out. */
  truncated: z.boolean(),
  source: z.string(),
});
export type CorpusManifest = z.infer<typeof CorpusManifest>;

/** Styles in which queries are asked for. */
export const QueryStyle = z.enum(["question", "claim", "keywords", "title"]);
export type QueryStyle = z.infer<typeof QueryStyle>;

/** Which side of the document-disjoint split a document's queries are on. */
export const Split = z.enum(["train", "dev", "test"]);
export type Split = z.infer<typeof Split>;

/** Joins a Bedrock record to the document it was made from. */
export const QueryRecord = z.object({
  record_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  doc_id: z.string().min(1),
  split: Split,
  /** The styles asked for, in the order of the queries. */
  styles: z.array(QueryStyle).min(1),
});
export type QueryRecord = z.infer<typeof QueryRecord>;

/** What stage 2 asked Bedrock for. */
export const QueriesManifest = z.object({
  record_count: z.number().int().nonnegative(),
  queries_per_document: z.number().int().min(1),
  train_documents: z.number().int().nonnegative(),
  dev_documents: z.number().int().nonnegative(),
  test_documents: z.number().int().nonnegative(),
  sample_queries: z.number().int().nonnegative(),
  batch_count: z.number().int().positive(),
});
export type QueriesManifest = z.infer<typeof QueriesManifest>;

/** `training-data/manifest.json`, written by `process_output.py`. Files: train.jsonl, dev.jsonl (MinedQuery), test.jsonl (HeldOutQuery), documents.jsonl (CorpusDocument). */
export const MiningManifest = z.object({
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
});
export type MiningManifest = z.infer<typeof MiningManifest>;

/** A query of the train or dev split with its source document and its hard negatives, best first. */
export const MinedQuery = z.object({
  query_id: z.string(),
  query: z.string().min(1),
  style: z.string(),
  doc_id: z.string(),
  negative_ids: z.array(z.string()),
});
export type MinedQuery = z.infer<typeof MinedQuery>;

/** A query of the test split: only ever used to evaluate. */
export const HeldOutQuery = z.object({
  query_id: z.string(),
  query: z.string().min(1),
  style: z.string(),
  doc_id: z.string(),
});
export type HeldOutQuery = z.infer<typeof HeldOutQuery>;

/** A query with teacher scores for its documents; `doc_ids[0]` is the source document. Files: train.jsonl, dev.jsonl, documents.jsonl. */
export const ScoredQuery = z.object({
  query_id: z.string(),
  query: z.string().min(1),
  style: z.string(),
  doc_ids: z.array(z.string()).min(2),
  scores: z.array(z.number()).min(2),
});
export type ScoredQuery = z.infer<typeof ScoredQuery>;

/** `scores/manifest.json`, written by `score.py`. */
export const ScoringManifest = z.object({
  teacher_model_id: z.string(),
  queries: z.number().int(),
  pairs: z.number().int(),
  pairs_resumed: z.number().int(),
  seconds: z.number(),
});
export type ScoringManifest = z.infer<typeof ScoringManifest>;

/** Metrics of one ranker over one set of queries, each in 0..1. */
export const RankingMetrics = z.object({
  ndcg_at_10: z.number(),
  recall_at_100: z.number(),
  mrr_at_10: z.number(),
});
export type RankingMetrics = z.infer<typeof RankingMetrics>;

/** The rankers that an evaluation compares; the hybrids fuse BM25 with the dense ranking of one of the models. */
export const Rankers = z.object({
  bm25: RankingMetrics,
  base: RankingMetrics,
  tuned: RankingMetrics,
  base_hybrid: RankingMetrics,
  tuned_hybrid: RankingMetrics,
});
export type Rankers = z.infer<typeof Rankers>;

/** A 95 % interval. */
export const Interval = z.object({ low: z.number(), high: z.number() });
export type Interval = z.infer<typeof Interval>;

/** Bootstrap 95 % interval of each ranker's nDCG@10. */
export const RankerIntervals = z.object({
  bm25: Interval,
  base: Interval,
  tuned: Interval,
  base_hybrid: Interval,
  tuned_hybrid: Interval,
});
export type RankerIntervals = z.infer<typeof RankerIntervals>;

/** Tuned minus base in one metric with a paired bootstrap 95 % interval; wins and losses count queries. */
export const MetricGain = z.object({
  mean: z.number(),
  low: z.number(),
  high: z.number(),
  wins: z.number().int(),
  losses: z.number().int(),
});
export type MetricGain = z.infer<typeof MetricGain>;

/** Base and tuned on the queries of one style. */
export const StyleResult = z.object({
  style: z.string(),
  queries: z.number().int(),
  base: RankingMetrics,
  tuned: RankingMetrics,
  ndcg_gain: MetricGain,
});
export type StyleResult = z.infer<typeof StyleResult>;

/** A document that a model returned; `relevance` is its grade, 0 where it is not relevant or not judged. */
export const ReturnedDocument = z.object({
  doc_id: z.string(),
  snippet: z.string(),
  relevance: z.number().int(),
});
export type ReturnedDocument = z.infer<typeof ReturnedDocument>;

/** What tuning did to one query. A rank of 0 means: not among the first 100. */
export const QueryChange = z.object({
  query: z.string(),
  style: z.string(),
  ndcg_base: z.number(),
  ndcg_tuned: z.number(),
  /** The most relevant document; `relevant_snippet` and the two ranks are of it. */
  relevant_doc_id: z.string(),
  relevant_snippet: z.string(),
  base_rank: z.number().int(),
  tuned_rank: z.number().int(),
  base_results: z.array(ReturnedDocument),
  tuned_results: z.array(ReturnedDocument),
});
export type QueryChange = z.infer<typeof QueryChange>;

/** One set of queries evaluated with each ranker. */
export const EvaluationSet = z.object({
  name: z.string(),
  queries: z.number().int(),
  documents: z.number().int(),
  rankers: Rankers,
  ndcg_intervals: RankerIntervals,
  ndcg_gain: MetricGain,
  recall_gain: MetricGain,
  mrr_gain: MetricGain,
  /** The hybrid of the tuned model minus the hybrid of the base model. */
  hybrid_ndcg_gain: MetricGain,
  hybrid_recall_gain: MetricGain,
  hybrid_mrr_gain: MetricGain,
  /** Empty for queries without a style. */
  styles: z.array(StyleResult),
  /** Tuned minus base in nDCG@10 of each query, best first; of very many queries, evenly chosen ones. */
  query_gains: z.array(z.number()),
  /** The ten queries that gained most, most first. */
  gained: z.array(QueryChange),
  /** The ten queries that lost most, most first. */
  lost: z.array(QueryChange),
});
export type EvaluationSet = z.infer<typeof EvaluationSet>;

/** What a sparse encoder's vectors cost an inverted index. */
export const Sparsity = z.object({
  model: z.enum(["base", "tuned"]),
  /** Words with a weight, mean over queries: postings lists that a search reads. */
  query_active_dims: z.number(),
  /** The same of documents: size of the index. */
  document_active_dims: z.number(),
  /** Words that a query and a document have in common, mean over all pairs. */
  flops: z.number(),
});
export type Sparsity = z.infer<typeof Sparsity>;

/** One value of a training curve. */
export const CurvePoint = z.object({ step: z.number().int(), value: z.number() });
export type CurvePoint = z.infer<typeof CurvePoint>;

/** What the model's artifact says of its training; empty where it says nothing. */
export const TrainingCurves = z.object({
  train_loss: z.array(CurvePoint),
  dev_loss: z.array(CurvePoint),
  dev_ndcg: z.array(CurvePoint),
});
export type TrainingCurves = z.infer<typeof TrainingCurves>;

/** `evaluation/report.json`, written by `evaluate.py`. */
export const EvaluationReport = z.object({
  base_model_id: z.string(),
  teacher_model_id: z.string(),
  /** Empty without a pooled judgement. */
  judge_model_id: z.string(),
  /** `held_out` is always there; `pooled` with a judge; `judged` and `general` when the user gave judged queries and a general collection. */
  sets: z.array(EvaluationSet).min(1),
  /** Of the base and the tuned model on the corpus; empty for dense models. */
  sparsity: z.array(Sparsity),
  training: TrainingCurves,
  /** Of the training and of the evaluation, for people to read. */
  settings: z.record(z.string(), z.string()),
});
export type EvaluationReport = z.infer<typeof EvaluationReport>;

/** `evaluation/decision.json`: small enough for the state machine to read. */
export const GateDecision = z.object({
  deploy: z.boolean(),
  reason: z.string(),
  ndcg_base: z.number(),
  ndcg_tuned: z.number(),
  ndcg_gain_low: z.number(),
  /** What the tuned model expects before a query; empty for nothing. */
  query_prompt: z.string(),
  /** What the tuned model expects before a document; empty for nothing. */
  document_prompt: z.string(),
});
export type GateDecision = z.infer<typeof GateDecision>;

/** What both Lambdas of stage 1 return. `complete: false` asks to be called again with `cursor`. */
export const CorpusResult = z.object({
  complete: z.boolean(),
  /** Opaque to the state machine; null once complete. */
  cursor: z.unknown().nullable(),
  corpus_uri: z.string(),
  document_count: z.number().int().nonnegative(),
});
export type CorpusResult = z.infer<typeof CorpusResult>;

/** One Bedrock job's worth of records. */
export const QueryBatch = z.object({
  batch_index: z.number().int().nonnegative(),
  s3_input_uri: z.string(),
  record_count: z.number().int().positive(),
  /** 1 for the first try, 2 for the records that failed in it. */
  attempt: z.number().int().positive(),
  /** Records of the first try, which the share of failures is judged against; absent in it. */
  first_record_count: z.number().int().positive().optional(),
});
export type QueryBatch = z.infer<typeof QueryBatch>;
