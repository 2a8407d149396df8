"""The scripts as SageMaker runs them, one after the other, each reading what the one before wrote."""

import sys
import tarfile

import evaluate
import process_output
import pytest
import score
import train
from finetuning.artifacts.contract import EvaluationReport, GateDecision, MiningManifest, ScoringManifest, read_json
from finetuning.artifacts.environment import run_job


def run(monkeypatch, module, base, channels, *arguments):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
    for name, folder in channels.items():
        monkeypatch.setenv(f"SM_CHANNEL_{name.upper()}", str(folder))
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    run_job(module.main)
    return base / "model"


@pytest.mark.parametrize(
    ("model_type", "base"), [("dense", "tiny_model"), ("sparse", "tiny_splade"), ("sparse", "tiny_inference_free")]
)
def test_the_stages_in_order(run_folders, tiny_model, model_type, base, request, monkeypatch):
    base_model = ("--base-model-id", request.getfixturevalue(base), "--model-type", model_type)
    corpus = run_folders / "corpus"
    channels = {"corpus": corpus, "records": run_folders / "records", "generated": run_folders / "generated"}
    mined = run(
        monkeypatch,
        process_output,
        run_folders / "mining",
        channels,
        "--num-negatives",
        6,
        *base_model,
        "--dense-candidates",
        "true",
    )
    assert read_json(mined / "manifest.json", MiningManifest).train_queries > 50

    teacher = ("--teacher-model-id", tiny_model, "--max-length", 64, "--max-negatives", 4, "--tokens-per-batch", 2048)
    scores = run(monkeypatch, score, run_folders / "scoring", {"training-data": mined}, *teacher)
    assert read_json(scores / "manifest.json", ScoringManifest).teacher_model_id == str(tiny_model)

    settings = (*base_model, "--max-seq-length", 32)
    steps = ("--max-steps", 3, "--train-batch-size", 4, "--total-batch-size", 8, "--learning-rate", "0.00005")
    model = run(monkeypatch, train, run_folders / "training", {"scores": scores}, *settings, *steps)

    archive = run_folders / "archive"
    archive.mkdir()
    with tarfile.open(archive / "model.tar.gz", "w:gz") as tar:
        tar.add(model, arcname=".")
    channels = {"corpus": corpus, "training-data": mined, "model": archive}
    result = run(monkeypatch, evaluate, run_folders / "evaluation", channels, *settings, "--force-deploy", "true")
    report = read_json(result / "report.json", EvaluationReport)
    assert report.sets[0].documents == 40
    assert [part.model for part in report.sparsity] == ([] if model_type == "dense" else ["base", "tuned"])
    assert read_json(result / "decision.json", GateDecision).deploy is True


def test_a_bad_hyperparameter_is_the_failure_reason(tmp_path, monkeypatch):
    with pytest.raises(SystemExit):
        run(monkeypatch, train, tmp_path, {}, "--max-steps", "many")
    assert "argument --max-steps: invalid int value: 'many'" in (tmp_path / "output" / "failure").read_text()
