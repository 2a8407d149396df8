import json

import pytest
import torch
from finetuning.artifacts.environment import JobError
from finetuning.models.dense_model import DenseModel
from finetuning.training.serving_artifact import write_serving_artifact
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling

TEXTS = ["river bridge", "copper theory matrix", "winter"]


@pytest.mark.parametrize("pooling", ["cls", "mean", "lasttoken"])
@pytest.mark.parametrize("dense", [False, True])
def test_files_that_text_embeddings_inference_reads(tmp_path, tiny_model, pooling, dense):
    modules = [SentenceTransformer(str(tiny_model), device="cpu")[0], Pooling(32, pooling_mode=pooling)]
    modules += [Dense(32, 16), Normalize()] if dense else [Normalize()]
    model = SentenceTransformer(modules=modules, device="cpu")
    write_serving_artifact(DenseModel(model), tmp_path)

    # The fields that TEI 1.8 and 1.9 deserialize: PoolConfig, STConfig, ModuleType.
    pool = json.loads((tmp_path / "1_Pooling" / "config.json").read_bytes())
    flags = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens", "lasttoken": "pooling_mode_lasttoken"}
    assert {mode: pool[flag] for mode, flag in flags.items()} == {mode: mode == pooling for mode in flags}
    assert json.loads((tmp_path / "sentence_bert_config.json").read_bytes())["max_seq_length"] == 64
    types = [module["type"] for module in json.loads((tmp_path / "modules.json").read_bytes())]
    names = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    assert types == [f"sentence_transformers.models.{name}" for name in names]
    assert (tmp_path / "tokenizer.json").is_file()
    assert (tmp_path / "model.safetensors").is_file()
    assert "def model_fn" in (tmp_path / "code" / "inference.py").read_text()
    assert "sentence-transformers==" in (tmp_path / "code" / "requirements.txt").read_text()

    reloaded = SentenceTransformer(str(tmp_path), device="cpu")
    assert torch.allclose(torch.tensor(reloaded.encode(TEXTS)), torch.tensor(model.encode(TEXTS)), atol=1e-6)


def test_a_pooling_that_cannot_be_served_is_refused(tmp_path, tiny_model):
    transformer = SentenceTransformer(str(tiny_model), device="cpu")[0]
    model = SentenceTransformer(modules=[transformer, Pooling(32, pooling_mode="max")], device="cpu")
    with pytest.raises(JobError, match="cannot serve max pooling"):
        write_serving_artifact(DenseModel(model), tmp_path)
