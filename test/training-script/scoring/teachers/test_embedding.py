import pytest
import torch
from finetuning.models.dense_model import DenseModel
from finetuning.scoring.teachers.base import ScoringLimits
from finetuning.scoring.teachers.embedding import EmbeddingTeacher
from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.usefixtures("full_precision")


@pytest.fixture
def teacher(tiny_model, source):
    return EmbeddingTeacher(source(tiny_model), ScoringLimits(48, 300), "cpu")


def test_an_embedding_teachers_score_is_its_scaled_cosine(teacher, tiny_model, pairs):
    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.max_seq_length = 48
    expected = [
        float(torch.cosine_similarity(*model.encode(list(pair), convert_to_tensor=True), dim=0)) for pair in pairs
    ]
    assert teacher.score(pairs) == pytest.approx([cosine / 0.05 for cosine in expected], abs=1e-4)
    assert teacher.score([]) == []


def test_an_embedding_teacher_embeds_each_text_once(teacher, pairs, monkeypatch):
    seen, embed = [], DenseModel.embed
    monkeypatch.setattr(
        DenseModel, "embed", lambda self, texts, side, **kw: seen.extend(texts) or embed(self, texts, side, **kw)
    )
    first = teacher.score(pairs + pairs[:10])
    again = teacher.score([*pairs[:5], (pairs[0][0], "river bridge")])
    assert again[:5] == first[:5]
    assert len(seen) == len(set(seen)) <= 2 * len(pairs) + 1
