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

MIN_JUDGED_QUERIES = 50
"""Judged queries below which they do not overrule the synthetic ones. With 50 topics, TREC's usual number, two rankers
that differ by 5 % still come out in the wrong order in a few of a hundred comparisons; with 25, in more than one of ten
(Voorhees and Buckley, "The effect of topic set size on retrieval experiment error", SIGIR 2002)."""

MIN_INTERVAL_QUERIES = 2
"""Queries below which a bootstrap has nothing to vary: its interval is then as narrow as a point."""

_QUERIES = {
    HELD_OUT: "held-out synthetic queries",
    POOLED: "synthetic queries whose results a second model judged",
    JUDGED: "queries with your own judgements",
}


def deciding_set(sets: Sequence[EvaluationSet]) -> EvaluationSet:
    """The set that the gate looks at: the first of DECIDING that there is, where it has queries enough to overrule."""
    candidates = sorted((part for part in sets if part.name in DECIDING), key=lambda part: DECIDING.index(part.name))
    return next((part for part in candidates if not _is_overruled(part)), candidates[0])


def has_interval(queries: int) -> bool:
    """Whether a mean over so many queries has an interval that says anything."""
    return queries >= MIN_INTERVAL_QUERIES


def _is_overruled(part: EvaluationSet) -> bool:
    return part.name == JUDGED and part.queries < MIN_JUDGED_QUERIES


def decide(
    sets: Sequence[EvaluationSet],
    min_ndcg_gain: float,
    max_general_drop: float,
    *,
    force_deploy: bool,
    prompts: tuple[str, str] = ("", ""),
) -> GateDecision:
    """Deploys only when the tuned model is better at its task and not worse at others, or when forced.

    Better: the lower end of the gain's 95 % interval on the deciding set is above `min_ndcg_gain`; a set of one query
    has no interval and lets nothing pass. Not worse: on the general collection, where there is one, the mean nDCG@10
    fell by at most `max_general_drop`.

    Args:
        prompts: of the tuned model, before queries and before documents, for whoever deploys it.
    """
    query_prompt, document_prompt = prompts
    chosen = deciding_set(sets)
    gain = chosen.ndcg_gain
    enough = has_interval(chosen.queries) and gain.low > min_ndcg_gain
    general = next((part for part in sets if part.name == GENERAL), None)
    kept = general is None or general.ndcg_gain.mean >= -max_general_drop
    if enough and kept:
        verdict = "The tuned model passes the gate."
    elif force_deploy:
        verdict = "The tuned model does not pass the gate, but is deployed because force_deploy is set."
    else:
        verdict = "The tuned model is not deployed."
    reasons = [
        verdict,
        _measured(chosen),
        _verdict_on(chosen, min_ndcg_gain, enough=enough),
        *_other_sets(sets, chosen),
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


def _measured(part: EvaluationSet) -> str:
    gain = part.ndcg_gain
    change = "a gain" if gain.mean >= 0 else "a loss"
    interval = f"95 % interval {gain.low:+.3f} to {gain.high:+.3f}" if has_interval(part.queries) else "no interval"
    return (
        f"On {_counted(part)} its nDCG@10 is {part.rankers.tuned.ndcg_at_10:.3f}, the base "
        f"model's {part.rankers.base.ndcg_at_10:.3f}: {change} of {abs(gain.mean):.3f} ({interval}), "
        f"better on {gain.wins} queries and worse on {gain.losses}."
    )


def _verdict_on(chosen: EvaluationSet, min_ndcg_gain: float, *, enough: bool) -> str:
    if enough:
        return f"The lower end is above the required {min_ndcg_gain:g}."
    if not has_interval(chosen.queries):
        return "One query gives no interval, so the gate cannot rest on it. Evaluate on more queries."
    return f"The lower end has to be above {min_ndcg_gain:g}. {_advice(chosen, min_ndcg_gain)}"


def _other_sets(sets: Sequence[EvaluationSet], chosen: EvaluationSet) -> list[str]:
    """What judged and synthetic queries say beside each other, and which of them decided."""
    if not any(part.name == JUDGED for part in sets):
        return []
    reasons = [f"These decided: the {_QUERIES[chosen.name]}."]
    if chosen.name != JUDGED:
        reasons.append(
            f"Fewer than {MIN_JUDGED_QUERIES} queries with your own judgements match the corpus, too few to overrule "
            "the synthetic ones."
        )
    return reasons + [_measured(part) for part in sets if part.name in DECIDING and part is not chosen]


def _counted(part: EvaluationSet) -> str:
    if part.queries == 1:
        return f"1 of the {_QUERIES[part.name]}"
    return f"{part.queries} {_QUERIES[part.name]}"


def _advice(chosen: EvaluationSet, min_ndcg_gain: float) -> str:
    gain = chosen.ndcg_gain
    if gain.high <= min_ndcg_gain:
        return "Training did not help: see the report for the queries that lost, and look at the teacher's scores."
    if gain.mean <= min_ndcg_gain:
        return "Training hardly changed anything: more training queries, steps or a better teacher may."
    return "The gain may be chance: more queries to evaluate on, or more training, would tell."
