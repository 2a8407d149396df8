import pytest
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.environment import JobError
from finetuning.artifacts.jsonl import ContractError
from finetuning.evaluation.evaluation_queries import held_out_queries, judged_queries


def test_judgements_are_graded_and_without_the_excluded(evaluation_inputs, judge):
    folder = judge("1\td20\t2\n1\td21\t1\n1\tabsent\t1\n2\td22\t1\n", "1\td23\n2\td22\n")
    (query,) = judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))
    assert query.relevance == {20: 2, 21: 1}
    assert query.excluded == {23}


def test_documents_of_the_sources_text_are_left_out(evaluation_inputs, write_lines):
    store = DocumentStore.of_folder(evaluation_inputs.corpus)
    write_lines(evaluation_inputs.corpus / "part-00002.jsonl", [{"id": "copy", "text": store.text(0)}])
    queries = held_out_queries(
        evaluation_inputs.training_data / "test.jsonl", DocumentStore.of_folder(evaluation_inputs.corpus)
    )
    assert (queries[0].relevance, queries[0].excluded) == ({0: 1}, {40})


def test_judgements_of_another_corpus_are_an_error(evaluation_inputs, judge):
    folder = judge("1\tx\t1\n")
    with pytest.raises(JobError, match="must hold the ids of the corpus"):
        judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))


@pytest.mark.parametrize(
    ("qrels", "message"), [("1\td1\n", "3 tab-separated columns"), ("1\td1\thigh\n", "invalid literal")]
)
def test_malformed_judgements_are_an_error_with_their_place(evaluation_inputs, judge, qrels, message):
    folder = judge(qrels)
    with pytest.raises(ContractError, match=rf"qrels\.tsv:2: .*{message}"):
        judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))


def test_no_held_out_query_is_an_error(evaluation_inputs):
    (evaluation_inputs.training_data / "test.jsonl").write_text("")
    with pytest.raises(JobError, match="too small for a test split"):
        held_out_queries(
            evaluation_inputs.training_data / "test.jsonl", DocumentStore.of_folder(evaluation_inputs.corpus)
        )
