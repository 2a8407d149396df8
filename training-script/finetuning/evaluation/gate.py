"""The gate: whether the tuned model is deployed, and why, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ..artifacts.records import EvaluationSet, GateDecision

HELD_OUT = "held_out"
POOLED = "pooled"
JUDGED = "judged"
GENERAL = "general"

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
    return min((part for part in sets if part.name in DECIDING), key=lambda part: DECIDING.index(part.name))


def decide(
    sets: Sequence[EvaluationSet],
    min_ndcg_gain: float,
    max_general_drop: float,
    *,
    force_deploy: bool,
    prompts: tuple[str, str] = ("", ""),
) -> GateDecision:
    """Deploys only when the tuned model is better at its task and not worse at others, or when forced.

    Better: the lower end of the gain's 95 % interval on the deciding set is above `min_ndcg_gain`. Not worse: on the
    general collection, where there is one, the mean nDCG@10 fell by at most `max_general_drop`.

    Args:
        prompts: of the tuned model, before queries and before documents, for whoever deploys it.
    """
    query_prompt, document_prompt = prompts
    chosen = deciding_set(sets)
    gain = chosen.ndcg_gain
    enough = gain.low > min_ndcg_gain
    general = next((part for part in sets if part.name == GENERAL), None)
    kept = general is None or general.ndcg_gain.mean >= -max_general_drop
    if enough and kept:
        verdict = "The tuned model passes the gate."
    elif force_deploy:
        verdict = "The tuned model does not pass the gate, but is deployed because force_deploy is set."
    else:
        verdict = "The tuned model is not deployed."
    change = "a gain" if gain.mean >= 0 else "a loss"
    reasons = [
        verdict,
        f"On {chosen.queries} {_QUERIES[chosen.name]} its nDCG@10 is {chosen.rankers.tuned.ndcg_at_10:.3f}, the base "
        f"model's {chosen.rankers.base.ndcg_at_10:.3f}: {change} of {abs(gain.mean):.3f} (95 % interval "
        f"{gain.low:+.3f} to {gain.high:+.3f}), better on {gain.wins} queries and worse on {gain.losses}.",
        f"The lower end is above the required {min_ndcg_gain:g}."
        if enough
        else f"The lower end has to be above {min_ndcg_gain:g}. {_advice(chosen, min_ndcg_gain)}",
    ]
    if general is not None:
        reasons.append(
            f"On the general collection nDCG@10 changed by {general.ndcg_gain.mean:+.3f}; it may fall by "
            f"{max_general_drop:g}."
        )
    if not kept:
        reasons.append("Fewer steps or a lower learning rate would keep more of what the base model can do.")
    return GateDecision(
        deploy=(enough and kept) or force_deploy,
        reason=" ".join(reasons),
        ndcg_base=chosen.rankers.base.ndcg_at_10,
        ndcg_tuned=chosen.rankers.tuned.ndcg_at_10,
        ndcg_gain_low=gain.low,
        query_prompt=query_prompt,
        document_prompt=document_prompt,
    )


def _advice(chosen: EvaluationSet, min_ndcg_gain: float) -> str:
    gain = chosen.ndcg_gain
    if gain.high <= min_ndcg_gain:
        return "Training did not help: see the report for the queries that lost, and look at the teacher's scores."
    if gain.mean <= min_ndcg_gain:
        return "Training hardly changed anything: more training queries, steps or a better teacher may."
    return "The gain may be chance: more queries to evaluate on, or more training, would tell."
