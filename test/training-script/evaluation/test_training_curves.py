import json

import pytest
from finetuning.artifacts.jsonl import ContractError
from finetuning.artifacts.records import CurvePoint, TrainingCurves
from finetuning.evaluation.training_curves import training_curves, training_settings


def test_a_model_from_elsewhere_has_no_curves(tmp_path):
    assert training_curves(tmp_path) == TrainingCurves(train_loss=[], dev_loss=[], dev_ndcg=[])
    assert training_settings(tmp_path) == {}


TRAINING = {
    "settings": {"a": True},
    "train_queries": 8,
    "queries_dropped": {},
    "train_rows": 16,
    "teacher_score_scale_factor": 0.025,
    "similarity_scale": 1,
    "steps": 20,
    "resumed_from_step": 0,
    "merge": {},
    "dev_loss_before": 3.0,
    "dev_loss_after": 2.0,
    "dev_ndcg_before": 0.4,
    "dev_ndcg_after": 0.6,
}


def test_curves_go_from_before_training_to_its_end(tmp_path, write_lines):
    entries = [{"step": 10, "loss": 1.5, "learning_rate": 0}, {"step": 20, "loss": 1.0, "learning_rate": 0}]
    write_lines(tmp_path / "loss.jsonl", entries)
    (tmp_path / "training.json").write_text(json.dumps(TRAINING))
    curves = training_curves(tmp_path)
    assert curves.train_loss == [CurvePoint(step=10, value=1.5), CurvePoint(step=20, value=1.0)]
    assert curves.dev_loss == [CurvePoint(step=0, value=3.0), CurvePoint(step=20, value=2.0)]
    assert curves.dev_ndcg == [CurvePoint(step=0, value=0.4), CurvePoint(step=20, value=0.6)]
    assert training_settings(tmp_path) == {"a": "true"}
    (tmp_path / "dev_ndcg.jsonl").write_text(
        '{"step": 5, "dev_ndcg_at_10": 0.7}\n{"step": 10, "dev_ndcg_at_10": 0.5}\n'
    )
    assert training_curves(tmp_path).dev_ndcg == [
        CurvePoint(step=0, value=0.4),
        CurvePoint(step=5, value=0.7),
        CurvePoint(step=10, value=0.5),
    ]


def test_without_a_dev_split_there_is_no_dev_curve(tmp_path):
    training = {**TRAINING, **dict.fromkeys([name for name in TRAINING if name.startswith("dev")])}
    (tmp_path / "training.json").write_text(json.dumps(training))
    assert training_curves(tmp_path) == TrainingCurves(train_loss=[], dev_loss=[], dev_ndcg=[])


@pytest.mark.parametrize(("name", "content"), [("loss.jsonl", "[]\n"), ("loss.jsonl", "{"), ("training.json", "[]")])
def test_broken_files_are_an_error_with_their_place(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ContractError, match=name):
        training_curves(tmp_path)
