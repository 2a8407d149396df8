import random

import ir_measures
import numpy as np
import pytest
from finetuning.ranking.ranking_metrics import mean_intervals, mean_metrics, paired_gains, query_metrics
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
    differences = generator.normal(0.05, 0.2, size=(400, 2))
    gain, other = paired_gains(differences, seed=1)
    column = differences[:, 0]
    standard_error = column.std() / 20
    assert gain.mean == pytest.approx(column.mean())
    assert gain.low == pytest.approx(gain.mean - 1.96 * standard_error, abs=0.15 * standard_error)
    assert gain.high == pytest.approx(gain.mean + 1.96 * standard_error, abs=0.15 * standard_error)
    assert gain.wins == int((column > 0).sum())
    assert gain.losses == int((column < 0).sum())
    assert other.mean == pytest.approx(differences[:, 1].mean())
    assert paired_gains(differences, seed=1) == [gain, other]


def test_no_difference_has_no_interval():
    (gain,) = paired_gains(np.zeros((2, 1)), seed=1)
    assert (gain.mean, gain.low, gain.high, gain.wins, gain.losses) == (0, 0, 0, 0, 0)


def test_many_queries_are_resampled_in_slices():
    # 16 slices, of which the last is smaller.
    values = np.tile([[0.0], [1.0]], (1_500, 1))
    (interval,) = mean_intervals(values, seed=1)
    half = 1.96 * 0.5 / np.sqrt(len(values))
    assert interval.low == pytest.approx(0.5 - half, abs=0.1 * half)
    assert interval.high == pytest.approx(0.5 + half, abs=0.1 * half)
