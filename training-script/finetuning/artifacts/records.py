# Generated from pipeline/artifacts.ts by `npm run generate`. Change it there.
"""Records that jobs read and write. Decoding checks them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

QueryStyle = Literal["question", "claim", "keywords", "title"]
Split = Literal["train", "dev", "test"]


class CorpusDocument(Struct, frozen=True, kw_only=True):
    """One document of the normalised corpus. `id` is unique in the run."""

    id: Annotated[str, Meta(min_length=1)]
    text: Annotated[str, Meta(min_length=1)]


class QueryRecord(Struct, frozen=True, kw_only=True):
    """Joins a Bedrock record to the document it was made from."""

    record_id: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    doc_id: Annotated[str, Meta(min_length=1)]
    split: Split
    styles: Annotated[list[QueryStyle], Meta(min_length=1)]
    """The styles asked for, in the order of the queries."""


class MinedQuery(Struct, frozen=True, kw_only=True):
    """A query of the train or dev split with its source document and its hard negatives, best first."""

    query_id: str
    query: Annotated[str, Meta(min_length=1)]
    style: str
    doc_id: str
    negative_ids: list[str]


class HeldOutQuery(Struct, frozen=True, kw_only=True):
    """A query of the test split: only ever used to evaluate."""

    query_id: str
    query: Annotated[str, Meta(min_length=1)]
    style: str
    doc_id: str


class MiningManifest(Struct, frozen=True, kw_only=True):
    """`training-data/manifest.json`, written by `process_output.py`. Files: train.jsonl, dev.jsonl (MinedQuery),
    test.jsonl (HeldOutQuery), documents.jsonl (CorpusDocument).
    """

    records_read: int
    records_failed: int
    records_unparsable: int
    queries_parsed: int
    queries_dropped: dict[str, int]
    train_queries: int
    dev_queries: int
    test_queries: int
    queries_by_style: dict[str, int]
    negatives: int
    corpus_documents: int
    bm25_found_nothing: int
    """Train and dev queries that share no term with any document."""
    bm25_used: bool
    """False when these were so many that BM25 took no part in mining."""


class ScoredQuery(Struct, frozen=True, kw_only=True):
    """A query with teacher scores for its documents; `doc_ids[0]` is the source document. Files: train.jsonl,
    dev.jsonl, documents.jsonl.
    """

    query_id: str
    query: Annotated[str, Meta(min_length=1)]
    style: str
    doc_ids: Annotated[list[str], Meta(min_length=2)]
    scores: Annotated[list[float], Meta(min_length=2)]


class ScoringManifest(Struct, frozen=True, kw_only=True):
    """`scores/manifest.json`, written by `score.py`."""

    teacher_model_id: str
    queries: int
    pairs: int
    pairs_resumed: int
    seconds: float


class RankingMetrics(Struct, frozen=True, kw_only=True):
    """Metrics of one ranker over one set of queries, each in 0..1."""

    ndcg_at_10: float
    recall_at_100: float
    mrr_at_10: float


class Rankers(Struct, frozen=True, kw_only=True):
    """The rankers that an evaluation compares; the hybrids fuse BM25 with the dense ranking of one of the models."""

    bm25: RankingMetrics
    base: RankingMetrics
    tuned: RankingMetrics
    base_hybrid: RankingMetrics
    tuned_hybrid: RankingMetrics


class Interval(Struct, frozen=True, kw_only=True):
    """A 95 % interval."""

    low: float
    high: float


class RankerIntervals(Struct, frozen=True, kw_only=True):
    """Bootstrap 95 % interval of each ranker's nDCG@10."""

    bm25: Interval
    base: Interval
    tuned: Interval
    base_hybrid: Interval
    tuned_hybrid: Interval


class MetricGain(Struct, frozen=True, kw_only=True):
    """Tuned minus base in one metric with a paired bootstrap 95 % interval; wins and losses count queries."""

    mean: float
    low: float
    high: float
    wins: int
    losses: int


class StyleResult(Struct, frozen=True, kw_only=True):
    """Base and tuned on the queries of one style."""

    style: str
    queries: int
    base: RankingMetrics
    tuned: RankingMetrics
    ndcg_gain: MetricGain


class ReturnedDocument(Struct, frozen=True, kw_only=True):
    """A document that a model returned; `relevance` is its grade, 0 where it is not relevant or not judged."""

    doc_id: str
    snippet: str
    relevance: int


class QueryChange(Struct, frozen=True, kw_only=True):
    """What tuning did to one query. A rank of 0 means: not among the first 100."""

    query: str
    style: str
    ndcg_base: float
    ndcg_tuned: float
    relevant_doc_id: str
    """The most relevant document; `relevant_snippet` and the two ranks are of it."""
    relevant_snippet: str
    base_rank: int
    tuned_rank: int
    base_results: list[ReturnedDocument]
    tuned_results: list[ReturnedDocument]


class EvaluationSet(Struct, frozen=True, kw_only=True):
    """One set of queries evaluated with each ranker."""

    name: str
    queries: int
    documents: int
    bm25_found_nothing: int
    """Queries that share no term with any document."""
    bm25_in_hybrids: bool
    """False when these were so many that the hybrids are the models alone."""
    rankers: Rankers
    ndcg_intervals: RankerIntervals
    ndcg_gain: MetricGain
    recall_gain: MetricGain
    mrr_gain: MetricGain
    hybrid_ndcg_gain: MetricGain
    """The hybrid of the tuned model minus the hybrid of the base model."""
    hybrid_recall_gain: MetricGain
    hybrid_mrr_gain: MetricGain
    styles: list[StyleResult]
    """Empty for queries without a style."""
    query_gains: list[float]
    """Tuned minus base in nDCG@10 of each query, best first; of very many queries, evenly chosen ones."""
    gained: list[QueryChange]
    """The ten queries that gained most, most first."""
    lost: list[QueryChange]
    """The ten queries that lost most, most first."""


class Sparsity(Struct, frozen=True, kw_only=True):
    """What a sparse encoder's vectors cost an inverted index."""

    model: Literal["base", "tuned"]
    query_active_dims: float
    """Words with a weight, mean over queries: postings lists that a search reads."""
    document_active_dims: float
    """The same of documents: size of the index."""
    flops: float
    """Words that a query and a document have in common, mean over all pairs."""


class CurvePoint(Struct, frozen=True, kw_only=True):
    """One value of a training curve."""

    step: int
    value: float


class TrainingCurves(Struct, frozen=True, kw_only=True):
    """What the model's artifact says of its training; empty where it says nothing."""

    train_loss: list[CurvePoint]
    dev_loss: list[CurvePoint]
    dev_ndcg: list[CurvePoint]


class EvaluationReport(Struct, frozen=True, kw_only=True):
    """`evaluation/report.json`, written by `evaluate.py`."""

    base_model_id: str
    teacher_model_id: str
    judge_model_id: str
    """Empty without a pooled judgement."""
    sets: Annotated[list[EvaluationSet], Meta(min_length=1)]
    """`held_out` is always there; `pooled` with a judge; `judged` and `general` when the user gave judged queries
    and a general collection.
    """
    sparsity: list[Sparsity]
    """Of the base and the tuned model on the corpus; empty for dense models."""
    training: TrainingCurves
    settings: dict[str, str]
    """Of the training and of the evaluation, for people to read."""


class GateDecision(Struct, frozen=True, kw_only=True):
    """`evaluation/decision.json`: small enough for the state machine to read."""

    deploy: bool
    reason: str
    ndcg_base: float
    ndcg_tuned: float
    ndcg_gain_low: float
    query_prompt: str
    """What the tuned model expects before a query; empty for nothing."""
    document_prompt: str
    """What the tuned model expects before a document; empty for nothing."""
