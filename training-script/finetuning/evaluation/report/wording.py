"""What Markdown and page call things and say of them."""

from __future__ import annotations

from ...artifacts.records import EvaluationReport, EvaluationSet, GateDecision, MetricGain
from ...ranking.bm25 import MOST_WITHOUT_A_HIT
from ...ranking.rank_fusion import RRF_CONSTANT
from ..gate import GENERAL, HELD_OUT, JUDGED, POOLED, deciding_set
from ..pooled_judgement import FULLY_RELEVANT_SHARE, PARTLY_RELEVANT_SHARE

RANKER_NAMES = {
    "bm25": "BM25",
    "base": "Base model",
    "tuned": "Tuned model",
    "base_hybrid": "Base + BM25",
    "tuned_hybrid": "Tuned + BM25",
}

SET_TITLES = {
    JUDGED: "Queries with your own judgements",
    POOLED: "Held-out synthetic queries, judged by a second model",
    HELD_OUT: "Held-out synthetic queries",
    GENERAL: "The general collection",
}

SPARSITY_NOTE = (
    "How many words of its vocabulary a model gives a weight: for a query the postings lists that a search reads, for "
    "a document the size of the index; in common, what is multiplied for a pair of them. Means over all queries and "
    "documents of this evaluation."
)

METRIC_NOTES = (
    ("nDCG@10", "how high the relevant documents stand among the first ten; 1 is the best order there is"),
    ("Recall@100", "share of the relevant documents that are among the first hundred"),
    ("MRR@10", "one over the rank of the first relevant document, 0 when it is not among the first ten"),
    ("Base + BM25, Tuned + BM25", f"hybrid search: both rankings fused by reciprocal rank (k = {RRF_CONSTANT})"),
    (
        "95 % interval",
        "where the mean would lie, were other queries of the same kind asked (paired bootstrap over the queries)",
    ),
)


def headline(report: EvaluationReport, decision: GateDecision) -> str:
    """The outcome in a few words; `decision` may be other than the gain suggests, and its reason says why."""
    gain = deciding_set(report.sets).ndcg_gain
    if gain.low > 0:
        outcome = "The tuned model is better than its base"
    elif gain.high < 0:
        outcome = "The tuned model is worse than its base"
    else:
        outcome = "The tuned model is not clearly better than its base"
    return f"{outcome}: {'cleared' if decision.deploy else 'not cleared'} for deployment"


def caveat(part: EvaluationSet, report: EvaluationReport) -> str:
    """How far a set's figures can be trusted."""
    if part.name == JUDGED:
        return "Judgements of people: these figures decide, and come closest to what your users will see."
    if part.name == GENERAL:
        return (
            "Another collection with judgements, to see whether tuning cost the model what it could do elsewhere. It "
            "decides nothing but this."
        )
    if part.name == POOLED:
        return (
            f"The ten best documents of every ranker were scored by {report.judge_model_id}, which had no part in "
            "training. A document is as relevant as the query's source when it gets "
            f"{100 * FULLY_RELEVANT_SHARE:.0f} % of the way from an irrelevant document's score to the source's, and "
            f"partly relevant from {100 * PARTLY_RELEVANT_SHARE:.0f} %. The judge is a model too: it may be more "
            "lenient than people are, and share tastes with the teacher."
        )
    return (
        "The only relevant document is the one the query was made from, so that a ranker that finds another good one "
        "gets nothing for it. The queries come from the same generator as the training queries: gains on them tend to "
        "be larger than on queries that people write, and words taken from the document favour BM25."
    )


def bm25_note(part: EvaluationSet) -> str:
    """For how many queries BM25 found nothing, and what follows from it."""
    note = f"BM25 found no document for {part.bm25_found_nothing} of {part.queries} queries."
    if part.bm25_in_hybrids:
        return note
    return (
        f"{note} Over all sets that is more than {100 * MOST_WITHOUT_A_HIT:.0f} % of the queries: it is no ranker for "
        "this corpus, and the rows with BM25 are the models alone."
    )


def signed(value: float) -> str:
    """A difference with its sign, three decimals."""
    text = f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")
    return "0.000" if float(f"{value:.3f}") == 0 else text


def interval(gain: MetricGain) -> str:
    """A gain with its interval."""
    return f"{signed(gain.mean)} ({signed(gain.low)} to {signed(gain.high)})"


def rank_in_words(rank: int) -> str:
    """A rank of the contract."""
    return f"rank {rank}" if rank > 0 else "not in the first 100"


def ordered(report: EvaluationReport) -> list[EvaluationSet]:
    """The sets, those that mean most first."""
    order = list(SET_TITLES)
    return sorted(report.sets, key=lambda part: order.index(part.name))
