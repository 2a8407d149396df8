import random

import ir_measures
import numpy as np
import pytest
from finetuning.ranking_metrics import mean_metrics, ndcg_gain, query_metrics
from ir_measures import RR, R, nDCG


def test_metrics_agree_with_trec_eval():
    generator = random.Random(0)
    run, qrels, ours = [], [], []
    for query in range(60):
        documents = list(range(300))
        ranking = generator.sample(documents, generator.choice([3, 50, 150]))
        relevance = {row: generator.choice([0, 1, 1, 2, 4]) for row in generator.sample(documents, 25)}
        relevance[generator.choice(ranking)] = 3
        run += [ir_measures.ScoredDoc(str(query), str(row), -rank) for rank, row in enumerate(ranking)]
        qrels += [ir_measures.Qrel(str(query), str(row), grade) for row, grade in relevance.items()]
        ours.append(query_metrics(ranking, relevance))
    expected = ir_measures.calc_aggregate([nDCG @ 10, R @ 100, RR @ 10], qrels, run)
    mean = mean_metrics(ours)
    assert mean.ndcg_at_10 == pytest.approx(expected[nDCG @ 10])
    assert mean.recall_at_100 == pytest.approx(expected[R @ 100])
    assert mean.mrr_at_10 == pytest.approx(expected[RR @ 10])


def test_a_query_without_a_relevant_document_is_refused():
    with pytest.raises(ValueError, match="at least one relevant"):
        query_metrics([1, 2], {1: 0})


def test_interval_of_a_gain():
    generator = np.random.default_rng(0)
    base = generator.uniform(size=400)
    tuned = base + generator.normal(0.05, 0.2, size=400)
    gain = ndcg_gain(base.tolist(), tuned.tolist(), seed=1)
    standard_error = (tuned - base).std() / 20
    assert gain.mean == pytest.approx((tuned - base).mean())
    assert gain.low == pytest.approx(gain.mean - 1.96 * standard_error, abs=0.15 * standard_error)
    assert gain.high == pytest.approx(gain.mean + 1.96 * standard_error, abs=0.15 * standard_error)
    assert gain.wins == int((tuned > base).sum())
    assert gain.losses == int((tuned < base).sum())
    assert ndcg_gain(base.tolist(), tuned.tolist(), seed=1) == gain


def test_no_difference_has_no_interval():
    gain = ndcg_gain([0.5, 0.2], [0.5, 0.2], seed=1)
    assert (gain.mean, gain.low, gain.high, gain.wins, gain.losses) == (0, 0, 0, 0, 0)
