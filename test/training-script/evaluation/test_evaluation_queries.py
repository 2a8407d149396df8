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
    ("qrels", "message"),
    [
        ("1\td1\n", "3 columns expected, separated by tabs; 2 found"),
        ("1\td1\thigh\n", "the score is 'high', not a whole number"),
        ("1\td1\t0.5\n", "the score is '0.5', not a whole number"),
        ("1\td1\tnan\n", "the score is 'nan', not a whole number"),
    ],
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


@pytest.mark.parametrize(
    "qrels",
    [
        "query-id\tcorpus-id\tscore\n1\td20\t2\n",
        "query-id\tcorpus-id\tscore\n1\td20\t2.0\n",
        "\ufeffquery-id\tcorpus-id\tscore\r\n1\td20\t2\r\n",
        "corpus_id\tquery_id\tscore\nd20\t1\t2\n",
        "the query\tits document\thow much\n1\td20\t2\n",
        "1\td20\t2\n",
        "\ufeff1\td20\t2\n",
        "1 d20 2\n",
        "1\t0\td20\t2\n",
        "1 0 d20 2\n",
        "1 Q0   d20 2\n",
        "qid iter docid rel\n1 0 d20 2",
    ],
)
def test_judgements_are_read_in_the_columns_that_people_bring(evaluation_inputs, judge, qrels):
    folder = judge("")
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8", newline="")
    (query,) = judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))
    assert (query.text, query.relevance) == ("river bridge", {20: 2})


def test_excluded_pairs_need_no_header(evaluation_inputs, judge):
    folder = judge("1\td20\t1\n")
    (folder / "exclude.tsv").write_text("1\td23\n")
    (query,) = judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))
    assert query.excluded == {23}


def test_a_querys_number_is_its_digits_and_its_text_may_hold_any_separator(evaluation_inputs, judge):
    folder = judge("9007199254740993\td20\t1\n1.10\td21\t1\na\u2028b\td22\t1\n")
    (folder / "queries.jsonl").write_text(
        '\ufeff{"_id": 9007199254740993, "text": "large"}\r\n'
        '{"_id": 1.10, "text": "fraction"}\n'
        '{"_id": "a\u2028b", "text": "river\u2028bridge\u0085"}\n',
        encoding="utf-8",
        newline="",
    )
    queries = judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))
    assert [(query.text, list(query.relevance)) for query in queries] == [
        ("large", [20]),
        ("fraction", [21]),
        ("river\u2028bridge\u0085", [22]),
    ]


@pytest.mark.parametrize("written", ["null", "[1]", "true"])
def test_an_id_that_is_neither_string_nor_number_is_an_error_with_its_place(evaluation_inputs, judge, written):
    folder = judge("1\td20\t1\n")
    (folder / "queries.jsonl").write_text(f'{{"_id": {written}, "text": "river"}}\n')
    with pytest.raises(ContractError, match=r"queries\.jsonl:1: `_id` is .*, not a string or a number"):
        judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))


def test_judgements_that_are_no_text_are_an_error_with_their_place(evaluation_inputs, judge):
    folder = judge("1\td20\t1\n")
    (folder / "qrels.tsv").write_bytes(b"1\td20\t1\n\xff\td20\t1\n")
    with pytest.raises(ContractError, match=r"qrels\.tsv:2: not UTF-8"):
        judged_queries(folder, DocumentStore.of_folder(evaluation_inputs.corpus))
