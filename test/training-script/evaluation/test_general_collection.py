import pytest
from finetuning.artifacts.jsonl import ContractError
from finetuning.artifacts.records import CorpusDocument
from finetuning.evaluation.general_collection import general_store


def test_title_and_text_are_joined(tmp_path, write_lines):
    folder = tmp_path / "general"
    write_lines(
        folder / "corpus.jsonl", [{"_id": "a", "title": "Lift", "text": "of a wing"}, {"_id": "b", "text": "drag"}]
    )
    store = general_store(folder, tmp_path)
    assert [store.document(row) for row in range(len(store))] == [
        CorpusDocument(id="a", text="Lift of a wing"),
        CorpusDocument(id="b", text="drag"),
    ]


@pytest.mark.parametrize("line", ["7", '{"_id": "a"}', '{"_id": 1, "text": "t"}', '{"_id": "a", "text": null}', "{"])
def test_malformed_documents_are_an_error_with_their_place(tmp_path, line):
    (tmp_path / "corpus.jsonl").write_text('{"_id": "a", "text": "t"}\n' + line + "\n")
    with pytest.raises(ContractError, match=r"corpus\.jsonl:2: "):
        general_store(tmp_path, tmp_path)
