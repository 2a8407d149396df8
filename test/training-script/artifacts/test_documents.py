import pickle

import pytest
from finetuning.artifacts import documents as documents_module
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.environment import JobError
from finetuning.artifacts.jsonl import ContractError


def test_rows_and_ids_over_several_parts(run_folders):
    store = DocumentStore.of_folder(run_folders / "corpus")
    assert len(store) == 40
    assert [store.document(row).id for row in (0, 24, 25, 39)] == ["d0", "d24", "d25", "d39"]
    assert store.row("d31") == 31
    assert store.row("absent") is None
    with pytest.raises(ContractError, match="'absent' is not in"):
        store.required_row("absent")


def test_only_the_first_documents_when_capped(run_folders):
    store = DocumentStore.of_folder(run_folders / "corpus", max_documents=30)
    assert len(store) == 30
    assert store.row("d30") is None


def test_equal_texts_have_equal_hashes(tmp_path, write_lines):
    write_lines(tmp_path / "a.jsonl", [{"id": i, "text": t} for i, t in (("1", "x"), ("2", "y"), ("3", "x"))])
    hashes = DocumentStore.of_folder(tmp_path).text_hashes
    assert hashes[0] == hashes[2] != hashes[1]


def test_ids_whose_hashes_collide_are_told_apart(tmp_path, write_lines, monkeypatch):
    monkeypatch.setattr(documents_module, "_digest", lambda text: len(text).to_bytes(8, "little"))
    write_lines(tmp_path / "a.jsonl", [{"id": i, "text": "x"} for i in ("aa", "bb", "cc")])
    store = DocumentStore.of_folder(tmp_path)
    assert [store.row(i) for i in ("aa", "bb", "cc", "dd")] == [0, 1, 2, None]


def test_a_repeated_id_is_an_error(tmp_path, write_lines):
    write_lines(tmp_path / "a.jsonl", [{"id": "1", "text": "x"}, {"id": "1", "text": "y"}])
    with pytest.raises(ContractError, match="'1' occurs twice"):
        DocumentStore.of_folder(tmp_path)


def test_an_empty_corpus_is_an_error(tmp_path):
    with pytest.raises(JobError, match="No document in"):
        DocumentStore.of_folder(tmp_path)


def test_it_travels_to_another_process_with_files_open(run_folders):
    store = DocumentStore.of_folder(run_folders / "corpus")
    text = store.text(7)
    assert pickle.loads(pickle.dumps(store)).text(7) == text


def test_texts_are_those_of_the_rows(run_folders):
    (run_folders / "corpus" / "part-00000.jsonl").open("a").write("\n  \n")
    store = DocumentStore.of_folder(run_folders / "corpus", max_documents=30)
    assert list(store.texts()) == [store.text(row) for row in range(30)]


@pytest.mark.parametrize(
    "line", ['{"id": "1"}', '{"id": 1, "text": "x"}', '{"id": "1", "text": ""}', "[]", "{", '"id"']
)
def test_a_bad_line_is_named(tmp_path, line):
    (tmp_path / "a.jsonl").write_text('{"id": "0", "text": "x"}\n\n' + line + "\n")
    with pytest.raises(ContractError, match=r"a\.jsonl:3: "):
        DocumentStore.of_folder(tmp_path)
