import json
import sys
from types import SimpleNamespace

import pytest
import torch
from finetuning.models.loading import ModelSource
from finetuning.scoring.teachers.base import ScoringLimits
from finetuning.scoring.teachers.lightweight_reranker import LightweightReranker, load_lightweight_reranker
from transformers import BertTokenizer

pytestmark = pytest.mark.usefixtures("full_precision")


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
    scorer = LightweightReranker(model, reranker_tokenizer, ScoringLimits(40, 1000), "cpu")
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
    one = LightweightReranker(FakeReranker(), reranker_tokenizer, ScoringLimits(40, 1), "cpu")
    many = FakeReranker()
    batched = LightweightReranker(many, reranker_tokenizer, ScoringLimits(40, 800), "cpu")
    scores = batched.score(pairs)
    assert scores == one.score(pairs)
    assert len(set(scores)) > 50
    assert len(many.calls) < len(pairs) / 3


def test_query_and_document_are_cut_to_max_length(reranker_tokenizer):
    model = FakeReranker()
    scorer = LightweightReranker(model, reranker_tokenizer, ScoringLimits(20, 1000), "cpu")
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


def test_layers_that_the_score_does_not_need_are_never_made(tmp_path, reranker_tokenizer, pairs):
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

    limits = ScoringLimits(40, 800)
    source = ModelSource(str(folder), "teacher_model_id", revision="0" * 40)
    loaded = load_lightweight_reranker(source, limits, "cpu")
    assert len(loaded._model.model.layers) == 28  # type: ignore[attr-defined]
    expected = LightweightReranker(whole.eval(), reranker_tokenizer, limits, "cpu").score(pairs)
    assert loaded.score(pairs) == pytest.approx(expected, abs=1e-5)
    assert len({round(score, 3) for score in expected}) > 20
