"""Training of sparse encoders, where it differs from that of dense models."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from finetuning.artifacts.arguments import TrainingArguments
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.jsonl import write_jsonl
from finetuning.artifacts.records import CorpusDocument, ScoredQuery
from finetuning.models.prompts import Side
from finetuning.models.sparse_model import TYPICAL_COSINE_SPREAD, SparseModel
from finetuning.training import trainer
from finetuning.training.calibration import calibrated_loss, measured_spread
from finetuning.training.checkpoints import latest_checkpoint
from finetuning.training.distillation import (
    DistillationCollator,
    ListwiseDistillationLoss,
    LossSettings,
    distillation_rows,
    features_by_side,
)
from finetuning.training.train import train
from msgspec import structs
from sentence_transformers.sparse_encoder.losses import FlopsLoss, SparseDistillKLDivLoss

SIDES: tuple[Side, Side] = ("query", "document")


pytestmark = pytest.mark.usefixtures("full_precision")


@pytest.fixture(params=["tiny_splade", "tiny_inference_free"])
def folder(request) -> Path:
    return request.getfixturevalue(request.param)


@pytest.fixture
def load(source):
    return lambda folder: SparseModel.load(source(folder), max_seq_length=32, device="cpu")


@pytest.fixture
def model(folder, load):
    model = load(folder)
    model.network.eval()
    return model


@pytest.fixture
def scores(tmp_path, words):
    """A teacher that likes a document for one of the words that it shares with the query, and for no other word."""
    folder = tmp_path / "scores"
    folder.mkdir()
    texts = {f"d{n}": " ".join([*words[n % 5 : n % 5 + 5], words[10 + n]]) for n in range(30)}
    write_jsonl(folder / "documents.jsonl", (CorpusDocument(id=id_, text=text) for id_, text in texts.items()))
    queries = []
    for number in range(30):
        ids = [f"d{(number + step) % 30}" for step in (0, 5, 10, 15, 20)]
        query = f"{words[number % 5]} {words[number % 5 + 2]} {words[10 + number]}"
        queries.append(
            ScoredQuery(
                query_id=f"q{number}", query=query, style="title", doc_ids=ids, scores=[9.0, 1.0, 0.5, 0.0, -0.5]
            )
        )
    write_jsonl(folder / "train.jsonl", queries)
    write_jsonl(folder / "dev.jsonl", queries[:12])
    return folder


@pytest.fixture
def rows(scores):
    store = DocumentStore([scores / "documents.jsonl"])
    queries = [ScoredQuery(**json.loads(line)) for line in (scores / "train.jsonl").read_text().splitlines()]
    return store, [row for query in queries for row in distillation_rows(query, store, 2)]


def arguments_of(folder, **changes):
    arguments = TrainingArguments(
        base_model_id=str(folder),
        base_model_revision="main",
        model_type="sparse",
        max_steps=30,
        train_batch_size=8,
        total_batch_size=8,
        learning_rate=2e-3,
        max_seq_length=32,
        num_negatives=2,
        temperature=0.05,
        teacher_score_scale_factor=0.025,
        teacher_spread=1.0,
        teacher_max_source_rank=0,
        teacher_drop_lowest_share=0.0,
        contrastive_weight=0.4,
        hard_negative_margin=0.05,
        early_stopping_patience=0,
        merge_with_base=False,
        flops_weight=0.0,
        seed=42,
        trust_remote_code=False,
    )
    return structs.replace(arguments, **changes)


def batch_of(model, store, rows):
    batch = DistillationCollator(model, store)([row.columns() for row in rows])
    return features_by_side(batch), batch["label"]


PLAIN = LossSettings(temperature=1.0, teacher_score_scale_factor=0.3, contrastive_weight=0.0, hard_negative_margin=None)


def test_the_loss_is_that_of_sentence_transformers_on_dot_products(model, rows):
    store, rows = rows
    rows = rows[:7]
    found = ListwiseDistillationLoss(model, PLAIN)(*batch_of(model, store, rows))
    labels = 0.3 * torch.tensor([row.scores for row in rows])
    embeddings = [model.embed([row.query for row in rows], "query")]
    embeddings += [model.embed([store.text(row.documents[place]) for row in rows], "document") for place in range(3)]
    expected = SparseDistillKLDivLoss(model.network, temperature=1.0).compute_loss_from_embeddings(embeddings, labels)
    assert expected.item() > 1e-3
    assert found.item() == pytest.approx(expected.item(), rel=1e-3)


def test_the_flops_of_documents_and_of_queries_that_are_computed_are_added(model, folder, tiny_splade, rows):
    store, rows = rows
    rows = rows[:7]
    plain, regularised = (
        ListwiseDistillationLoss(model, replace(PLAIN, flops_weight=weight))(*batch_of(model, store, rows)).item()
        for weight in (0.0, 0.5)
    )
    sides = {
        "query": {row.query for row in rows},
        "document": {store.text(id_) for row in rows for id_ in row.documents},
    }
    flops = {
        side: FlopsLoss(model.network).compute_loss_from_embeddings(model.embed(sorted(sides[side]), side)).item()
        for side in SIDES
    }
    counted = flops["document"] + (flops["query"] if folder == tiny_splade else 0)
    assert flops["query"] > 0.01
    assert regularised - plain == pytest.approx(0.5 * counted, rel=1e-3)


def test_dot_products_are_brought_to_the_scale_of_cosines(model, rows, capsys):
    store, rows = rows
    spread = measured_spread(model, store, rows)
    loss_settings = calibrated_loss(model, store, rows, arguments_of("any", teacher_spread=2.0))
    assert loss_settings.similarity_scale * spread.similarity == pytest.approx(TYPICAL_COSINE_SPREAD)
    taught = loss_settings.teacher_score_scale_factor * loss_settings.temperature * spread.score
    assert taught == pytest.approx(2 * TYPICAL_COSINE_SPREAD)
    assert "dot products are scaled by" in capsys.readouterr().out


@pytest.mark.parametrize("flops_weight", [0.0, 0.02])
def test_training_learns_from_the_teacher_and_the_regulariser_keeps_it_sparse(scores, tmp_path, folder, flops_weight):
    settings = arguments_of(folder, flops_weight=flops_weight, early_stopping_patience=4, merge_with_base=True)
    output = tmp_path / "model"
    result = train(scores, output, tmp_path / "checkpoints", settings)
    assert result.dev_loss_before is not None
    assert result.dev_loss_after is not None
    assert result.dev_ndcg_before is not None
    assert result.dev_ndcg_after is not None
    assert result.dev_loss_after < result.dev_loss_before
    assert result.dev_ndcg_after > result.dev_ndcg_before
    assert set(result.merge) == {"0.3", "0.5", "0.7", "1"}
    assert json.loads((output / "training.json").read_text())["similarity_scale"] == result.similarity_scale != 1
    assert (output / "code" / "inference.py").is_file()
    assert (output / "dev_ndcg.jsonl").is_file()


def test_a_heavier_regulariser_leaves_fewer_words(scores, tmp_path, folder, load):
    for weight in (0.0, 1.0):
        settings = arguments_of(folder, flops_weight=weight)
        train(scores, tmp_path / str(weight), tmp_path / f"checkpoints-{weight}", settings)
    store = DocumentStore([scores / "documents.jsonl"])
    texts = list(store.texts())
    heavy, none = ((load(tmp_path / weight).embed(texts, "document") > 0).sum() for weight in ("1.0", "0.0"))
    assert heavy < 0.8 * none


def test_the_table_of_an_inference_free_encoder_stays(scores, tmp_path, tiny_inference_free, load):
    train(scores, tmp_path / "model", tmp_path / "checkpoints", arguments_of(tiny_inference_free, max_steps=4))
    base, tuned = load(tiny_inference_free), load(tmp_path / "model")
    for side, same in (("query", True), ("document", False)):
        assert torch.equal(base.embed(["river bridge"], side), tuned.embed(["river bridge"], side)) is same


def test_training_goes_on_from_a_checkpoint(scores, tmp_path, folder, load, monkeypatch):
    monkeypatch.setattr(trainer, "STEPS_PER_CHECKPOINT", 3)
    settings = arguments_of(folder, max_steps=6)
    train(scores, tmp_path / "whole", tmp_path / "checkpoints", settings)
    (run,) = (tmp_path / "checkpoints" / "training").iterdir()
    for file in sorted((run / "checkpoint-6").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    checkpoint = latest_checkpoint(run)
    assert checkpoint is not None
    assert checkpoint.name == "checkpoint-3"
    result = train(scores, tmp_path / "resumed", tmp_path / "checkpoints", settings)
    assert (result.resumed_from_step, result.steps) == (3, 6)
    store = DocumentStore([scores / "documents.jsonl"])
    texts = list(store.texts())
    whole, resumed = (load(tmp_path / name).embed(texts, "document") for name in ("whole", "resumed"))
    torch.testing.assert_close(whole, resumed, rtol=0, atol=0)
