/** How much an execution has to do, in the counts that are known before its jobs start. */
export interface Work {
  /** Documents of the corpus. */
  readonly documents: number;
  /** Documents for which queries were generated. */
  readonly queryRecords: number;
  readonly queriesPerDocument: number;
  readonly scoringMaxNegatives: number;
  readonly numNegatives: number;
  /** Tokens after which a text is cut: no text costs more. */
  readonly maxSeqLength: number;
  /** Optimiser steps; -1 for one epoch. */
  readonly maxSteps: number;
  readonly totalBatchSize: number;
  readonly maxEvaluationDocuments: number;
  /** Whether a model judges what the rankers return. */
  readonly hasJudge: boolean;
  /** Whether the miner embeds the corpus and the queries. */
  readonly hasDenseCandidates: boolean;
  /** Whether the models are also evaluated on a collection whose size nobody knows yet. */
  readonly hasGeneralCollection: boolean;
}

/**
 * Work a second on one A10G, the GPU of the default instance type. Estimates from the floating-point operations of the default
 * models at 35 to 45 % of the GPU's peak, not measurements: teacher bge-reranker-v2.5-gemma2-lightweight (9 pairs of 300 tokens),
 * bge-m3 (150 texts of 300 tokens), its training (2 queries with 20 passages of 300 tokens).
 */
const A10G_TOKENS_PER_SECOND = { teacher: 2_700, embedding: 45_000, training: 12_000 } as const;

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

/** Rows of `train.py`: a scored query is cut into rows of its source and `numNegatives` negatives. */
function trainingRows(work: Work): number {
  if (work.maxSteps >= 0) return work.maxSteps * work.totalBatchSize;
  return work.queryRecords * work.queriesPerDocument * Math.ceil(work.scoringMaxNegatives / work.numNegatives);
}

/** Estimated seconds of each job's computation, by whether its instance has a GPU. Never too low because of the texts: all count as cut. */
export function estimatedSeconds(
  work: Work,
  hasGpu: boolean,
): Record<"mining" | "scoring" | "training" | "evaluation", number> {
  const { documents, maxSeqLength } = work;
  const queries = work.queryRecords * work.queriesPerDocument;
  const slower = hasGpu ? 1 : CPU_FACTOR;
  const model = (texts: number, tokensPerSecond: number) => (texts * maxSeqLength * slower) / tokensPerSecond;
  const ranked = Math.min(documents, work.maxEvaluationDocuments);
  const general = work.hasGeneralCollection ? work.maxEvaluationDocuments : 0;
  const judged = work.hasJudge ? JUDGED_PAIRS : 0;
  return {
    mining:
      bm25(documents, queries) +
      (work.hasDenseCandidates ? model(documents + queries, A10G_TOKENS_PER_SECOND.embedding) : 0),
    scoring: model(queries * (work.scoringMaxNegatives + 1), A10G_TOKENS_PER_SECOND.teacher),
    // The query, its source and the negatives of a row.
    training: model(trainingRows(work) * (work.numNegatives + 2), A10G_TOKENS_PER_SECOND.training),
    evaluation:
      bm25(ranked, queries * HELD_OUT_SHARE) +
      model(DENSE_RANKINGS * (ranked + general) + judged, A10G_TOKENS_PER_SECOND.embedding),
  };
}

/** MaxRuntimeInSeconds for a job that should take `seconds`: whole minutes. */
export function runtimeLimit(seconds: number): number {
  return Math.min(LONGEST_RUNTIME, Math.ceil((OVERHEAD + SAFETY_FACTOR * seconds) / 60) * 60);
}
