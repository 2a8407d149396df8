import json
import os
import random
import signal

import pytest
import torch
from finetuning import embedding, training
from finetuning.contract import CorpusDocument, ScoredQuery, write_jsonl
from finetuning.distillation import DistillationCollator
from finetuning.environment import JobError
from finetuning.training import TrainingInterrupted, TrainingSettings, latest_checkpoint, train
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch):
    for module in (embedding, training):
        monkeypatch.setattr(module, "supports_bf16", lambda _: False)


@pytest.fixture
def scores(tmp_path, words):
    """A teacher that likes documents which share words with the query; dev has queries of train, to show learning."""
    generator = random.Random(0)
    folder = tmp_path / "scores"
    folder.mkdir()
    texts = {f"d{n}": " ".join(generator.choices(words, k=8)) for n in range(40)}
    write_jsonl(folder / "documents.jsonl", (CorpusDocument(*item) for item in texts.items()))
    queries = []
    for number in range(48):
        ids = generator.sample(sorted(texts), 5)
        query = " ".join(generator.sample(texts[ids[0]].split(), 3))
        shared = [6.0 * len(set(query.split()) & set(texts[i].split())) for i in ids]
        queries.append(ScoredQuery(f"q{number}", query, "title", ids, shared))
    write_jsonl(folder / "train.jsonl", queries)
    write_jsonl(folder / "dev.jsonl", queries[:12])
    return folder


def settings_of(tiny_model, **changes):
    defaults = {
        "base_model_id": str(tiny_model),
        "max_steps": 8,
        "train_batch_size": 4,
        "total_batch_size": 8,
        "learning_rate": 2e-3,
        "max_seq_length": 32,
        "num_negatives": 2,
        "temperature": 1.0,
        "teacher_score_scale_factor": 0.025,
        "contrastive_weight": 0.0,
        "seed": 42,
        "trust_remote_code": False,
    }
    return TrainingSettings(**{**defaults, **changes})


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(first, second):
    return all(torch.equal(first[key], second[key]) for key in first)


def test_training_lowers_the_dev_loss_and_says_so(scores, tmp_path, tiny_model, capsys):
    output = tmp_path / "model"
    result = train(scores, output, tmp_path / "checkpoints", settings_of(tiny_model, max_steps=30))
    assert result.dev_loss_before is not None
    assert result.dev_loss_after is not None
    assert result.dev_loss_after < 0.8 * result.dev_loss_before
    assert (result.steps, result.train_rows, result.resumed_from_step) == (30, 96, 0)
    curve = [json.loads(line) for line in (output / "loss.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in curve] == [1, 10, 20, 30]
    assert curve[-1]["loss"] < curve[1]["loss"]
    assert f"loss={curve[-1]['loss']:.6g} step=30 of=30" in capsys.readouterr().out
    assert json.loads((output / "training.json").read_text())["settings"]["seed"] == 42
    assert not same(weights(output), weights(tiny_model))


def test_one_pass_over_the_data_without_max_steps(scores, tmp_path, tiny_model):
    result = train(scores, tmp_path / "model", tmp_path / "checkpoints", settings_of(tiny_model, max_steps=-1))
    assert result.steps == 12  # 48 queries of 2 rows each, 8 rows a step


def test_interrupted_and_resumed_equals_uninterrupted(scores, tmp_path, tiny_model, monkeypatch):
    settings = settings_of(tiny_model, train_batch_size=8)
    train(scores, tmp_path / "whole", tmp_path / "checkpoints-1", settings)

    batches = 0
    collate = DistillationCollator.__call__

    def collate_and_interrupt(self, rows):
        nonlocal batches
        batches += 1
        if batches == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return collate(self, rows)

    monkeypatch.setattr(DistillationCollator, "__call__", collate_and_interrupt)
    with pytest.raises(TrainingInterrupted) as interruption:
        train(scores, tmp_path / "resumed", tmp_path / "checkpoints-2", settings)
    assert interruption.value.code == 143
    assert not (tmp_path / "resumed").exists()
    monkeypatch.undo()
    for module in (embedding, training):
        monkeypatch.setattr(module, "supports_bf16", lambda _: False)

    result = train(scores, tmp_path / "resumed", tmp_path / "checkpoints-2", settings)
    assert 0 < result.resumed_from_step < 8
    assert result.steps == 8
    assert same(weights(tmp_path / "resumed"), weights(tmp_path / "whole"))


def test_a_checkpoint_of_other_settings_is_not_resumed(scores, tmp_path, tiny_model):
    train(scores, tmp_path / "a", tmp_path / "checkpoints", settings_of(tiny_model, max_steps=2))
    result = train(scores, tmp_path / "b", tmp_path / "checkpoints", settings_of(tiny_model, max_steps=2, seed=1))
    assert result.resumed_from_step == 0
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_a_half_written_checkpoint_is_passed_over(tmp_path):
    for step, state in ((50, "{}"), (100, "{}"), (150, '{"global')):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        for name in ("optimizer.pt", "scheduler.pt", "model.safetensors"):
            (folder / name).touch()
        (folder / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-200").mkdir()
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    assert latest_checkpoint(tmp_path / "absent") is None


def test_nothing_to_train_on_is_an_error(scores, tmp_path, tiny_model):
    (scores / "train.jsonl").write_text("")
    with pytest.raises(JobError, match="holds no query"):
        train(scores, tmp_path / "model", tmp_path / "checkpoints", settings_of(tiny_model))


def test_a_loss_that_is_not_finite_ends_the_job(scores, tmp_path, tiny_model):
    settings = settings_of(tiny_model, teacher_score_scale_factor=1e39)
    with pytest.raises(JobError, match="choose a lower learning_rate"):
        train(scores, tmp_path / "model", tmp_path / "checkpoints", settings)


def test_the_artifact_embeds_like_the_trained_model(scores, tmp_path, tiny_model):
    """Reloaded from files in the old formats: the same embeddings, cut at the training length."""
    output = tmp_path / "model"
    train(scores, output, tmp_path / "checkpoints", settings_of(tiny_model, max_steps=2))
    reloaded = SentenceTransformer(str(output), device="cpu")
    trained = SentenceTransformer(str(tiny_model), device="cpu")
    trained[0].load_state_dict(reloaded[0].state_dict())
    trained.max_seq_length = 32
    texts = ["river bridge", "copper " * 60]
    assert reloaded.max_seq_length == 32
    assert torch.allclose(torch.tensor(reloaded.encode(texts)), torch.tensor(trained.encode(texts)), atol=1e-6)
