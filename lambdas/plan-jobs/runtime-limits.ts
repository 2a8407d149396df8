import type { ValueOf } from "../../pipeline/parameters/table.ts";
import type { JobStage } from "../../pipeline/stages.ts";

type WorkParameter =
  | "queries_per_document"
  | "scoring_max_negatives"
  | "num_negatives"
  | "max_seq_length"
  | "max_steps"
  | "total_batch_size"
  | "max_evaluation_documents"
  | "judge_model_id"
  | "dense_candidates"
  | "general_collection_uri";

/** How much an execution has to do, in the counts that are known before its jobs start. */
export interface Work {
  /** Documents of the corpus. */
  readonly document_count: number;
  /** Documents for which queries were generated. */
  readonly query_record_count: number;
  readonly parameters: { readonly [Name in WorkParameter]: ValueOf<Name> };
}

/**
 * Work a second on one A10G, the GPU of the default instance type. Estimates from the floating-point operations of the default
 * models at 35 to 45 % of the GPU's peak, not measurements: teacher bge-reranker-v2.5-gemma2-lightweight (9 pairs of 300 tokens),
 * bge-m3 (150 texts of 300 tokens), its training (1.5 queries with 15 passages of 300 tokens: cached gradients take a second forward
 * pass, so that a step costs four forward passes instead of three).
 */
const A10G_TOKENS_PER_SECOND = { teacher: 2_700, embedding: 45_000, training: 9_000 } as const;

/** How much slower a CPU instance of 16 vCPUs is: half a TFLOPS that can be had against 25 of an A10G, roughly. */
const CPU_FACTOR = 40;

/**
 * bm25s on one core: 12 queries a second over the 8.8 million passages of MS MARCO, 42 over the 2.7 million of NQ (its README).
 * The miner's tantivy is faster (docs/scaling.md), so that these two make the estimate high, never low.
 */
const BM25_SECONDS_PER_QUERY_AND_DOCUMENT = 1e-8;
/** Tokenised and indexed a second by the same library; one core, passages of some 200 words. */
const BM25_DOCUMENTS_INDEXED_PER_SECOND = 1_000;

/** A limit stops a job that hangs. It shall not stop one that is merely slower than the estimate. */
const SAFETY_FACTOR = 3;
/** Seconds that any job may need for its image, its models, its packages and its data. */
const OVERHEAD = 3_600;
/** Share of the documents whose queries are held out; the evaluation asks those. */
const HELD_OUT_SHARE = 0.1;
/** Rankings of the evaluation that embed the corpus: the base model's and the tuned model's. */
const DENSE_RANKINGS = 2;
/** Pairs that a judge scores at most: of 300 queries, the ten best of five rankers and ten random documents each. */
const JUDGED_PAIRS = 300 * 60;

/** Seconds for which SageMaker lets a training job run unless a quota was raised ("Longest run time for a training job"). */
export const LONGEST_RUNTIME = 432_000;

const bm25 = (documents: number, queries: number): number =>
  documents / BM25_DOCUMENTS_INDEXED_PER_SECOND + queries * documents * BM25_SECONDS_PER_QUERY_AND_DOCUMENT;

/** Rows of `train.py`: a scored query is cut into rows of its source and `num_negatives` negatives. */
function trainingRows({ query_record_count, parameters }: Work): number {
  if (parameters.max_steps >= 0) return parameters.max_steps * parameters.total_batch_size;
  const rowsPerQuery = Math.ceil(parameters.scoring_max_negatives / parameters.num_negatives);
  return query_record_count * parameters.queries_per_document * rowsPerQuery;
}

/** Estimated seconds of each job's computation, by whether its instance has a GPU. Never too low because of the texts: all count as cut. */
export function estimatedSeconds(work: Work, hasGpu: boolean): Record<JobStage, number> {
  const { document_count: documents, parameters } = work;
  const queries = work.query_record_count * parameters.queries_per_document;
  const slower = hasGpu ? 1 : CPU_FACTOR;
  const model = (texts: number, tokensPerSecond: number) =>
    (texts * parameters.max_seq_length * slower) / tokensPerSecond;
  const ranked = Math.min(documents, parameters.max_evaluation_documents);
  // Nobody knows the size of the general collection yet.
  const general = parameters.general_collection_uri === "" ? 0 : parameters.max_evaluation_documents;
  const judged = parameters.judge_model_id === "" ? 0 : JUDGED_PAIRS;
  return {
    mining:
      bm25(documents, queries) +
      (parameters.dense_candidates ? model(documents + queries, A10G_TOKENS_PER_SECOND.embedding) : 0),
    scoring: model(queries * (parameters.scoring_max_negatives + 1), A10G_TOKENS_PER_SECOND.teacher),
    // The query, its source and the negatives of a row.
    training: model(trainingRows(work) * (parameters.num_negatives + 2), A10G_TOKENS_PER_SECOND.training),
    evaluation:
      bm25(ranked, queries * HELD_OUT_SHARE) +
      model(DENSE_RANKINGS * (ranked + general) + judged, A10G_TOKENS_PER_SECOND.embedding),
  };
}

/** MaxRuntimeInSeconds for a job that should take `seconds`: whole minutes. */
export function runtimeLimit(seconds: number): number {
  return Math.min(LONGEST_RUNTIME, Math.ceil((OVERHEAD + SAFETY_FACTOR * seconds) / 60) * 60);
}
