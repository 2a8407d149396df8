import json

import numpy as np
import pytest
import torch
from finetuning.artifacts.environment import JobError
from finetuning.models.prompts import Side, set_family_prompts
from finetuning.models.sparse_model import SparseModel
from finetuning.training.serving_artifact import write_serving_artifact
from inference import input_fn, model_fn, output_fn, predict_fn
from sentence_transformers import SparseEncoder

SIDES: tuple[Side, Side] = ("query", "document")
TEXTS = ["river bridge", "copper theory matrix winter", "river", "zephyr anchor barley cipher dragon ember"]


pytestmark = pytest.mark.usefixtures("full_precision")


@pytest.fixture(params=["tiny_splade", "tiny_inference_free"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def load(source):
    return lambda folder: SparseModel.load(source(folder), max_seq_length=32, device="cpu")


@pytest.fixture
def model(folder, load):
    return load(folder)


def test_texts_have_the_weights_that_sentence_transformers_gives_them(model, folder):
    reference = SparseEncoder(str(folder), device="cpu")
    for side in SIDES:
        found = model.embed(TEXTS, side, tokens_per_batch=12)  # several batches, out of order
        encode = reference.encode_query if side == "query" else reference.encode_document
        expected = encode(TEXTS, convert_to_sparse_tensor=False, show_progress_bar=False)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        assert 0 < (found > 0).sum() < expected.numel() / 2


def test_only_queries_that_are_looked_up_make_a_model_inference_free(load, tiny_splade, tiny_inference_free):
    splade, free = load(tiny_splade), load(tiny_inference_free)
    assert (splade.is_inference_free, free.is_inference_free) == (False, True)
    assert torch.equal(splade.embed(TEXTS, "query"), splade.embed(TEXTS, "document"))
    queries = free.embed(TEXTS, "query")
    assert (queries > 0).sum(dim=1).tolist() == [len(text.split()) for text in TEXTS]


def test_ranking_is_exact_and_finds_nothing_that_shares_no_word(model, corpus_store, words, monkeypatch):
    monkeypatch.setattr(SparseModel, "queries_per_product", 2)
    rows = list(range(3, 40))
    queries = [f"{words[n]} {words[n + 9]}" for n in range(5)]
    ranking = model.rank(queries, corpus_store, rows, 10, documents_per_block=7, quiet=True)
    documents = model.embed([corpus_store.text(row) for row in rows], "document")
    query_vectors = model.embed(queries, "query")
    scores = (query_vectors @ documents.T).numpy()
    for row_scores, ranked in zip(scores, ranking.rows, strict=True):
        order = np.argsort(-row_scores, kind="stable")[:10]
        assert ranked.tolist() == [rows[position] if row_scores[position] > 0 else -1 for position in order]
    active = ranking.active_dimensions
    assert active.of_queries == pytest.approx((query_vectors > 0).sum().item() / 5)
    assert active.of_documents == pytest.approx((documents > 0).sum().item() / len(rows))
    common = (query_vectors > 0).float() @ (documents > 0).float().T
    assert active.in_common == pytest.approx(common.mean().item(), rel=1e-5)


def test_a_word_of_no_document_finds_none(load, tiny_inference_free, corpus_store, monkeypatch):
    model = load(tiny_inference_free)
    one_word_each = torch.eye(7)[:, [6, 5, 4, 3, 2, 1, 0]].to_sparse().coalesce()
    monkeypatch.setattr(model, "_encoded", lambda *_: one_word_each)
    found = model.rank(["a"] * 7, corpus_store, range(7), 3, quiet=True).rows
    assert found.tolist() == [[number, -1, -1] for number in range(7)]


def test_a_dense_model_is_refused_with_what_to_write(load, tiny_model):
    with pytest.raises(
        JobError, match=r"is no sparse encoder.*set base_model_id to one, for example opensearch-project/"
    ):
        load(tiny_model)


def invoke(served, **request):
    return json.loads(output_fn(predict_fn(input_fn(json.dumps(request)), served)))


def test_the_served_artifact_weighs_words_as_training_does(model, tmp_path):
    write_serving_artifact(model, tmp_path)
    served = model_fn(str(tmp_path))
    assert isinstance(served, SparseEncoder)
    vocabulary = model.network.tokenizer.get_vocab()
    for side in SIDES:
        expected = model.embed(TEXTS, side)
        answer = invoke(served, inputs=TEXTS, prompt_name=side)
        assert len(answer) == len(TEXTS)
        for weights, row in zip(answer, expected, strict=True):
            assert len(weights) == int((row > 0).sum())
            found = torch.zeros_like(row)
            for word, weight in weights.items():
                found[vocabulary[word]] = weight
            torch.testing.assert_close(found, row, rtol=1e-4, atol=1e-5)
    assert invoke(served, inputs="river") == invoke(served, inputs=["river"], prompt_name="document")
    with pytest.raises(ValueError, match=r"at most \d+ tokens, got 102"):
        invoke(served, inputs="river " * 100, truncate=False)


def test_prompts_are_served_as_they_were_trained(load, tiny_splade, tmp_path):
    model = load(tiny_splade)
    set_family_prompts(model.network, "some/e5-small")
    write_serving_artifact(model, tmp_path)
    served = model_fn(str(tmp_path))
    assert invoke(served, inputs="river", prompt_name="query") == invoke(served, inputs="query: river")
    assert invoke(served, inputs="river", prompt_name="query") != invoke(served, inputs="river")
