import numpy as np
import pytest
from finetuning.artifacts.documents import DocumentStore
from finetuning.evaluation.evaluation_queries import TestQuery
from finetuning.evaluation.rankers import QueryRankings, evaluation_rows
from finetuning.ranking.rank_fusion import reciprocal_rank_fusion


@pytest.fixture
def store(tmp_path, write_lines):
    write_lines(tmp_path / "corpus.jsonl", [{"id": f"d{n}", "text": f"text {n}"} for n in range(1000)])
    return DocumentStore([tmp_path / "corpus.jsonl"])


def test_a_sample_keeps_every_relevant_document(store):
    assert evaluation_rows(store, [3], 1000, seed=1) == list(range(1000))
    rows = evaluation_rows(store, [3, 999, 3], 50, seed=1)
    assert len(rows) == 50
    assert {3, 999} <= set(rows)
    assert (
        rows
        == sorted(set(rows))
        == evaluation_rows(store, [3, 999], 50, seed=1)
        != evaluation_rows(store, [3, 999], 50, 2)
    )
    assert evaluation_rows(store, range(60), 50, seed=1) == list(range(60))


def test_a_sample_is_of_the_same_documents_whatever_their_order(store, tmp_path, write_lines):
    write_lines(tmp_path / "reversed.jsonl", [{"id": f"d{n}", "text": f"text {n}"} for n in reversed(range(1000))])
    reversed_store = DocumentStore([tmp_path / "reversed.jsonl"])
    rows = evaluation_rows(store, [3], 50, seed=1)
    assert rows == sorted(999 - row for row in evaluation_rows(reversed_store, [996], 50, seed=1))


def test_fusion_prefers_what_both_lists_have():
    assert reciprocal_rank_fusion([[1, 2, 3], [4, 2, 5]]) == [2, 1, 4, 3, 5]
    assert reciprocal_rank_fusion([[1, 2], []]) == [1, 2]


def test_hybrids_fuse_what_is_left_after_exclusion():
    lists = {
        "bm25": np.array([[7, 4, -1, -1]]),
        "base": np.array([[7, 1, 2, 3]]),
        "tuned": np.array([[4, 7, 5, 1]]),
    }
    rankings = QueryRankings([TestQuery("q", {4: 1}, frozenset({7}))], lists).of(0)
    assert rankings["bm25"] == [4]
    assert rankings["base"] == [1, 2, 3]
    assert rankings["base_hybrid"] == [1, 4, 2, 3]
    assert rankings["tuned_hybrid"] == [4, 5, 1]


@pytest.mark.parametrize(("without", "used"), [(2, True), (3, False)])
def test_where_bm25_finds_too_little_the_hybrids_are_the_models_alone(without, used):
    queries = [TestQuery("q", {4: 1})] * 10
    lists = {
        "bm25": np.array([[-1, -1]] * without + [[4, -1]] * (10 - without)),
        "base": np.array([[1, 2]] * 10),
        "tuned": np.array([[2, 1]] * 10),
    }
    rankings = QueryRankings(queries, lists)
    assert rankings.bm25_in_hybrids is used
    assert rankings.without_bm25_hits(range(10)) == without
    assert rankings.without_bm25_hits([0, 9]) == 1
    assert rankings.of(9)["base_hybrid"] == ([1, 4, 2] if used else [1, 2])
    assert rankings.of(9)["bm25"] == [4]
