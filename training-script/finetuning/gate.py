"""The gate: whether the tuned model is deployed, and why, in words."""

from __future__ import annotations

from collections.abc import Sequence

from .contract import EvaluationSet, GateDecision

HELD_OUT = "held_out"
POOLED = "pooled"
JUDGED = "judged"

DECIDING = (JUDGED, POOLED, HELD_OUT)
"""Sets by how much a gain on them means: people's judgements, those of a model that did not teach the tuned one, and
the labels that come with synthetic queries."""

_QUERIES = {
    HELD_OUT: "held-out synthetic queries",
    POOLED: "synthetic queries whose results a second model judged",
    JUDGED: "queries with your own judgements",
}


def deciding_set(sets: Sequence[EvaluationSet]) -> EvaluationSet:
    """The set that the gate looks at: the first of DECIDING that there is."""
    return min(sets, key=lambda part: DECIDING.index(part.name))


def decide(sets: Sequence[EvaluationSet], min_ndcg_gain: float, *, force_deploy: bool) -> GateDecision:
    """Deploys only when the lower end of the gain's 95 % interval is above `min_ndcg_gain`, or when forced."""
    chosen = deciding_set(sets)
    gain = chosen.ndcg_gain
    enough = gain.low > min_ndcg_gain
    if enough:
        verdict = "The tuned model passes the gate."
        comparison = f"The lower end is above the required {min_ndcg_gain:g}."
    else:
        verdict = (
            "The tuned model does not pass the gate, but is deployed because force_deploy is set."
            if force_deploy
            else "The tuned model is not deployed."
        )
        comparison = f"The lower end has to be above {min_ndcg_gain:g}. {_advice(chosen, min_ndcg_gain)}"
    change = "a gain" if gain.mean >= 0 else "a loss"
    measured = (
        f"On {chosen.queries} {_QUERIES[chosen.name]} its nDCG@10 is {chosen.rankers.tuned.ndcg_at_10:.3f}, the base "
        f"model's {chosen.rankers.base.ndcg_at_10:.3f}: {change} of {abs(gain.mean):.3f} "
        f"(95 % interval {gain.low:+.3f} to {gain.high:+.3f}), better on {gain.wins} queries and worse on "
        f"{gain.losses}."
    )
    return GateDecision(
        deploy=enough or force_deploy,
        reason=f"{verdict} {measured} {comparison}",
        ndcg_base=chosen.rankers.base.ndcg_at_10,
        ndcg_tuned=chosen.rankers.tuned.ndcg_at_10,
        ndcg_gain_low=gain.low,
    )


def _advice(chosen: EvaluationSet, min_ndcg_gain: float) -> str:
    gain = chosen.ndcg_gain
    if gain.high <= min_ndcg_gain:
        return "Training did not help: see the report for the queries that lost, and look at the teacher's scores."
    if gain.mean <= min_ndcg_gain:
        return "Training hardly changed anything: more training queries, steps or a better teacher may."
    return "The gain may be chance: more queries to evaluate on, or more training, would tell."
