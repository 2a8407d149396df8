import pytest
from finetuning.artifacts.environment import JobError
from finetuning.artifacts.records import ScoredQuery
from finetuning.training.teacher_filter import filter_by_teacher


def scored(number, *scores):
    return ScoredQuery(
        query_id=f"q{number}",
        query="river",
        style="title",
        doc_ids=[f"d{n}" for n in range(len(scores))],
        scores=list(scores),
    )


QUERIES = [
    *(scored(n, 5.0 + n, 1.0, 2.0) for n in range(10)),
    *(scored(n, 5.0, 6.0, 2.0) for n in range(10, 14)),
    *(scored(n, 5.0, 6.0, 7.0) for n in range(14, 16)),
]


@pytest.mark.parametrize(("rank", "kept", "outranked"), [(0, 16, 0), (1, 10, 6), (2, 14, 2), (3, 16, 0)])
def test_queries_whose_source_is_outscored_go(rank, kept, outranked):
    queries, dropped = filter_by_teacher(QUERIES, max_source_rank=rank, drop_lowest_share=0)
    assert len(queries) == kept
    assert dropped == {"source_outranked": outranked, "lowest_scores": 0}


def test_a_tie_does_not_outscore():
    queries, _ = filter_by_teacher([scored(n, 1.0, 1.0) for n in range(10)], max_source_rank=1, drop_lowest_share=0)
    assert len(queries) == 10


def test_the_lowest_share_of_the_rest_goes():
    queries, dropped = filter_by_teacher(QUERIES, max_source_rank=2, drop_lowest_share=0.25)
    # Sources score 5 to 14, and 5 for each of the four that one document outscores: the first three of score 5 go.
    assert [query.query_id for query in queries] == [*(f"q{n}" for n in range(1, 10)), "q12", "q13"]
    assert dropped == {"source_outranked": 2, "lowest_scores": 3}


def test_equal_scores_lose_no_more_than_the_share():
    queries, _ = filter_by_teacher([scored(n, 3.0, 1.0) for n in range(20)], max_source_rank=1, drop_lowest_share=0.5)
    assert len(queries) == 10


def test_a_teacher_that_refuses_nearly_all_stops_the_job():
    queries = [scored(0, 9.0, 1.0), *(scored(n, 1.0, 2.0) for n in range(1, 30))]
    with pytest.raises(JobError, match="keeps only 1: for 29 the teacher prefers 1 or more"):
        filter_by_teacher(queries, max_source_rank=1, drop_lowest_share=0)
