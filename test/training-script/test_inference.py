import json

import pytest
from inference import input_fn, model_fn, output_fn, predict_fn
from sentence_transformers import SentenceTransformer


@pytest.fixture(scope="module")
def model(tiny_model):
    return model_fn(str(tiny_model), context=None)


def invoke(model, body, content_type="application/json"):
    return json.loads(output_fn(predict_fn(input_fn(body, content_type), model), "application/json"))


def test_one_embedding_a_text(model, tiny_model):
    texts = ["river bridge", "copper theory"]
    response = invoke(model, json.dumps({"inputs": texts}))
    expected = SentenceTransformer(str(tiny_model), device="cpu").encode(texts)
    assert len(response) == 2
    for embedding, reference in zip(response, expected, strict=True):
        assert embedding == pytest.approx(reference.tolist(), abs=1e-6)
        assert sum(value * value for value in embedding) == pytest.approx(1, abs=1e-5)


def test_a_single_text_is_answered_like_a_list_of_one(model):
    body = json.dumps({"inputs": "river bridge"}).encode()
    assert invoke(model, body, "application/json; charset=utf-8") == invoke(model, b'{"inputs": ["river bridge"]}')


def test_long_texts_are_cut_unless_forbidden(model):
    long = "river " * 100
    assert len(invoke(model, json.dumps({"inputs": long, "truncate": True}))[0]) == 32
    assert invoke(model, json.dumps({"inputs": "river", "truncate": False}))
    with pytest.raises(ValueError, match=r"at most 64 tokens, got 102"):
        invoke(model, json.dumps({"inputs": long, "truncate": False}))


@pytest.fixture
def prompted(tiny_model):
    prompts = {"query": "copper theory ", "document": ""}
    return SentenceTransformer(str(tiny_model), device="cpu", prompts=prompts, default_prompt_name="query")


@pytest.mark.parametrize(
    ("prompt", "embedded"),
    [
        ({"prompt_name": "query"}, "copper theory river bridge"),
        ({"prompt_name": "document"}, "river bridge"),
        ({"prompt_name": None}, "river bridge"),
        ({}, "river bridge"),
    ],
)
def test_the_named_prompt_and_no_other_is_put_before_the_text(model, prompted, prompt, embedded):
    (answered,) = invoke(prompted, json.dumps({"inputs": "river bridge", **prompt}))
    (expected,) = invoke(model, json.dumps({"inputs": embedded}))
    assert answered == pytest.approx(expected, abs=1e-6)


def test_a_prompt_counts_towards_the_length(prompted):
    text = "river " * 62
    assert invoke(prompted, json.dumps({"inputs": text, "truncate": False}))
    with pytest.raises(ValueError, match=r"at most 64 tokens, got 66"):
        invoke(prompted, json.dumps({"inputs": text, "truncate": False, "prompt_name": "query"}))


def test_an_unknown_prompt_is_refused_with_the_known_ones(prompted):
    with pytest.raises(ValueError, match=r'one of the model\'s prompts \("query", "document"\), not "passage"'):
        invoke(prompted, json.dumps({"inputs": "river", "prompt_name": "passage"}))


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        ("{", "application/json", "not JSON"),
        ("[]", "application/json", 'object with "inputs"'),
        ('{"inputs": []}', "application/json", "must not be empty"),
        ('{"inputs": [""]}', "application/json", "must not be empty"),
        ('{"inputs": [1]}', "application/json", "string or an array of strings"),
        ('{"inputs": {"a": 1}}', "application/json", "string or an array of strings"),
        ('{"inputs": "a", "truncate": "yes"}', "application/json", "true or false"),
        ('{"inputs": "a", "prompt_name": 1}', "application/json", '"prompt_name" must be a string'),
        ("river", "text/plain", "content type must be application/json"),
    ],
)
def test_bad_requests_say_what_is_wrong(body, content_type, message):
    with pytest.raises(ValueError, match=message):
        input_fn(body, content_type)
