import json

import pytest
from finetuning.models.loading import ModelLoadError
from finetuning.scoring.teachers.base import ScoringLimits
from finetuning.scoring.teachers.cross_encoder import CrossEncoderTeacher
from finetuning.scoring.teachers.embedding import EmbeddingTeacher
from finetuning.scoring.teachers.registry import JUDGE_KINDS, UnsupportedTeacherError, load_teacher, teacher_kind
from sentence_transformers import CrossEncoder

COST_WISE = {"model_type": "cost_wise_gemma", "architectures": ["CostWiseGemmaForCausalLM"]}


@pytest.fixture
def model(tmp_path, source):
    """Writes the files that tell a model's kind, and says where they are."""

    def write(config, saved_as=None, parameter="teacher_model_id"):
        (tmp_path / "config.json").write_text(json.dumps(config))
        if saved_as is not None:
            (tmp_path / "modules.json").write_text("[]")
            (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(saved_as))
        return source(tmp_path, parameter)

    return write


@pytest.mark.parametrize(
    ("config", "saved_as", "kind"),
    [
        (COST_WISE, None, "lightweight-reranker"),
        (
            {"architectures": ["XLMRobertaForSequenceClassification"]},
            None,
            "cross-encoder",
        ),
        ({"architectures": ["BertForSequenceClassification"]}, {"model_type": "CrossEncoder"}, "cross-encoder"),
        ({"architectures": ["Qwen3ForCausalLM"]}, {"model_type": "CrossEncoder"}, "cross-encoder"),
        ({"architectures": ["BertModel"]}, None, "embedding"),
        ({"architectures": ["BertForMaskedLM"]}, {"__version__": {}}, "embedding"),
        ({"architectures": ["Qwen3ForCausalLM"]}, {"model_type": "SentenceTransformer"}, "embedding"),
    ],
)
def test_kind_by_files(model, config, saved_as, kind):
    assert teacher_kind(model(config, saved_as)).name == kind


@pytest.mark.parametrize(
    ("config", "saved_as", "named"),
    [
        ({"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}, None, "Qwen3ForCausalLM"),
        ({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}, None, "Qwen2ForCausalLM"),
        ({"model_type": "gemma", "architectures": ["GemmaForCausalLM"]}, None, "GemmaForCausalLM"),
        ({"architectures": ["T5ForConditionalGeneration"]}, None, "T5ForConditionalGeneration"),
        ({"architectures": ["HF_ColBERT"]}, None, "HF_ColBERT"),
        ({"architectures": ["BertForMaskedLM"]}, {"model_type": "SparseEncoder"}, "SparseEncoder"),
        ({"model_type": "bert"}, None, "no architecture"),
    ],
)
@pytest.mark.parametrize("parameter", ["teacher_model_id", "judge_model_id"])
def test_what_would_be_scored_wrongly_is_refused(model, config, saved_as, named, parameter):
    refused = model(config, saved_as, parameter)
    with pytest.raises(UnsupportedTeacherError) as error:
        load_teacher(refused, ScoringLimits(48, 300), "cpu")
    message = str(error.value)
    assert named in message
    assert f"Set {parameter} to one that can." in message
    for kind in ("cross-encoder", "embedding model", "modules.json"):
        assert kind in message


def test_a_judge_runs_no_code_of_its_own(model):
    with pytest.raises(UnsupportedTeacherError, match="Set judge_model_id"):
        teacher_kind(model(COST_WISE, parameter="judge_model_id"), JUDGE_KINDS)


def test_real_models_are_loaded_as_what_they_are(tiny_model, tiny_cross_encoder, source, tmp_path):
    CrossEncoder(str(tiny_cross_encoder), device="cpu").save_pretrained(str(tmp_path))
    loaded = [
        type(load_teacher(source(folder), ScoringLimits(48, 300), "cpu"))
        for folder in (tiny_model, tiny_cross_encoder, tmp_path)
    ]
    assert loaded == [EmbeddingTeacher, CrossEncoderTeacher, CrossEncoderTeacher]


def test_a_model_that_is_not_there_is_named_with_its_parameter(source, tmp_path):
    missing = str(tmp_path / "no-such-model")
    with pytest.raises(ModelLoadError, match=rf"The model {missing} could not be loaded. Check that judge_model_id"):
        teacher_kind(source(missing, "judge_model_id"))


def test_a_model_that_this_release_does_not_know_is_named(model):
    unknown = model({"model_type": "of-next-year", "architectures": ["OfNextYearModel"]})
    with pytest.raises(ModelLoadError, match=r"could not be loaded. Check that teacher_model_id .*of-next-year"):
        load_teacher(unknown, ScoringLimits(48, 300), "cpu")
