import numpy as np
import pytest
from finetuning.evaluation.evaluation_queries import TestQuery
from finetuning.evaluation.pooled_judgement import MAX_JUDGED_QUERIES, graded, pooled_judgements
from finetuning.evaluation.rankers import QueryRankings
from finetuning.scoring.teachers.base import Teacher


class Judge(Teacher):
    """Scores by the number that stands for each document in `scores`; records what it was asked."""

    def __init__(self, store, scores):
        self.by_text = {store.text(row): score for row, score in scores.items()}
        self.pairs = 0

    def tokenise(self, pairs):
        return pairs

    def score_tokenised(self, tokenised):
        self.pairs += len(tokenised)
        return [self.by_text.get(text, 0.0) for _, text in tokenised]


def rankings_of(queries, rows):
    lists = np.tile(np.array(rows), (len(queries), 1))
    return QueryRankings(queries, {"bm25": lists, "base": lists, "tuned": lists})


def test_grades_are_relative_to_the_source_and_to_irrelevant_documents():
    # From 2 (irrelevant) to 12 (source): 95 % is 11.5, 80 % is 10.
    assert graded({1: 12.5, 2: 11.5, 3: 11.4, 4: 10.0, 5: 9.9, 6: -3.0}, source=12.0, irrelevant=2.0) == {
        1: 2,
        2: 2,
        3: 1,
        4: 1,
    }


def test_other_good_documents_become_relevant(corpus_store):
    queries = [TestQuery("query", {5: 1}, style="title")]
    judge = Judge(corpus_store, {5: 10.0, 6: 9.8, 7: 8.5, 8: 1.0})
    (pooled,) = pooled_judgements(queries, rankings_of(queries, [6, 7, 8]), corpus_store, range(40), judge, seed=1)
    assert pooled.position == 0
    assert pooled.query.relevance == {5: 2, 6: 2, 7: 1}
    assert pooled.query.style == "title"


def test_a_query_whose_source_the_judge_cannot_tell_is_left_out(corpus_store):
    queries = [TestQuery("query", {5: 1})]
    judge = Judge(corpus_store, {5: 0.0, 6: 9.0})
    assert pooled_judgements(queries, rankings_of(queries, [6, 7]), corpus_store, range(40), judge, seed=1) == []


def test_only_a_sample_of_many_queries_is_judged(corpus_store):
    queries = [TestQuery(f"query {number}", {5: 1}) for number in range(MAX_JUDGED_QUERIES + 50)]
    judge = Judge(corpus_store, {5: 1.0})
    pooled = pooled_judgements(queries, rankings_of(queries, [5, 6]), corpus_store, range(40), judge, seed=1)
    assert len(pooled) == MAX_JUDGED_QUERIES
    assert judge.pairs <= 12 * MAX_JUDGED_QUERIES
    assert [each.position for each in pooled] != pytest.approx(range(MAX_JUDGED_QUERIES))
