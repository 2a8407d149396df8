import json
import shutil
from dataclasses import replace

import pytest
from finetuning.artifacts.arguments import EvaluationArguments
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.environment import JobError
from finetuning.artifacts.jsonl import read_json, write_json, write_jsonl
from finetuning.artifacts.records import EvaluationReport, GateDecision, HeldOutQuery
from finetuning.artifacts.training_files import LossEntry, TrainingResult
from finetuning.evaluation.evaluate import evaluate, model_folder
from finetuning.models.dense_model import DenseModel
from finetuning.models.loading import ModelLoadError, ModelSource
from finetuning.models.prompts import set_family_prompts
from finetuning.scoring.teachers.registry import UnsupportedTeacherError
from finetuning.training.serving_artifact import write_serving_artifact


def arguments_of(tiny_model, **changes):
    defaults = {
        "base_model_id": str(tiny_model),
        "model_type": "dense",
        "teacher_model_id": "some/teacher",
        "judge_model_id": "",
        "max_seq_length": 32,
        "min_ndcg_gain": 0.0,
        "max_general_drop": 0.01,
        "force_deploy": False,
        "max_evaluation_documents": 100_000,
        "base_model_revision": "main",
        "trust_remote_code": False,
        "seed": 42,
    }
    return EvaluationArguments(**{**defaults, **changes})


def test_the_same_model_twice_gains_nothing_and_is_not_deployed(evaluation_inputs, run_folders, tiny_model):
    decision = evaluate(evaluation_inputs, run_folders, arguments_of(tiny_model))
    report = read_json(run_folders / "report.json", EvaluationReport)
    (part,) = report.sets
    assert (part.name, part.queries, part.documents) == ("held_out", 8, 40)
    assert part.rankers.base == part.rankers.tuned
    assert part.rankers.base.recall_at_100 == 1
    assert decision == read_json(run_folders / "decision.json", GateDecision)
    assert decision.deploy is False
    assert (decision.query_prompt, decision.document_prompt) == ("", "")
    assert "is not deployed" in decision.reason
    assert f"| Base model | {part.rankers.base.ndcg_at_10:.3f} |" in (run_folders / "report.md").read_text()
    assert "not cleared for deployment" in (run_folders / "report.html").read_text()


def test_judgements_are_a_second_set_and_decide(evaluation_inputs, run_folders, tiny_model, judge):
    folder = judge("1\td20\t2\n1\td21\t1\n1\tabsent\t1\n2\td22\t1\n", "1\td23\n2\td22\n")
    inputs = replace(evaluation_inputs, judgements=folder)
    decision = evaluate(inputs, run_folders, arguments_of(tiny_model, force_deploy=True))
    held_out, judged = read_json(run_folders / "report.json", EvaluationReport).sets
    assert (held_out.queries, judged.queries) == (8, 1)
    assert [(style.style, style.queries) for style in held_out.styles] == [("question", 4), ("title", 4)]
    assert judged.styles == []
    assert decision.deploy is True
    assert "with your own judgements" in decision.reason


def test_a_judge_gives_a_pooled_set(evaluation_inputs, run_folders, tiny_model, tiny_cross_encoder):
    evaluate(evaluation_inputs, run_folders, arguments_of(tiny_model, judge_model_id=str(tiny_cross_encoder)))
    report = read_json(run_folders / "report.json", EvaluationReport)
    held_out, pooled = report.sets
    assert (held_out.name, pooled.name) == ("held_out", "pooled")
    assert 0 < pooled.queries <= 8
    assert report.judge_model_id == str(tiny_cross_encoder)
    assert str(tiny_cross_encoder) in (run_folders / "report.md").read_text()


def test_a_general_collection_is_a_set_of_its_own(evaluation_inputs, run_folders, tiny_model, write_lines):
    folder = run_folders / "general"
    documents = [{"_id": "g1", "title": "copper", "text": "theory"}, {"_id": "g2", "text": "river bridge"}]
    write_lines(folder / "corpus.jsonl", [*documents, {"_id": "empty", "title": "", "text": ""}])
    write_lines(folder / "queries.jsonl", [{"_id": "1", "text": "copper theory"}])
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tg1\t1\n")
    decision = evaluate(replace(evaluation_inputs, general=folder), run_folders, arguments_of(tiny_model))
    general = read_json(run_folders / "report.json", EvaluationReport).sets[-1]
    assert (general.name, general.queries, general.documents) == ("general", 1, 2)
    assert general.rankers.bm25.ndcg_at_10 == 1
    assert "On the general collection nDCG@10 changed by +0.000" in decision.reason


def test_the_teacher_is_no_judge(evaluation_inputs, run_folders, tiny_model):
    with pytest.raises(JobError, match="must not be the teacher, some/teacher"):
        evaluate(evaluation_inputs, run_folders, arguments_of(tiny_model, judge_model_id="some/teacher"))


def test_a_judge_that_cannot_be_loaded_is_blamed_by_its_own_name(evaluation_inputs, run_folders, tiny_model, tmp_path):
    missing = str(tmp_path / "no-such-judge")
    with pytest.raises(ModelLoadError) as error:
        evaluate(evaluation_inputs, run_folders, arguments_of(tiny_model, judge_model_id=missing))
    assert f"The model {missing} could not be loaded. Check that judge_model_id names" in str(error.value)
    assert "base_model_id" not in str(error.value)
    assert "teacher_model_id" not in str(error.value)


def test_a_judge_that_brings_its_own_code_is_refused(evaluation_inputs, run_folders, tiny_model, tmp_path):
    (tmp_path / "judge").mkdir()
    config = {"model_type": "cost_wise_gemma", "architectures": ["CostWiseGemmaForCausalLM"]}
    (tmp_path / "judge" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedTeacherError, match="Set judge_model_id to"):
        evaluate(evaluation_inputs, run_folders, arguments_of(tiny_model, judge_model_id=str(tmp_path / "judge")))


def test_the_report_shows_how_training_went(evaluation_inputs, run_folders, tiny_model):
    folder = run_folders / "unpacked"
    shutil.copytree(tiny_model, folder)
    write_jsonl(folder / "loss.jsonl", [LossEntry(1, 2.5, 0.0), LossEntry(10, 1.5, 0.0)])
    result = TrainingResult(
        settings={"max_steps": 10},
        train_queries=1,
        queries_dropped={},
        train_rows=1,
        teacher_score_scale_factor=1.0,
        similarity_scale=1.0,
        steps=10,
        resumed_from_step=0,
        dev_loss_before=3.0,
        dev_loss_after=2.0,
        dev_ndcg_before=None,
        dev_ndcg_after=None,
        merge={},
    )
    write_json(folder / "training.json", result)
    evaluate(replace(evaluation_inputs, model=folder), run_folders, arguments_of(tiny_model))
    report = read_json(run_folders / "report.json", EvaluationReport)
    assert [(point.step, point.value) for point in report.training.train_loss] == [(1, 2.5), (10, 1.5)]
    assert [(point.step, point.value) for point in report.training.dev_loss] == [(0, 3.0), (10, 2.0)]
    assert (report.settings["max_steps"], report.settings["force_deploy"]) == ("10", "false")


def test_the_decision_hands_the_models_prompts_on_to_serving(evaluation_inputs, run_folders, tiny_model):
    folder = run_folders / "with-prompts"
    model = DenseModel.load(ModelSource(str(tiny_model), "base_model_id"), max_seq_length=32, device="cpu")
    set_family_prompts(model.network, "BAAI/bge-small-en-v1.5")
    write_serving_artifact(model, folder)
    evaluate(replace(evaluation_inputs, model=folder), run_folders, arguments_of(tiny_model))
    decision = read_json(run_folders / "decision.json", GateDecision)
    assert decision.query_prompt == "Represent this sentence for searching relevant passages: "
    assert decision.document_prompt == ""


def test_a_better_model_gains(evaluation_inputs, run_folders, tiny_model):
    """The base model embeds all texts alike, so that any other ranks better."""
    import torch
    from safetensors.torch import load_file, save_file

    worse = run_folders / "worse"
    shutil.copytree(tiny_model, worse)
    weights = load_file(worse / "model.safetensors")
    for key in weights:
        if key.startswith("embeddings."):
            weights[key] = torch.zeros_like(weights[key])
    save_file(weights, worse / "model.safetensors", metadata={"format": "pt"})
    store = DocumentStore.of_folder(evaluation_inputs.corpus)
    write_jsonl(
        evaluation_inputs.training_data / "test.jsonl",
        (HeldOutQuery(query_id=f"q{n}", query=store.text(n), style="title", doc_id=f"d{n}") for n in range(20)),
    )
    decision = evaluate(evaluation_inputs, run_folders, arguments_of(worse, min_ndcg_gain=0.1))
    assert decision.deploy is True
    assert decision.ndcg_tuned > 0.9 > decision.ndcg_base
    assert decision.ndcg_gain_low > 0.1
    (part,) = read_json(run_folders / "report.json", EvaluationReport).sets
    assert len(part.gained) == 10
    first = part.gained[0]
    assert first.tuned_rank < (first.base_rank or 101)
    assert [result.relevance for result in first.tuned_results][first.tuned_rank - 1] == 1
    assert first.tuned_results[0].snippet


def test_a_channel_without_a_model_is_an_error(tmp_path):
    with pytest.raises(JobError, match=r"modules\.json is missing"):
        model_folder(tmp_path, tmp_path)
