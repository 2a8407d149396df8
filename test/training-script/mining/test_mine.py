import json
import random

import pytest
from finetuning.artifacts.arguments import MiningArguments
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.environment import JobError
from finetuning.artifacts.jsonl import ContractError, read_json, read_jsonl
from finetuning.artifacts.records import CorpusDocument, HeldOutQuery, MinedQuery, MiningManifest
from finetuning.mining.candidates import fuse
from finetuning.mining.mine import MiningInputs, mine
from finetuning.mining.query_filters import same_query
from finetuning.models.loading import ModelSource
from finetuning.models.model_types import load_retrieval_model
from finetuning.models.retrieval_model import ModelType
from finetuning.ranking.bm25 import MOST_WITHOUT_A_HIT, Bm25Index


def run(
    folders,
    *,
    num_negatives=5,
    max_documents=10_000,
    candidate_model_id="",
    model_type: ModelType = "dense",
    max_source_rank=0,
):
    output = folders / "mined"
    output.mkdir(exist_ok=True)
    inputs = MiningInputs(folders / "corpus", folders / "records", folders / "generated")
    arguments = MiningArguments(
        num_hard_negatives=num_negatives,
        max_corpus_documents=max_documents,
        dense_candidates=candidate_model_id != "",
        base_model_id=candidate_model_id,
        base_model_revision="main",
        trust_remote_code=False,
        model_type=model_type,
        max_seq_length=32,
        max_source_rank=max_source_rank,
        seed=1,
    )
    mine(inputs, output, arguments)
    mined = {split: list(read_jsonl(output / f"{split}.jsonl", MinedQuery)) for split in ("train", "dev")}
    test = list(read_jsonl(output / "test.jsonl", HeldOutQuery))
    return mined, test, read_json(output / "manifest.json", MiningManifest)


def answer(record_id, *queries):
    text = json.dumps({"queries": queries})
    return {"recordId": record_id, "modelInput": {}, "modelOutput": {"content": [{"type": "text", "text": text}]}}


def test_counts_and_documents(run_folders):
    mined, test, manifest = run(run_folders)
    assert (manifest.records_read, manifest.records_failed, manifest.records_unparsable) == (40, 0, 0)
    assert manifest.queries_parsed == 120
    kept = len(mined["train"]) + len(mined["dev"]) + len(test)
    assert kept + sum(manifest.queries_dropped.values()) == 120
    assert manifest.negatives == sum(len(query.negative_ids) for queries in mined.values() for query in queries)
    listed = {document.id for document in read_jsonl(run_folders / "mined" / "documents.jsonl", CorpusDocument)}
    assert listed == {i for queries in mined.values() for q in queries for i in (q.doc_id, *q.negative_ids)}


def test_negatives_are_what_bm25_ranks_best_without_the_source(run_folders):
    mined, _, _ = run(run_folders)
    corpus = [d for n in (0, 1) for d in read_jsonl(run_folders / "corpus" / f"part-0000{n}.jsonl", CorpusDocument)]
    index = Bm25Index(document.text for document in corpus)
    for query in mined["train"]:
        positions, scores = (found[0].tolist() for found in index.top_k([query.query], len(corpus)))
        score_of = {corpus[position].id: score for position, score in zip(positions, scores, strict=True)}
        source_score = score_of.pop(query.doc_id)
        best = sorted(score_of.values(), reverse=True)[:5]
        assert [score_of[i] for i in query.negative_ids] == pytest.approx(best)
        assert source_score > 0


@pytest.mark.parametrize("dense", [False, True])
def test_the_order_of_corpus_and_records_changes_nothing(run_folders, write_lines, tiny_model, dense):
    """An extraction reads in parallel, so that a second one writes the same documents in another order."""
    corpus, records = run_folders / "corpus", run_folders / "records" / "part-00000.jsonl"
    lines = [json.loads(line) for path in sorted(corpus.glob("*")) for line in path.read_text().splitlines()]
    # Of the same words: BM25 cannot tell them apart.
    lines += [{"id": f"tied-{d['id']}", "text": " ".join(reversed(d["text"].split()))} for d in lines]
    recorded = [json.loads(line) for line in records.read_text().splitlines()]
    outputs = []
    for shift in (0, 17):
        write_lines(corpus / "part-00000.jsonl", lines[shift:])
        write_lines(corpus / "part-00001.jsonl", lines[:shift])
        write_lines(records, recorded[::-1] if shift else recorded)
        run(run_folders, candidate_model_id=str(tiny_model) if dense else "")
        outputs.append({path.name: path.read_bytes() for path in (run_folders / "mined").iterdir()})
    assert outputs[0] == outputs[1]


def test_texts_equal_to_the_sources_are_no_negatives(run_folders, write_lines):
    copies = list(read_jsonl(run_folders / "corpus" / "part-00001.jsonl", CorpusDocument))
    write_lines(run_folders / "corpus" / "part-00002.jsonl", [{"id": f"copy-{d.id}", "text": d.text} for d in copies])
    mined, _, _ = run(run_folders)
    for query in mined["train"]:
        assert f"copy-{query.doc_id}" not in query.negative_ids
        assert len({i.removeprefix("copy-") for i in query.negative_ids}) == len(query.negative_ids) == 5


def test_random_documents_fill_up_where_no_word_matches(run_folders, write_lines):
    write_lines(run_folders / "generated" / "b.jsonl.out", [answer("r20", "qqq www")])
    (run_folders / "generated" / "job-1" / "batch-00000.jsonl.out").write_text(
        "".join(
            line + "\n"
            for line in (run_folders / "generated" / "job-1" / "batch-00000.jsonl.out").read_text().splitlines()
            if json.loads(line)["recordId"] != "r20"
        )
    )
    first = next(query for query in run(run_folders)[0]["train"] if query.query == "qqq www")
    assert len(set(first.negative_ids) - {first.doc_id}) == 5
    assert next(query for query in run(run_folders)[0]["train"] if query.query == "qqq www") == first


def test_where_bm25_finds_nothing_it_is_counted_and_not_used(run_folders, write_lines, capsys):
    def with_every_nth_foreign(n_th):
        answers = [
            answer(f"r{n}", *(f"{'नदी' if n % n_th == 0 else 'river'} x{n}y{i} पुल" for i in range(3)))
            for n in range(40)
        ]
        write_lines(run_folders / "generated" / "job-1" / "batch-00000.jsonl.out", answers)
        _, _, manifest = run(run_folders)
        return manifest, manifest.bm25_found_nothing / (manifest.train_queries + manifest.dev_queries)

    write_lines(
        run_folders / "corpus" / "part-00009.jsonl", [{"id": f"river{n}", "text": f"river bank {n}x"} for n in range(9)]
    )
    manifest, share = with_every_nth_foreign(8)
    assert 0 < share <= MOST_WITHOUT_A_HIT
    assert manifest.bm25_used
    assert f"BM25 found no document for {manifest.bm25_found_nothing} of " in capsys.readouterr().out
    manifest, share = with_every_nth_foreign(2)
    assert share > MOST_WITHOUT_A_HIT
    assert not manifest.bm25_used
    assert manifest.negatives == 5 * (manifest.train_queries + manifest.dev_queries)
    assert "it is not used, and the negatives are random; set dense_candidates to true" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(5))
def test_nothing_held_out_reaches_train(run_folders, write_lines, words, seed):
    """Queries drawn from so few words that most occur in several splits, over a corpus with documents repeated."""
    generator = random.Random(seed)
    repeated = list(read_jsonl(run_folders / "corpus" / "part-00000.jsonl", CorpusDocument))[:10]
    write_lines(run_folders / "corpus" / "part-00009.jsonl", [{"id": f"x{d.id}", "text": d.text} for d in repeated])
    ids = [f"d{n}" for n in range(40)] + [f"x{d.id}" for d in repeated]
    splits = {id_: generator.choice(["train", "train", "train", "dev", "test"]) for id_ in ids}
    write_lines(
        run_folders / "records" / "part-00000.jsonl",
        [{"record_id": f"r{n}", "doc_id": i, "split": splits[i], "styles": ["title"]} for n, i in enumerate(ids)],
    )

    def query():
        text = f"{generator.choice(words[:30])} {generator.choice(words[:8])}"
        return generator.choice([text, text.upper(), f" {text.replace(' ', '  ')} "])

    write_lines(
        run_folders / "generated" / "job-1" / "batch-00000.jsonl.out",
        [answer(f"r{n}", *(query() for _ in range(6))) for n in range(len(ids))],
    )
    mined, test, manifest = run(run_folders)
    held_out = [*mined["dev"], *test]
    assert manifest.queries_dropped["held_out_query"] > 0
    assert all(splits[q.doc_id] == "train" for q in mined["train"])
    assert not {same_query(q.query) for q in mined["train"]} & {same_query(q.query) for q in held_out}
    assert not {same_query(q.query) for q in mined["dev"]} & {same_query(q.query) for q in test}
    train_documents = {q.doc_id.removeprefix("x") for q in mined["train"]}
    held_out_documents = {i.removeprefix("x") for i in ids if splits[i] != "train"}
    copied = {d.id for d in repeated}
    assert not train_documents & held_out_documents & copied


def test_a_record_asked_for_twice_counts_once_and_success_wins(run_folders, write_lines):
    error = {"errorCode": 500, "errorMessage": "no"}
    write_lines(run_folders / "generated" / "z.jsonl.out", [{"recordId": "r20", "modelInput": {}, "error": error}])
    write_lines(run_folders / "generated" / "a.jsonl.out", [{"recordId": "r21", "modelInput": {}, "error": error}])
    _, _, manifest = run(run_folders)
    assert (manifest.records_read, manifest.records_failed) == (40, 0)
    assert manifest.queries_parsed == 120


def test_what_is_dropped_is_counted_by_reason(run_folders, write_lines):
    passage = next(
        d.text for d in read_jsonl(run_folders / "corpus" / "part-00000.jsonl", CorpusDocument) if d.id == "d20"
    )
    lines = (run_folders / "generated" / "job-1" / "batch-00000.jsonl.out").read_text().splitlines()
    answers = [line for line in map(json.loads, lines) if line["recordId"] not in ("r20", "r21", "r22", "r23")]
    answers += [
        answer(
            "r20", "", "  ", "ab", "a" * 600, passage, "two words", "Two  Words", "N/A", "Sorry, I can't write one."
        ),
        {"recordId": "r21", "modelInput": {}, "error": {"errorCode": 500}},
        answer("r22"),
        answer("unknown", "some query"),
    ]
    write_lines(run_folders / "generated" / "job-1" / "batch-00000.jsonl.out", answers)
    (run_folders / "generated" / "cut.jsonl.out").write_text('{"modelOutput": {}}\n{"recordId": "r2')
    _, _, manifest = run(run_folders)
    assert (manifest.records_read, manifest.records_failed, manifest.records_unparsable) == (39, 2, 1)
    counts = {"empty": 2, "too_short": 1, "too_long": 1, "copy_of_passage": 1, "placeholder": 1, "refusal": 1}
    for reason, count in {**counts, "unknown_record": 1, "unreadable_line": 2}.items():
        assert manifest.queries_dropped[reason] == count, reason
    assert manifest.queries_dropped["duplicate"] >= 1


def test_queries_of_documents_beyond_the_cap_are_dropped(run_folders):
    mined, _, manifest = run(run_folders, max_documents=30)
    assert manifest.corpus_documents == 30
    assert manifest.queries_dropped["document_missing"] == 30
    assert {int(q.doc_id[1:]) for q in mined["train"]} <= set(range(30))


def test_hardly_any_usable_query_is_an_error_that_says_what_to_check(run_folders, write_lines):
    write_lines(
        run_folders / "generated" / "job-1" / "batch-00000.jsonl.out",
        [{"recordId": f"r{n}", "modelInput": {}, "error": {"errorCode": 403}} for n in range(40)],
    )
    with pytest.raises(
        JobError, match=r"Only 0 usable training queries .* 40 failed .* Check the Bedrock job's output"
    ):
        run(run_folders)


def test_one_document_in_two_splits_is_an_error(run_folders, write_lines):
    record = {"record_id": "again", "doc_id": "d0", "split": "train", "styles": ["title"]}
    write_lines(run_folders / "records" / "part-00001.jsonl", [record])
    with pytest.raises(ContractError, match="'d0' is in two splits"):
        run(run_folders)


@pytest.mark.parametrize(("model_type", "base"), [("dense", "tiny_model"), ("sparse", "tiny_splade")])
def test_the_hardest_negatives_are_the_best_of_bm25_and_the_model_fused(run_folders, model_type, base, request):
    model_id = str(request.getfixturevalue(base))
    queries = run(run_folders, num_negatives=10, candidate_model_id=model_id, model_type=model_type)[0]["train"]
    store = DocumentStore.of_folder(run_folders / "corpus")
    source = ModelSource(model_id, "base_model_id")
    model = load_retrieval_model(source, model_type, max_seq_length=32, device="cpu")
    texts = [query.query for query in queries]
    by_model = model.rank(texts, store, range(len(store)), len(store)).rows
    bm25, scores = Bm25Index(store.texts(), tie_order=store.places).top_k(texts, len(store))
    differing = 0
    for number, query in enumerate(queries):
        by_words = bm25[number][scores[number] > 0].tolist()
        found = by_model[number][by_model[number] >= 0].tolist()
        fused = fuse([by_words, found], store.required_row(query.doc_id)).rows
        hardest = [store.document(row).id for row in fused[:4]]
        assert query.negative_ids[:4] == hardest
        differing += (
            hardest != [store.document(row).id for row in by_words if store.document(row).id != query.doc_id][:4]
        )
    assert differing > len(queries) / 2


def test_a_query_whose_source_is_not_retrieved_is_dropped_except_from_test(run_folders):
    everything, test, _ = run(run_folders)
    mined, same_test, manifest = run(run_folders, max_source_rank=1)
    assert manifest.queries_dropped["source_not_retrieved"] == sum(map(len, everything.values())) - sum(
        map(len, mined.values())
    )
    assert test == same_test
    corpus = [d for n in (0, 1) for d in read_jsonl(run_folders / "corpus" / f"part-0000{n}.jsonl", CorpusDocument)]
    index = Bm25Index(document.text for document in corpus)
    kept = {query.query_id for query in mined["train"]}
    for query in everything["train"]:
        rows, scores = index.top_k([query.query], 2)
        if scores[0, 0] > scores[0, 1]:
            assert (corpus[int(rows[0, 0])].id == query.doc_id) == (query.query_id in kept)


def test_queries_that_are_not_about_their_documents_stop_the_job(run_folders, write_lines):
    write_lines(
        run_folders / "generated" / "job-1" / "batch-00000.jsonl.out",
        [answer(f"r{n}", f"nothing{n} of the corpus", f"other{n} things") for n in range(40)],
    )
    with pytest.raises(JobError, match="only 0 have their source document among the best 20"):
        run(run_folders, max_source_rank=20)
