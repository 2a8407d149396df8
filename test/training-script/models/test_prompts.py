import pytest
from finetuning.models.dense_model import DenseModel
from finetuning.models.prompts import document_prompt, query_prompt, saved_prompts, set_family_prompts
from finetuning.training.serving_artifact import write_serving_artifact
from sentence_transformers import SentenceTransformer


@pytest.mark.parametrize(
    ("model_id", "query", "document"),
    [
        ("BAAI/bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("intfloat/multilingual-e5-large", "query: ", "passage: "),
        ("nomic-ai/nomic-embed-text-v1.5", "search_query: ", "search_document: "),
        ("BAAI/bge-m3", "", ""),
    ],
)
def test_prompts_of_a_family(tiny_model, model_id, query, document):
    model = SentenceTransformer(str(tiny_model), device="cpu")
    set_family_prompts(model, model_id)
    assert (query_prompt(model), document_prompt(model)) == (query, document)


def test_the_models_own_prompts_win(tiny_model):
    model = SentenceTransformer(str(tiny_model), device="cpu", prompts={"query": "q: ", "passage": "p: "})
    set_family_prompts(model, "intfloat/e5-small-v2")
    assert (query_prompt(model), document_prompt(model)) == ("q: ", "p: ")


def test_no_prompt_is_the_default_one(tiny_model, source):
    """Else texts with an empty prompt, documents above all, would get it."""
    prompts = {"query": "q: "}
    model = SentenceTransformer(str(tiny_model), device="cpu", prompts=prompts, default_prompt_name="query")
    set_family_prompts(model, "any/model")
    plain = DenseModel.load(source(tiny_model), max_seq_length=None, device="cpu")
    texts = ["river bridge"]
    found, expected = (each.embed(texts, "document").tolist()[0] for each in (DenseModel(model), plain))
    assert found == pytest.approx(expected, abs=1e-6)


def test_prompts_travel_with_the_artifact_and_change_the_embedding(tiny_model, source, tmp_path):
    model = DenseModel.load(source(tiny_model), max_seq_length=32, device="cpu")
    plain = model.embed(["river bridge", "query: river bridge"], "document")
    set_family_prompts(model.network, "intfloat/e5-small-v2")
    write_serving_artifact(model, tmp_path)
    reloaded = DenseModel.load(source(tmp_path), max_seq_length=32, device="cpu")
    assert (query_prompt(reloaded.network), document_prompt(reloaded.network)) == ("query: ", "passage: ")
    assert saved_prompts(tmp_path) == ("query: ", "passage: ")
    with_prompt = reloaded.embed(["river bridge"], "query")
    assert with_prompt.tolist()[0] == pytest.approx(plain[1].tolist(), abs=1e-5)
    assert (with_prompt[0] - plain[0]).abs().max() > 1e-3


def test_a_folder_that_says_nothing_of_prompts_has_none(tmp_path):
    assert saved_prompts(tmp_path) == ("", "")
