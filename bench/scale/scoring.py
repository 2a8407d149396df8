"""Stage 4's forward passes, against pairs in the order in which they come, in batches of a fixed number.

Both score with the same cross-encoder in fp32 (random weights, of MiniLM-L3's size). The documents are the corpus', and
so as mixed in length; its size does not matter, as each pair is scored by itself.
"""

from __future__ import annotations

import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "training-script"))

import torch
from finetuning.models.batching import padding_share
from finetuning.models.loading import ModelSource
from finetuning.scoring.teachers.base import Pair, ScoringLimits
from finetuning.scoring.teachers.cross_encoder import CrossEncoderTeacher
from python_benchmark import Variant, Work, benchmark
from random_models import sample, use_one_thread, write_reranker

PAIRS = 256
BASELINE_BATCH = 32
"""sentence-transformers' default."""

TOKENS_PER_BATCH = 4_096
"""Less than the scoring job's, which are for GPUs: on a CPU small batches stay in the cache."""

MAX_LENGTH = 512
LARGEST_DIFFERENCE = 1e-3


@dataclass(frozen=True)
class Task:
    """Pairs, and the model loaded once for each variant's own way to use it."""

    pairs: list[Pair]
    teacher: CrossEncoderTeacher


def prepare(_: int, corpus: Path) -> Task:
    """Pairs of a few words of one document and another document's text."""
    use_one_thread()
    generator = random.Random(1)
    texts = sample(corpus, PAIRS)
    pairs = [(" ".join(generator.sample(text.split(), 6)), generator.choice(texts)) for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        write_reranker(corpus, Path(folder))
        source = ModelSource(folder, "teacher_model_id")
        teacher = CrossEncoderTeacher(source, ScoringLimits(MAX_LENGTH, TOKENS_PER_BATCH), _device())
    teacher.score(pairs[:8])
    return Task(pairs, teacher)


def baseline(task: Task) -> Work:
    """Fixed batches, unsorted; padded to the longest of each."""
    model, tokenizer = task.teacher.model.transformers_model, task.teacher.model.tokenizer
    assert model is not None
    scores: list[float] = []
    tokens = padded = 0
    with torch.inference_mode():
        for start in range(0, len(task.pairs), BASELINE_BATCH):
            queries, documents = zip(*task.pairs[start : start + BASELINE_BATCH], strict=True)
            encoded = tokenizer(
                queries, documents, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt"
            ).to(_device())
            tokens += int(encoded["attention_mask"].sum())
            padded += encoded["attention_mask"].numel()
            scores += model(**encoded).logits[:, 0].float().tolist()
    return Work(tokens, "tokens", {"scores": scores, "padding": 1 - tokens / padded})


def ours(task: Task) -> Work:
    """As the scoring stage does."""
    tokenised = task.teacher.tokenise(task.pairs)
    scores = task.teacher.score_tokenised(tokenised)
    padding = padding_share(tokenised.lengths, tokenised.batches)
    return Work(sum(tokenised.lengths), "tokens", {"scores": scores, "padding": padding})


def compare(expected: dict, found: dict) -> str:
    """Checks that the scores are equal and says how much of the work was padding."""
    difference = max(abs(a - b) for a, b in zip(expected["scores"], found["scores"], strict=True))
    spread = max(expected["scores"]) - min(expected["scores"])
    if difference > LARGEST_DIFFERENCE:
        raise ValueError(f"scores differ by {difference}")
    return (
        f"{len(found['scores']):,} pairs; padding {found['padding']:.1%} of the tokens computed, baseline "
        f"{expected['padding']:.1%}; scores differ by {difference:.0e} at most and spread over {spread:.2g}"
    )


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    benchmark("scoring", {"baseline": Variant(prepare, baseline), "ours": Variant(prepare, ours)}, compare)
