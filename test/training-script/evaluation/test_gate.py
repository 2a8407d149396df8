import numpy as np
import pytest
from finetuning.evaluation.evaluation_queries import TestQuery
from finetuning.evaluation.evaluation_set import measure
from finetuning.evaluation.gate import decide
from finetuning.evaluation.rankers import QueryRankings


@pytest.mark.parametrize(
    ("low", "minimum", "force", "deploy"),
    [(0.1, 0.0, False, True), (0.0, 0.0, False, False), (0.1, 0.1, False, False), (-0.1, 0.0, True, True)],
)
def test_gate(evaluation_set, low, minimum, force, deploy):
    decision = decide([evaluation_set("held_out", low=low)], minimum, 0.01, force_deploy=force)
    assert (decision.deploy, decision.ndcg_gain_low) == (deploy, low)
    assert (decision.ndcg_base, decision.ndcg_tuned) == (0.5, 0.7)


def test_what_means_most_decides(evaluation_set):
    sets = [evaluation_set("held_out", low=0.1), evaluation_set("pooled", low=-0.1)]
    assert decide(sets, 0.0, 0.01, force_deploy=False).deploy is False
    sets.append(evaluation_set("judged", low=0.1))
    decision = decide(sets, 0.0, 0.01, force_deploy=False)
    assert decision.deploy is True
    assert "with your own judgements" in decision.reason


def test_a_few_judged_queries_do_not_overrule_the_held_out_ones(evaluation_set):
    sets = [
        evaluation_set("held_out", low=-0.1, mean=0.01, queries=2000),
        evaluation_set("judged", low=0.1, mean=0.2, queries=49),
    ]
    decision = decide(sets, 0.0, 0.01, force_deploy=False)
    assert (decision.deploy, decision.ndcg_gain_low) == (False, -0.1)
    assert "These decided: the held-out synthetic queries." in decision.reason
    assert "Fewer than 50 queries with your own judgements match the corpus" in decision.reason
    assert "On 2000 held-out synthetic queries its nDCG@10 is 0.510" in decision.reason
    assert "On 49 queries with your own judgements its nDCG@10 is 0.700" in decision.reason


def test_judged_queries_that_overrule_stand_beside_the_held_out_ones(evaluation_set):
    sets = [evaluation_set("held_out", low=-0.1, queries=2000), evaluation_set("judged", low=0.1, queries=50)]
    decision = decide(sets, 0.0, 0.01, force_deploy=False)
    assert (decision.deploy, decision.ndcg_gain_low) == (True, 0.1)
    assert "These decided: the queries with your own judgements." in decision.reason
    assert "On 2000 held-out synthetic queries" in decision.reason
    assert "Fewer than" not in decision.reason


def test_the_gate_does_not_rest_on_one_query(evaluation_set):
    decision = decide(
        [evaluation_set("held_out", mean=0.2, low=0.2, high=0.2, queries=1)], 0.0, 0.01, force_deploy=False
    )
    assert decision.deploy is False
    assert "One query gives no interval, so the gate cannot rest on it." in decision.reason
    assert "95 % interval" not in decision.reason


def test_the_reason_says_what_was_measured_and_what_to_do(evaluation_set):
    uncertain = decide([evaluation_set("held_out", mean=0.02, low=-0.01)], 0.0, 0.01, force_deploy=False)
    assert uncertain.reason.startswith(
        "The tuned model is not deployed. On 60 held-out synthetic queries its nDCG@10 is 0.520"
    )
    assert "a gain of 0.020 (95 % interval -0.010 to +0.300), better on 7 queries and worse on 2" in uncertain.reason
    assert "may be chance" in uncertain.reason
    worse = decide([evaluation_set("held_out", mean=-0.05, low=-0.1, high=-0.01)], 0.0, 0.01, force_deploy=True)
    assert "deployed because force_deploy is set" in worse.reason
    assert "a loss of 0.050" in worse.reason
    assert "did not help" in worse.reason
    unchanged = decide([evaluation_set("held_out", mean=0.0, low=-0.1, high=0.1)], 0.0, 0.01, force_deploy=False)
    assert "hardly changed anything" in unchanged.reason


@pytest.mark.parametrize(("change", "deploy"), [(-0.02, False), (-0.01, True), (0.1, True)])
def test_a_model_that_got_worse_elsewhere_is_stopped(evaluation_set, change, deploy):
    sets = [evaluation_set("held_out"), evaluation_set("general", mean=change)]
    decision = decide(sets, 0.0, 0.01, force_deploy=False)
    assert decision.deploy is deploy
    assert decision.ndcg_tuned == 0.7
    assert f"On the general collection nDCG@10 changed by {change:+.3f}; it may fall by 0.01." in decision.reason
    assert decide(sets, 0.0, 0.01, force_deploy=True).deploy is True


def gate_of(tuned_ranks, base_ranks, store):
    """The gate's decision on queries whose only relevant document stands at these ranks."""
    queries = [TestQuery(f"query {number}", {0: 1}) for number in range(len(base_ranks))]
    others = range(1, len(store))

    def rankings(ranks):
        return np.array([[*others[: rank - 1], 0, *others[rank - 1 :]] for rank in ranks])

    lists = {"bm25": rankings(base_ranks), "base": rankings(base_ranks), "tuned": rankings(tuned_ranks)}
    positions = list(range(len(queries)))
    part = measure("held_out", queries, positions, QueryRankings(queries, lists), store, documents=len(store), seed=1)
    return decide([part], 0.0, 0.01, force_deploy=False)


def test_a_model_that_ranks_at_random_is_stopped(corpus_store):
    """What training on shuffled scores makes of a model: good ranks become arbitrary ones."""
    generator = np.random.default_rng(3)
    base = generator.choice([1, 1, 2, 3, 8], size=60)
    ruined = generator.integers(1, len(corpus_store), size=60)
    decision = gate_of(ruined, base, corpus_store)
    assert decision.deploy is False
    assert "a loss of" in decision.reason


def test_a_model_that_improves_by_chance_only_is_stopped(corpus_store):
    """As many queries gain as lose, so that the mean alone would say yes half of the time."""
    generator = np.random.default_rng(3)
    base = generator.integers(1, 12, size=60)
    assert gate_of(generator.permutation(base), base, corpus_store).deploy is False


def test_a_model_that_improves_a_third_of_the_queries_passes(corpus_store):
    base = np.full(60, 4)
    better = np.where(np.arange(60) % 3 == 0, 1, 4)
    assert gate_of(better, base, corpus_store).deploy is True
