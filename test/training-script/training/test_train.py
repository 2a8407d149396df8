import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import torch
from finetuning.artifacts.arguments import TrainingArguments
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.environment import Host, JobError
from finetuning.artifacts.jsonl import ContractError, read_jsonl, write_jsonl
from finetuning.artifacts.records import CorpusDocument, ScoredQuery
from finetuning.models.dense_model import DenseModel
from finetuning.training import train as training
from finetuning.training import trainer
from finetuning.training.calibration import measured_spread
from finetuning.training.callbacks import TrainingInterrupted
from finetuning.training.checkpoints import latest_checkpoint
from finetuning.training.dev_ranking import DevRanking
from finetuning.training.distillation import DistillationCollator, DistillationRow, distillation_rows
from finetuning.training.train import train
from msgspec import structs
from msgspec.structs import asdict
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.usefixtures("full_precision")


@pytest.fixture
def scores(tmp_path, words):
    """A teacher that likes documents which share words with the query; dev has queries of train, to show learning."""
    generator = random.Random(0)
    folder = tmp_path / "scores"
    folder.mkdir()
    texts = {f"d{n}": " ".join(generator.choices(words, k=8)) for n in range(40)}
    write_jsonl(folder / "documents.jsonl", (CorpusDocument(id=id_, text=text) for id_, text in texts.items()))
    queries = []
    for number in range(48):
        ids = generator.sample(sorted(texts), 5)
        query = " ".join(generator.sample(texts[ids[0]].split(), 3))
        shared = [6.0 * len(set(query.split()) & set(texts[i].split())) for i in ids]
        queries.append(ScoredQuery(query_id=f"q{number}", query=query, style="title", doc_ids=ids, scores=shared))
    write_jsonl(folder / "train.jsonl", queries)
    write_jsonl(folder / "dev.jsonl", queries[:12])
    return folder


def arguments_of(tiny_model, **changes):
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
        "teacher_spread": 0.0,
        "teacher_max_source_rank": 0,
        "teacher_drop_lowest_share": 0.0,
        "contrastive_weight": 0.0,
        "hard_negative_margin": 0.0,
        "early_stopping_patience": 0,
        "merge_with_base": False,
        "model_type": "dense",
        "flops_weight": 0.0,
        "seed": 42,
        "base_model_revision": "main",
        "trust_remote_code": False,
    }
    return TrainingArguments(**{**defaults, **changes})


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(first, second):
    return all(torch.equal(first[key], second[key]) for key in first)


def test_training_lowers_the_dev_loss_and_says_so(scores, tmp_path, tiny_model, capsys):
    output = tmp_path / "model"
    result = train(scores, output, tmp_path / "checkpoints", arguments_of(tiny_model, max_steps=30))
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
    result = train(scores, tmp_path / "model", tmp_path / "checkpoints", arguments_of(tiny_model, max_steps=-1))
    assert result.steps == 12  # 48 queries of 2 rows each, 8 rows a step


def test_interrupted_and_resumed_equals_uninterrupted(scores, tmp_path, tiny_model, monkeypatch):
    settings = arguments_of(tiny_model, train_batch_size=8)
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
    monkeypatch.setattr(DistillationCollator, "__call__", collate)

    result = train(scores, tmp_path / "resumed", tmp_path / "checkpoints-2", settings)
    assert 0 < result.resumed_from_step < 8
    assert result.steps == 8
    assert same(weights(tmp_path / "resumed"), weights(tmp_path / "whole"))


def test_a_checkpoint_of_other_settings_is_not_resumed(scores, tmp_path, tiny_model):
    train(scores, tmp_path / "a", tmp_path / "checkpoints", arguments_of(tiny_model, max_steps=2))
    result = train(scores, tmp_path / "b", tmp_path / "checkpoints", arguments_of(tiny_model, max_steps=2, seed=1))
    assert result.resumed_from_step == 0
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_nothing_to_train_on_is_an_error(scores, tmp_path, tiny_model):
    (scores / "train.jsonl").write_text("")
    with pytest.raises(JobError, match="holds no query"):
        train(scores, tmp_path / "model", tmp_path / "checkpoints", arguments_of(tiny_model))


def test_a_query_whose_scores_do_not_match_its_documents_is_an_error(scores, tmp_path, tiny_model):
    write_jsonl(
        scores / "train.jsonl",
        [ScoredQuery(query_id="q", query="river", style="title", doc_ids=["d1", "d2", "d3"], scores=[1.0, 0.5])],
    )
    with pytest.raises(ContractError, match=r"train\.jsonl: doc_ids and scores of query 'q' differ in length"):
        train(scores, tmp_path / "model", tmp_path / "checkpoints", arguments_of(tiny_model))


def test_a_loss_that_is_not_finite_ends_the_job(scores, tmp_path, tiny_model):
    settings = arguments_of(tiny_model, teacher_score_scale_factor=1e39)
    with pytest.raises(JobError, match="choose a lower learning_rate"):
        train(scores, tmp_path / "model", tmp_path / "checkpoints", settings)


def test_the_artifact_embeds_like_the_trained_model(scores, tmp_path, tiny_model):
    """Reloaded from files in the old formats: the same embeddings, cut at the training length."""
    output = tmp_path / "model"
    train(scores, output, tmp_path / "checkpoints", arguments_of(tiny_model, max_steps=2))
    reloaded = SentenceTransformer(str(output), device="cpu")
    trained = SentenceTransformer(str(tiny_model), device="cpu")
    trained[0].load_state_dict(reloaded[0].state_dict())
    trained.max_seq_length = 32
    texts = ["river bridge", "copper " * 60]
    assert reloaded.max_seq_length == 32
    assert torch.allclose(torch.tensor(reloaded.encode(texts)), torch.tensor(trained.encode(texts)), atol=1e-6)


def test_the_best_checkpoint_is_kept_and_training_ends_early(scores, tmp_path, tiny_model, monkeypatch):
    quality = iter([0.1, 0.2, 0.5, 0.4])
    monkeypatch.setattr(DevRanking, "ndcg", lambda *_, **__: next(quality))
    output, checkpoints = tmp_path / "model", tmp_path / "checkpoints"
    result = train(scores, output, checkpoints, arguments_of(tiny_model, max_steps=20, early_stopping_patience=1))
    # Before training .1; then every 5 steps: .2, .5, and .4 ends it; what was kept is not ranked again.
    assert result.steps == 15
    assert (result.dev_ndcg_before, result.dev_ndcg_after) == (0.1, 0.5)
    curve = [json.loads(line) for line in (output / "dev_ndcg.jsonl").read_text().splitlines()]
    assert curve == [{"step": 5 * n, "dev_ndcg_at_10": v} for n, v in enumerate((0.2, 0.5, 0.4), start=1)]
    best = next(checkpoints.rglob("checkpoint-10")) / "model.safetensors"
    assert same(weights(output), load_file(best))


def test_interrupted_and_resumed_with_early_stopping_keeps_the_same_best(scores, tmp_path, tiny_model, monkeypatch):
    settings = arguments_of(tiny_model, train_batch_size=8, max_steps=10, early_stopping_patience=5)
    whole = train(scores, tmp_path / "whole", tmp_path / "checkpoints-1", settings)
    collate, batches = DistillationCollator.__call__, 0

    def collate_and_interrupt(self, rows):
        nonlocal batches
        batches += 1
        # The dev loss before training takes two batches.
        if batches == 2 + 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return collate(self, rows)

    monkeypatch.setattr(DistillationCollator, "__call__", collate_and_interrupt)
    with pytest.raises(TrainingInterrupted):
        train(scores, tmp_path / "resumed", tmp_path / "checkpoints-2", settings)
    monkeypatch.setattr(DistillationCollator, "__call__", collate)
    result = train(scores, tmp_path / "resumed", tmp_path / "checkpoints-2", settings)
    assert 0 < result.resumed_from_step < 10
    assert same(weights(tmp_path / "resumed"), weights(tmp_path / "whole"))
    assert result.dev_ndcg_after == whole.dev_ndcg_after
    assert (tmp_path / "resumed" / "dev_ndcg.jsonl").read_text() == (tmp_path / "whole" / "dev_ndcg.jsonl").read_text()


def test_the_merge_takes_what_ranks_dev_best_and_says_so(scores, tmp_path, tiny_model):
    settings = arguments_of(tiny_model, max_steps=30, merge_with_base=True)
    result = train(scores, tmp_path / "model", tmp_path / "checkpoints", settings)
    assert set(result.merge) == {"0.3", "0.5", "0.7", "1"}
    assert result.dev_ndcg_after == max(result.merge.values())


def test_what_needs_dev_queries_is_said_to_be_off_without_them(scores, tmp_path, tiny_model, capsys):
    (scores / "dev.jsonl").write_text("")
    settings = arguments_of(tiny_model, max_steps=1, merge_with_base=True, early_stopping_patience=2)
    result = train(scores, tmp_path / "model", tmp_path / "checkpoints", settings)
    assert (result.merge, result.switched_off) == ({}, ["merge_with_base", "early_stopping_patience"])
    assert "There are no dev queries; switched off: merge_with_base, early_stopping_patience" in capsys.readouterr().out


def test_the_teacher_filter_and_the_calibration_are_applied(scores, tmp_path, tiny_model):
    plain = train(scores, tmp_path / "a", tmp_path / "checkpoints", arguments_of(tiny_model, max_steps=2))
    settings = arguments_of(tiny_model, max_steps=2, teacher_max_source_rank=1, teacher_spread=1.0, temperature=0.05)
    result = train(scores, tmp_path / "b", tmp_path / "checkpoints", settings)
    queries = list(read_jsonl(scores / "train.jsonl", ScoredQuery))
    outscored = sum(max(query.scores) > query.scores[0] for query in queries)
    assert result.queries_dropped == {"source_outranked": outscored, "lowest_scores": 0}
    assert result.train_queries == len(queries) - outscored
    assert (plain.train_queries, plain.teacher_score_scale_factor) == (len(queries), 0.025)
    twice = arguments_of(tiny_model, max_steps=2, teacher_max_source_rank=1, teacher_spread=2.0, temperature=0.05)
    doubled = train(scores, tmp_path / "c", tmp_path / "checkpoints", twice)
    assert doubled.teacher_score_scale_factor == pytest.approx(2 * result.teacher_score_scale_factor)


def test_calibrated_scores_spread_as_the_cosines_do(scores, tiny_model, source):
    store = DocumentStore([scores / "documents.jsonl"])
    queries = list(read_jsonl(scores / "train.jsonl", ScoredQuery))
    rows = [row for query in queries for row in distillation_rows(query, store, 4)]
    model = DenseModel.load(source(tiny_model), max_seq_length=32, device="cpu")
    factor = measured_spread(model, store, rows).similarity_per_score
    cosines, taught = [], []
    for row in rows:
        vectors = model.embed([row.query, *(store.text(document) for document in row.documents)], "document")
        of_row = (vectors[1:] @ vectors[0]).double()
        scores_of_row = torch.tensor(row.scores, dtype=torch.float64) * factor
        cosines += (of_row - of_row.mean()).tolist()
        taught += (scores_of_row - scores_of_row.mean()).tolist()
    assert torch.tensor(taught).std().item() == pytest.approx(torch.tensor(cosines).std().item(), rel=1e-3)
    flat = [DistillationRow(row.query, row.documents, [1.0] * len(row.documents)) for row in rows]
    assert measured_spread(model, store, flat).similarity_per_score == 0


def close(first, second):
    """Equal within rounding, which Adam's first steps enlarge where a gradient is nearly 0."""
    differences = torch.cat([(first[key] - second[key]).abs().flatten() for key in first])
    return differences.median().item() < 1e-6 and differences.mean().item() < 1e-5


def without_dropout(folder, copy):
    """A copy of a model that has no dropout, so that chunks do not differ by chance."""
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (copy / "config.json").write_text(json.dumps(config | none))
    return copy


DEPLOYED = {"temperature": 0.05, "teacher_spread": 1.0, "contrastive_weight": 0.4, "learning_rate": 1e-3}


def test_rows_in_memory_at_once_change_nothing_in_the_result(scores, tmp_path, tiny_model):
    model = without_dropout(tiny_model, tmp_path / "base")
    # 192 rows: a step of 128, then the 64 that are left, then one of the next epoch.
    settings = arguments_of(model, **DEPLOYED, num_negatives=1, total_batch_size=128, max_steps=3)
    for rows in (128, 16, 1):
        output = tmp_path / f"{rows}"
        train(scores, output, tmp_path / "checkpoints", structs.replace(settings, train_batch_size=rows))
    assert not close(weights(tmp_path / "128"), weights(model))
    assert close(weights(tmp_path / "16"), weights(tmp_path / "128"))
    assert close(weights(tmp_path / "1"), weights(tmp_path / "128"))
    # The contrast is over all rows of a step: with fewer rows a step it is another one.
    fewer = structs.replace(settings, total_batch_size=1, train_batch_size=1)
    train(scores, tmp_path / "fewer", tmp_path / "checkpoints", fewer)
    assert not close(weights(tmp_path / "fewer"), weights(tmp_path / "128"))


def deployed_arguments(base, **changes):
    """The recipe that Terraform deploys, from the generated table of parameters."""
    table = Path(__file__).parents[3] / "docs" / "parameters.md"
    defaults = dict(re.findall(r"^\| `(\w+)` \| \w+ \| `([^`|]*)` \|", table.read_text(), re.MULTILINE))
    values = {name: defaults[name].strip('"') for name in TrainingArguments.__struct_fields__}
    return structs.replace(
        msgspec.convert(values, TrainingArguments, strict=False), base_model_id=str(base), max_steps=3, **changes
    )


@pytest.mark.parametrize(
    ("model_type", "without"),
    [
        ("dense", [{"contrastive_weight": 0.0}, {"teacher_spread": 0.5}]),
        ("sparse", [{"contrastive_weight": 0.0}, {"teacher_spread": 0.5}, {"flops_weight": 0.0}]),
    ],
)
def test_every_term_of_the_loss_teaches_with_the_deployed_defaults(scores, tmp_path, model_type, without, request):
    """What a term says changes the weights; a term that is zero for every row could say anything."""
    base = request.getfixturevalue("tiny_model" if model_type == "dense" else "tiny_splade")
    settings = deployed_arguments(base, model_type=model_type)
    assert settings.contrastive_weight > 0
    train(scores, tmp_path / "deployed", tmp_path / "checkpoints", settings)
    for number, change in enumerate(without):
        train(scores, tmp_path / f"{number}", tmp_path / "checkpoints", structs.replace(settings, **change))
        assert not same(weights(tmp_path / f"{number}"), weights(tmp_path / "deployed")), change


TRAIN_DISTRIBUTED = """
import sys
from pathlib import Path
import msgspec, torch
from finetuning.artifacts.arguments import TrainingArguments
from finetuning.models import devices
from finetuning.training import train as training, trainer

torch.set_num_threads(1)
devices.supports_bf16 = trainer.supports_bf16 = lambda _: False
*folders, arguments = sys.argv[1:]
training.train(*map(Path, folders), msgspec.json.decode(arguments, type=TrainingArguments))
"""


@pytest.mark.process
@pytest.mark.parametrize("model_type", ["dense", "sparse"])
def test_two_processes_train_what_one_does(scores, tmp_path, model_type, request):
    """Steps of 19 rows, an uneven share, of which the last of an epoch has one row for the two processes."""
    base = request.getfixturevalue("tiny_model" if model_type == "dense" else "tiny_splade")
    settings = arguments_of(
        without_dropout(base, tmp_path / "base"),
        **DEPLOYED,
        model_type=model_type,
        flops_weight=0.05,
        total_batch_size=19,
        train_batch_size=2,
        max_steps=7,
    )
    script = tmp_path / "train_distributed.py"
    script.write_text(TRAIN_DISTRIBUTED)
    arguments = [*map(str, (scores, tmp_path / "two", tmp_path / "checkpoints-2")), json.dumps(asdict(settings))]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(training.__file__).parents[2])}
    subprocess.run([*launcher, str(script), *arguments], env=environment, check=True, timeout=300)
    train(scores, tmp_path / "one", tmp_path / "checkpoints-1", settings)
    assert not close(weights(tmp_path / "one"), weights(tmp_path / "base"))
    assert close(weights(tmp_path / "two"), weights(tmp_path / "one"))
    curves = [
        [json.loads(line)["loss"] for line in (tmp_path / name / "loss.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)


def test_a_training_without_steps_is_an_error(scores, tmp_path, tiny_model):
    with pytest.raises(JobError, match="max_steps is 0, so that none of the 96 rows"):
        train(scores, tmp_path / "model", tmp_path / "checkpoints", arguments_of(tiny_model, max_steps=0))


def test_fewer_rows_than_a_step_has_are_trained_on(scores, tmp_path, tiny_model):
    settings = arguments_of(tiny_model, total_batch_size=4096, max_steps=2)
    result = train(scores, tmp_path / "model", tmp_path / "checkpoints", settings)
    assert (result.steps, result.train_rows) == (2, 96)
    assert not same(weights(tmp_path / "model"), weights(tiny_model))


TRAIN_SLOWLY = """
import sys, time
from pathlib import Path
import msgspec
from finetuning.artifacts.arguments import TrainingArguments
from finetuning.models import devices
from finetuning.training import train as training, trainer
from finetuning.training.distillation import DistillationCollator

collate = DistillationCollator.__call__

def slowly(self, rows):
    time.sleep(0.2)
    return collate(self, rows)

DistillationCollator.__call__ = slowly
devices.supports_bf16 = trainer.supports_bf16 = lambda _: False
trainer.STEPS_PER_CHECKPOINT = 2
*folders, arguments = sys.argv[1:]
training.train(*map(Path, folders), msgspec.json.decode(arguments, type=TrainingArguments))
"""


@pytest.mark.process
def test_a_killed_job_resumes_and_gives_what_an_undisturbed_one_does(scores, tmp_path, tiny_model, monkeypatch):
    settings = arguments_of(tiny_model, train_batch_size=8)
    checkpoints = tmp_path / "checkpoints-killed"
    arguments = [*map(str, (scores, tmp_path / "killed", checkpoints)), json.dumps(asdict(settings))]
    # One thread, as in this process: sums of several would differ in their last bits.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(training.__file__).parents[2])}
    job = subprocess.Popen([sys.executable, "-c", TRAIN_SLOWLY, *arguments], env=environment)
    try:
        while not any(latest_checkpoint(folder) for folder in checkpoints.glob("training/*")):
            assert job.poll() is None
            time.sleep(0.02)
    finally:
        job.send_signal(signal.SIGKILL)
        job.wait()
    assert not (tmp_path / "killed").exists()

    monkeypatch.setattr(trainer, "STEPS_PER_CHECKPOINT", 2)
    result = train(scores, tmp_path / "killed", checkpoints, settings)
    train(scores, tmp_path / "whole", tmp_path / "checkpoints-whole", settings)
    assert 0 < result.resumed_from_step < 8
    assert same(weights(tmp_path / "killed"), weights(tmp_path / "whole"))
    assert (tmp_path / "killed" / "loss.jsonl").read_bytes() == (tmp_path / "whole" / "loss.jsonl").read_bytes()


def test_scores_of_several_instances_are_trained_on(scores, tmp_path, tiny_model):
    settings = arguments_of(tiny_model, max_steps=2)
    train(scores, tmp_path / "one", tmp_path / "checkpoints-1", settings)
    for split in ("train", "dev"):
        lines = (scores / f"{split}.jsonl").read_bytes().splitlines(keepends=True)
        (scores / f"{split}.jsonl").unlink()
        for rank in range(3):
            part = lines[Host(rank, 3).share_of(len(lines))]
            (scores / f"{split}-{rank}-of-3.jsonl").write_bytes(b"".join(part))
    train(scores, tmp_path / "three", tmp_path / "checkpoints-2", settings)
    assert same(weights(tmp_path / "one"), weights(tmp_path / "three"))
