import pytest
from finetuning.contract import ContractError, CurvePoint, TrainingCurves
from finetuning.training_curves import training_curves, training_settings


def test_a_model_from_elsewhere_has_no_curves(tmp_path):
    assert training_curves(tmp_path) == TrainingCurves([], [], [])
    assert training_settings(tmp_path) == {}


def test_dev_values_on_the_way_are_preferred_to_the_ends(tmp_path):
    (tmp_path / "loss.jsonl").write_text(
        '{"step": 10, "loss": 1.5, "dev_loss": 1.25, "dev_ndcg": 0.5}\n{"step": 20, "loss": 1.0, "dev_loss": null}\n'
    )
    (tmp_path / "training.json").write_text(
        '{"dev_loss_before": 9, "dev_loss_after": 8, "steps": 20, "settings": {"a": true}}'
    )
    curves = training_curves(tmp_path)
    assert curves.train_loss == [CurvePoint(10, 1.5), CurvePoint(20, 1.0)]
    assert curves.dev_loss == [CurvePoint(10, 1.25)]
    assert curves.dev_ndcg == [CurvePoint(10, 0.5)]
    assert training_settings(tmp_path) == {"a": "true"}


@pytest.mark.parametrize(("name", "content"), [("loss.jsonl", "[]\n"), ("loss.jsonl", "{"), ("training.json", "[]")])
def test_broken_files_are_an_error_with_their_place(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ContractError, match=name):
        training_curves(tmp_path)
