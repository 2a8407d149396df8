import json
import random
import sys
from types import SimpleNamespace

import pytest
import torch
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.environment import JobError
from finetuning.models import embedding
from finetuning.models.embedding import embed, load_embedding_model, rank_dense
from finetuning.scoring import teacher
from finetuning.scoring.teacher import (
    CrossEncoderTeacher,
    EmbeddingTeacher,
    LightweightReranker,
    load_lightweight_reranker,
    teacher_kind,
)
from sentence_transformers import CrossEncoder, SentenceTransformer
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch):
    """bf16 would blur the comparisons; whether the CPU has it must not matter either."""
    monkeypatch.setattr(embedding, "supports_bf16", lambda _: False)


@pytest.fixture
def pairs(words):
    generator = random.Random(0)

    def text(longest):
        return " ".join(generator.choices(words, k=generator.randint(1, longest)))

    return [(text(6), text(45)) for _ in range(60)]


ARGUMENTS = {"revision": None, "max_length": 48, "device": "cpu"}


def test_batches_do_not_change_a_cross_encoders_scores(tiny_cross_encoder, pairs):
    scores = CrossEncoderTeacher(str(tiny_cross_encoder), tokens_per_batch=300, **ARGUMENTS).score(pairs)
    model = CrossEncoder(str(tiny_cross_encoder), max_length=48, device="cpu")
    expected = [
        float(model.predict([pair], activation_fn=torch.nn.Identity(), show_progress_bar=False)[0]) for pair in pairs
    ]
    assert scores == pytest.approx(expected, abs=1e-5)
    assert max(scores) - min(scores) > 0.01


def test_a_classifier_is_no_teacher(tiny_cross_encoder, tokenizer_folder, tmp_path):
    config = BertConfig.from_pretrained(tiny_cross_encoder, num_labels=3)
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    BertTokenizer.from_pretrained(tokenizer_folder).save_pretrained(tmp_path)
    with pytest.raises(JobError, match="has 3 outputs"):
        CrossEncoderTeacher(str(tmp_path), tokens_per_batch=300, **ARGUMENTS)


def test_an_embedding_teachers_score_is_its_scaled_cosine(tiny_model, pairs):
    scores = EmbeddingTeacher(str(tiny_model), tokens_per_batch=300, **ARGUMENTS).score(pairs)
    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.max_seq_length = 48
    expected = [
        float(torch.cosine_similarity(*model.encode(list(pair), convert_to_tensor=True), dim=0)) for pair in pairs
    ]
    assert scores == pytest.approx([cosine / 0.05 for cosine in expected], abs=1e-4)


def test_an_embedding_teacher_embeds_each_text_once(tiny_model, pairs, monkeypatch):
    seen = []
    monkeypatch.setattr(teacher, "embed", lambda model, texts, **kw: seen.extend(texts) or embed(model, texts, **kw))
    scorer = EmbeddingTeacher(str(tiny_model), tokens_per_batch=300, **ARGUMENTS)
    first = scorer.score(pairs + pairs[:10])
    again = scorer.score([*pairs[:5], (pairs[0][0], "river bridge")])
    assert again[:5] == first[:5]
    assert len(seen) == len(set(seen)) <= 2 * len(pairs) + 1


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model_type": "cost_wise_gemma", "architectures": ["CostWiseGemmaForCausalLM"]}, "lightweight-reranker"),
        ({"model_type": "xlm-roberta", "architectures": ["XLMRobertaForSequenceClassification"]}, "cross-encoder"),
        ({"model_type": "bert", "architectures": ["BertModel"]}, "embedding"),
        ({"model_type": "bert"}, "embedding"),
    ],
)
def test_kind_by_configuration(tmp_path, config, kind):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert teacher_kind(str(tmp_path)) == kind


class FakeReranker(torch.nn.Module):
    """Stands in for the gemma2-lightweight model: same call, and its compression shortens the sequence as that does."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[dict] = []

    def forward(self, input_ids, attention_mask, query_lengths, prompt_lengths, **settings):
        self.calls.append({"input_ids": input_ids, "query_lengths": query_lengths, **settings})
        lengths = attention_mask.sum(dim=1)
        passages = lengths - torch.tensor(query_lengths) - torch.tensor(prompt_lengths)
        kept = lengths - passages + (passages + 1) // 2
        mask = (torch.arange(int(kept.max())) < kept[:, None]).long()
        # The logit at the last kept position, and there alone, is the sum of the real tokens.
        totals = (input_ids * attention_mask).sum(dim=1).float()
        logits = torch.full(mask.shape, -1.0)
        logits[torch.arange(len(kept)), kept - 1] = totals
        return SimpleNamespace(logits=(logits,), attention_masks=(mask,))


@pytest.fixture
def reranker_tokenizer(tokenizer_folder):
    tokenizer = BertTokenizer.from_pretrained(tokenizer_folder)
    tokenizer.add_special_tokens({"bos_token": "[CLS]"})
    return tokenizer


def test_the_lightweight_rerankers_input(reranker_tokenizer):
    model = FakeReranker()
    scorer = LightweightReranker(model, reranker_tokenizer, max_length=40, tokens_per_batch=1000, device="cpu")
    scorer.score([("river bridge", "copper theory")])
    call = model.calls[0]

    def ids(text):
        return reranker_tokenizer(text, add_special_tokens=False)["input_ids"]

    head = [reranker_tokenizer.bos_token_id, *ids("A: river bridge"), *ids("\n")]
    prompt = [*ids("\n"), *ids("Predict whether passage B contains an answer to query A.")]
    assert call["input_ids"].tolist() == [[*head, *ids("B: copper theory"), *prompt]]
    assert call["query_lengths"] == [len(head)]
    assert (call["cutoff_layers"], call["compress_layer"], call["compress_ratio"]) == ([28], [24, 40], 2)


def test_batches_do_not_change_the_lightweight_rerankers_scores(reranker_tokenizer, pairs):
    one = LightweightReranker(FakeReranker(), reranker_tokenizer, max_length=40, tokens_per_batch=1, device="cpu")
    many = FakeReranker()
    batched = LightweightReranker(many, reranker_tokenizer, max_length=40, tokens_per_batch=800, device="cpu")
    scores = batched.score(pairs)
    assert scores == one.score(pairs)
    assert len(set(scores)) > 50
    assert len(many.calls) < len(pairs) / 3


def test_query_and_document_are_cut_to_max_length(reranker_tokenizer):
    model = FakeReranker()
    scorer = LightweightReranker(model, reranker_tokenizer, max_length=20, tokens_per_batch=1000, device="cpu")
    scorer.score([("river " * 50, "copper " * 50)])
    prompt = reranker_tokenizer("Predict whether passage B contains an answer to query A.", add_special_tokens=False)
    separator = len(reranker_tokenizer("\n", add_special_tokens=False)["input_ids"])
    assert model.calls[0]["input_ids"].shape[1] == 20 + 2 * separator + len(prompt["input_ids"])
    assert model.calls[0]["query_lengths"] == [1 + 15 + separator]


MODEL_CODE = """
from types import SimpleNamespace
import torch
from transformers import PretrainedConfig, PreTrainedModel

class TinyRerankerConfig(PretrainedConfig):
    model_type = "tiny_reranker"
    def __init__(self, num_hidden_layers=42, **settings):
        self.num_hidden_layers = num_hidden_layers
        super().__init__(**settings)

class Decoder(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed = torch.nn.Embedding(200, 8)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(config.num_hidden_layers))
        self.norm = torch.nn.LayerNorm(8)

class TinyReranker(PreTrainedModel):
    config_class = TinyRerankerConfig
    def __init__(self, config):
        super().__init__(config)
        self.model = Decoder(config)
        self.head = torch.nn.Linear(8, 1, bias=False)
        self.post_init()

    def forward(self, input_ids, attention_mask, cutoff_layers, **settings):
        hidden = self.model.embed(input_ids)
        for layer in self.model.layers[: cutoff_layers[0]]:
            # Each token sees those before it, as in any decoder.
            hidden = hidden + torch.tanh(layer(hidden).cumsum(dim=1))
        logits = self.head(self.model.norm(hidden))[:, :, 0]
        return SimpleNamespace(logits=(logits,), attention_masks=(attention_mask,))
"""


def test_layers_that_the_score_does_not_need_are_never_made(tmp_path, reranker_tokenizer, pairs, monkeypatch):
    """A model that brings its own code and has 42 layers, as the gemma2-lightweight reranker."""
    (tmp_path / "modeling_tiny.py").write_text(MODEL_CODE)
    sys.path.insert(0, str(tmp_path))
    try:
        from modeling_tiny import TinyReranker, TinyRerankerConfig  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))
    torch.manual_seed(0)
    whole = TinyReranker(TinyRerankerConfig())
    folder = tmp_path / "model"
    whole.save_pretrained(folder)
    reranker_tokenizer.save_pretrained(folder)
    (folder / "modeling_tiny.py").write_text(MODEL_CODE)
    config = json.loads((folder / "config.json").read_text())
    names = {"AutoConfig": "TinyRerankerConfig", "AutoModelForCausalLM": "TinyReranker"}
    config["auto_map"] = {kind: f"modeling_tiny.{name}" for kind, name in names.items()}
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(teacher, "supports_bf16", lambda _: False)

    settings = {"max_length": 40, "tokens_per_batch": 800, "device": "cpu"}
    loaded = load_lightweight_reranker(str(folder), revision="0" * 40, **settings)
    assert len(loaded._model.model.layers) == 28  # type: ignore[attr-defined]
    expected = LightweightReranker(whole.eval(), reranker_tokenizer, **settings).score(pairs)
    assert loaded.score(pairs) == pytest.approx(expected, abs=1e-5)
    assert len({round(score, 3) for score in expected}) > 20


def test_blockwise_ranking_is_exact(tiny_model, run_folders):
    store = DocumentStore.of_folder(run_folders / "corpus")
    model = load_embedding_model(str(tiny_model), max_seq_length=32, device="cpu")
    queries, rows = ["river bridge engine", "copper theory"], list(range(3, 40))
    ranking = rank_dense(model, queries, store, rows, 10, documents_per_block=7)
    cosines = embed(model, queries) @ embed(model, [store.text(row) for row in rows]).T
    expected = cosines.argsort(dim=1, descending=True, stable=True)[:, :10] + 3
    assert ranking.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "load", [teacher_kind, lambda model: load_embedding_model(model, max_seq_length=None, device="cpu")]
)
def test_a_model_that_is_not_there_is_named(load, tmp_path):
    missing = str(tmp_path / "no-such-model")
    with pytest.raises(JobError, match=rf"The model {missing} could not be loaded"):
        load(missing)
