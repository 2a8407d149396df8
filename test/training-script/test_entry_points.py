"""The scripts as SageMaker runs them, one after the other, each reading what the one before wrote."""

import sys
import tarfile

import evaluate
import process_output
import pytest
import score
import train
from finetuning.artifacts.environment import run_job
from finetuning.artifacts.jsonl import read_json
from finetuning.artifacts.records import EvaluationReport, GateDecision, MiningManifest, ScoringManifest


def run(monkeypatch, module, base, channels, *arguments):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
    for name, folder in channels.items():
        monkeypatch.setenv(f"SM_CHANNEL_{name.upper()}", str(folder))
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    run_job(module.main)
    return base / "model"


MODEL = {"base_model_revision": "main", "trust_remote_code": "false", "max_seq_length": 32}


def flags(**values):
    return [text for name, value in values.items() for text in (f"--{name.replace('_', '-')}", value)]


@pytest.mark.parametrize(
    ("model_type", "base"), [("dense", "tiny_model"), ("sparse", "tiny_splade"), ("sparse", "tiny_inference_free")]
)
def test_the_stages_in_order(run_folders, tiny_model, model_type, base, request, monkeypatch):
    model = {**MODEL, "base_model_id": request.getfixturevalue(base), "model_type": model_type, "seed": 42}
    corpus = run_folders / "corpus"
    channels = {"corpus": corpus, "records": run_folders / "records", "generated": run_folders / "generated"}
    mining = flags(num_hard_negatives=6, dense_candidates="true", max_source_rank=0, max_corpus_documents=1000, **model)
    mined = run(monkeypatch, process_output, run_folders / "mining", channels, *mining)
    assert read_json(mined / "manifest.json", MiningManifest).train_queries > 50

    scoring = flags(teacher_model_id=tiny_model, teacher_revision="main", scoring_max_negatives=4, max_seq_length=64)
    scores = run(monkeypatch, score, run_folders / "scoring", {"training-data": mined}, *scoring)
    assert read_json(scores / "manifest.json", ScoringManifest).teacher_model_id == str(tiny_model)

    training = flags(
        max_steps=3,
        train_batch_size=4,
        total_batch_size=8,
        learning_rate="5e-05",
        num_negatives=2,
        temperature=1,
        teacher_score_scale_factor=0.025,
        teacher_spread=0,
        teacher_max_source_rank=0,
        teacher_drop_lowest_share=0,
        hard_negative_margin=0,
        early_stopping_patience=0,
        merge_with_base="false",
        contrastive_weight=0,
        flops_weight=0,
        **model,
    )
    trained = run(monkeypatch, train, run_folders / "training", {"scores": scores}, *training)

    archive = run_folders / "archive"
    archive.mkdir()
    with tarfile.open(archive / "model.tar.gz", "w:gz") as tar:
        tar.add(trained, arcname=".")
    channels = {"corpus": corpus, "training-data": mined, "model": archive}
    evaluation = flags(
        teacher_model_id="some/teacher",
        judge_model_id="",
        min_ndcg_gain=0,
        max_general_drop="0.01",
        force_deploy="true",
        max_evaluation_documents=1000,
        **model,
    )
    result = run(monkeypatch, evaluate, run_folders / "evaluation", channels, *evaluation)
    report = read_json(result / "report.json", EvaluationReport)
    assert report.sets[0].documents == 40
    assert [part.model for part in report.sparsity] == ([] if model_type == "dense" else ["base", "tuned"])
    assert read_json(result / "decision.json", GateDecision).deploy is True


def test_bad_hyperparameters_are_the_failure_reason(tmp_path, monkeypatch):
    with pytest.raises(SystemExit):
        run(monkeypatch, train, tmp_path, {}, "--max-steps", "many")
    reason = (tmp_path / "output" / "failure").read_text()
    assert "Bad hyperparameters: --model-type is missing" in reason
    assert "--max-steps 'many': Expected `int`" in reason
