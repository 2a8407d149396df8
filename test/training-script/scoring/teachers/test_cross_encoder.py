import pytest
import torch
from finetuning.models.loading import ModelLoadError
from finetuning.scoring.teachers.base import ScoringLimits
from finetuning.scoring.teachers.cross_encoder import CrossEncoderTeacher
from sentence_transformers import CrossEncoder
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification, BertTokenizer


@pytest.mark.parametrize("max_length", [12, 48, 1000])
def test_a_score_is_the_classifiers_logit_whatever_the_batch(tiny_cross_encoder, source, pairs, max_length):
    teacher = CrossEncoderTeacher(source(tiny_cross_encoder), ScoringLimits(max_length, 300), "cpu")
    tokenizer = BertTokenizer.from_pretrained(tiny_cross_encoder)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_cross_encoder).eval()
    with torch.inference_mode():
        expected = [
            model(
                **tokenizer(*pair, truncation=True, max_length=min(max_length, 64), return_tensors="pt")
            ).logits.item()
            for pair in pairs
        ]
    scores = teacher.score(pairs)
    assert scores == pytest.approx(expected, abs=1e-5)
    assert max(scores) - min(scores) > 0.01
    assert len(teacher.tokenise(pairs).batches) < len(pairs) / 2


def test_a_model_that_sentence_transformers_saved_scores_the_same(tiny_cross_encoder, source, pairs, tmp_path):
    CrossEncoder(str(tiny_cross_encoder), device="cpu").save_pretrained(str(tmp_path))
    plain, saved = (
        CrossEncoderTeacher(source(folder), ScoringLimits(48, 300), "cpu") for folder in (tiny_cross_encoder, tmp_path)
    )
    assert (tmp_path / "modules.json").is_file()
    assert saved.score(pairs) == pytest.approx(plain.score(pairs), abs=1e-5)


def test_no_pairs_have_no_scores(tiny_cross_encoder, source):
    assert CrossEncoderTeacher(source(tiny_cross_encoder), ScoringLimits(48, 300), "cpu").score([]) == []


def test_a_classifier_is_no_teacher(tiny_cross_encoder, tokenizer_folder, tmp_path, source):
    config = BertConfig.from_pretrained(tiny_cross_encoder, num_labels=3)
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    BertTokenizer.from_pretrained(tokenizer_folder).save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match=r"has 3 outputs.*Set judge_model_id to a reranker"):
        CrossEncoderTeacher(source(tmp_path, "judge_model_id"), ScoringLimits(48, 300), "cpu")
