"""Listwise distillation: the student learns the teacher's distribution over each query's documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..artifacts.documents import DocumentStore
from ..artifacts.records import ScoredQuery
from ..models.prompts import Side
from ..models.retrieval_model import RetrievalModel
from .embedded_step import EmbeddedStep
from .gradient_cache import encode_in_chunks

CONTRASTIVE_TEMPERATURE = 0.05
"""Of the contrastive term; the usual value for cosine similarities (SimCSE, and the distillation recipe of CADET)."""

CPU_TEXTS_PER_FORWARD = 16
"""On a CPU padding costs as much as text, so texts are embedded in groups of like length; a GPU prefers one batch."""


@dataclass(frozen=True)
class DistillationRow:
    """A query and some of its documents, as rows of the store: the source, then negatives; with their scores."""

    query: str
    documents: list[int]
    scores: list[float]
    possible_positives: list[int] = field(default_factory=list)
    """Documents of the query, in this row or not, that the teacher scores as high as the source or higher."""

    def columns(self) -> dict[str, Any]:
        """What DistillationCollator takes."""
        return {
            "query": self.query,
            "documents": self.documents,
            "label": self.scores,
            "possible_positives": self.possible_positives,
        }


def distillation_rows(query: ScoredQuery, store: DocumentStore, num_negatives: int) -> Iterator[DistillationRow]:
    """Cuts a scored query into rows of its source document and `num_negatives` negatives each, as the original does.

    The last row takes what is left over. With `num_negatives` at least the number of scored negatives there is one row
    with all of them.

    Raises:
        ContractError: when a document is not in the store.
    """
    rows = [store.required_row(document_id) for document_id in query.doc_ids]
    possible = [row for row, score in zip(rows[1:], query.scores[1:], strict=True) if score >= query.scores[0]]
    for start in range(1, len(rows), num_negatives):
        chosen = [0, *range(start, min(start + num_negatives, len(rows)))]
        yield DistillationRow(query.query, [rows[i] for i in chosen], [query.scores[i] for i in chosen], possible)


class DistillationCollator:
    """Makes a batch of rows in which every distinct text is tokenised, and so embedded, once."""

    valid_label_columns = ("label",)
    """Part of the interface that the sentence-transformers trainer expects of a collator."""

    def __init__(self, model: RetrievalModel, store: DocumentStore) -> None:
        """
        Args:
            model: tokenises, with its max_seq_length.
            store: where the documents of the rows are.
        """
        self._model = model
        self._store = store

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """
        Args:
            rows: B mappings, of a DistillationRow's columns.

        Returns:
            The model's inputs for the distinct queries and documents, prefixed `query_` and `document_`;
            `query_keys` and `document_keys`, which tell texts apart, also those of other processes' batches;
            `query_rows` (B) and `document_rows` (B, W), where among them each row finds its texts (-1 where a row is
            shorter than the longest, W); `query_possible_positives` (B, K), the keys of documents, in the batch or not,
            that no query of their text is contrasted with (0 for none); `label` (B, W), the teacher scores.
        """
        texts = {
            document: self._model.cut(self._store.text(document))
            for row in rows
            for document in (*row["documents"], *row["possible_positives"])
        }
        queries = sorted({row["query"] for row in rows}, key=_length_and_text)
        documents = sorted({texts[document] for row in rows for document in row["documents"]}, key=_length_and_text)
        query_positions = {text: position for position, text in enumerate(queries)}
        document_positions = {text: position for position, text in enumerate(documents)}

        batch = self._preprocessed(queries, "query") | self._preprocessed(documents, "document")
        batch["query_keys"] = torch.tensor([_key(text) for text in queries])
        batch["document_keys"] = torch.tensor([_key(text) for text in documents])
        batch["query_rows"] = torch.tensor([query_positions[row["query"]] for row in rows])
        batch["document_rows"] = _table(
            [[document_positions[texts[document]] for document in row["documents"]] for row in rows], filler=-1
        )
        batch["query_possible_positives"] = _table(
            [[_key(texts[document]) for document in row["possible_positives"]] for row in rows], filler=0
        )
        batch["label"] = _table([row["label"] for row in rows], filler=0.0)
        return batch

    def _preprocessed(self, texts: list[str], side: Side) -> dict[str, Any]:
        return {f"{side}_{key}": value for key, value in self._model.preprocess(texts, side).items()}


def _length_and_text(text: str) -> tuple[int, str]:
    return len(text), text


def _key(text: str) -> int:
    """Equal for equal texts in all processes, which Python's own hash is not; never 0."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True) or 1


def _table(rows: Sequence[Sequence[float]], filler: float) -> Tensor:
    """Rows of any length as a tensor, at least one column wide."""
    width = max(1, *map(len, rows))
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows])


def features_by_side(batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inputs of the queries and those of the documents, as the loss takes them, of a batch of the collator."""
    return [
        {key.removeprefix(side): value for key, value in batch.items() if key.startswith(side)}
        for side in ("query_", "document_")
    ]


@dataclass(frozen=True)
class LossSettings:
    """What the loss is made of."""

    temperature: float
    """Divides the student's similarities in the KL term. Positive."""
    teacher_score_scale_factor: float
    """Multiplies the teacher's scores: one unit is taught as a difference in similarity of scale x temperature.
    Positive."""
    contrastive_weight: float
    """Weight of the contrastive term; 0 leaves it out."""
    hard_negative_margin: float | None
    """Units of teacher score by which a query's own negative must lie below the positive to be contrasted with it too:
    the others may be unlabelled positives. None contrasts with other queries' documents only."""
    similarity_scale: float = 1.0
    """Multiplies the student's similarities: 1 for cosines; brings a sparse encoder's dot products to their scale."""
    flops_weight: float = 0.0
    """Weight of the FLOPS regulariser (arXiv 2004.05665), which keeps a sparse encoder's vectors sparse."""

    def __post_init__(self) -> None:
        if self.temperature <= 0 or self.teacher_score_scale_factor <= 0 or self.contrastive_weight < 0:
            raise ValueError(
                "temperature and teacher_score_scale_factor must be positive, contrastive_weight not negative"
            )


class ListwiseDistillationLoss(nn.Module):
    """KL(softmax(scale x teacher score) || softmax(similarity / temperature)) over a row's documents, mean over rows.

    The similarity is the cosine, or a sparse encoder's dot product times `similarity_scale`. With temperature 1 this is
    the original's DistillKLDivLoss on scaled scores; no factor of temperature squared is hidden in it. The optional
    contrastive term adds InfoNCE over the positive and the documents of the step's other queries: what the KL term
    never sees. The optional FLOPS regulariser is taken of the step's distinct documents, and of its queries unless
    these are looked up in a table.

    In a distributed run each process embeds its own rows' texts and has the loss of all processes' rows. Its gradients
    are those of its own texts, so that the step's are the sum over the processes.
    """

    def __init__(
        self,
        model: RetrievalModel,
        settings: LossSettings,
        *,
        rows_at_once: int | None = None,
        distributed: bool = False,
    ) -> None:
        """
        Args:
            model: the student.
            rows_at_once: rows whose texts' activations are in memory at a time; a batch of more is embedded in chunks
                with cached gradients. None for all.
            distributed: whether the rows of all processes make a step.
        """
        super().__init__()
        self.retrieval_model = model
        # A module of the loss, so that the trainer optimises it; named `model`, it would be wrapped for distribution.
        self._network: nn.Module = model.network
        self.settings = settings
        self.rows_at_once = rows_at_once
        self._distributed = distributed

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of a batch that DistillationCollator made."""
        query_features, document_features = map(dict, sentence_features)
        query_keys, document_keys = query_features.pop("keys"), document_features.pop("keys")
        query_rows, document_rows = query_features.pop("rows"), document_features.pop("rows")
        possible_positives = query_features.pop("possible_positives")
        rows, texts_of_row = len(query_rows), 1 + document_rows.shape[1]
        at_once = rows if self.rows_at_once is None else min(rows, self.rows_at_once)
        step = EmbeddedStep(
            queries=self._embed(query_features, at_once * texts_of_row, cached=at_once < rows),
            query_keys=query_keys,
            query_rows=query_rows,
            documents=self._embed(document_features, at_once * texts_of_row, cached=at_once < rows),
            document_keys=document_keys,
            document_rows=document_rows,
            labels=labels,
            possible_positives=possible_positives,
        )
        return self.loss_of(step.of_all_processes() if self._distributed else step)

    def loss_of(self, step: EmbeddedStep) -> Tensor:
        """The loss of a whole step."""
        settings = self.settings
        # Without autocast: bf16 rounds a cosine near 1 to steps of 1/256, the order of the differences to learn.
        with torch.autocast(step.queries.device.type, enabled=False):
            similarities = step.queries[step.query_rows] @ step.documents.T * settings.similarity_scale
        present = step.document_rows >= 0
        loss = listwise_kl(
            similarities.gather(1, step.document_rows.clamp(min=0)) / settings.temperature,
            step.labels * settings.teacher_score_scale_factor,
            present,
        )
        if settings.contrastive_weight > 0:
            margin = settings.hard_negative_margin
            labels = step.labels
            safe = present & (labels <= labels[:, :1] - margin) if margin is not None else torch.zeros_like(present)
            contrast = in_batch_contrast(
                similarities, step.query_rows, step.document_rows, safe, step.possible_positive_rows()
            )
            loss = loss + settings.contrastive_weight * contrast
        if settings.flops_weight > 0:
            loss = loss + settings.flops_weight * self.retrieval_model.flops(step.queries, step.documents)
        return loss

    def _embed(self, features: dict[str, Tensor], texts_at_once: int, *, cached: bool) -> Tensor:
        count = len(features["attention_mask"])
        on_cpu = features["attention_mask"].device.type == "cpu"
        size = min(texts_at_once, CPU_TEXTS_PER_FORWARD) if on_cpu else texts_at_once
        chunks = [_slice(features, start, start + size) for start in range(0, count, size)]
        embeddings = encode_in_chunks(lambda chunk: self._network(chunk)["sentence_embedding"], chunks, cached=cached)
        return self.retrieval_model.embeddings_of(embeddings)


def listwise_kl(student_logits: Tensor, teacher_logits: Tensor, present: Tensor) -> Tensor:
    """KL(softmax(teacher) || softmax(student)) over the documents present in each row, mean over rows.

    Args:
        student_logits: shape (B, W).
        teacher_logits: the same.
        present: booleans of the same shape; False where a row has no document.
    """
    student = student_logits.masked_fill(~present, -torch.inf).log_softmax(dim=1)
    teacher = teacher_logits.masked_fill(~present, -torch.inf).log_softmax(dim=1)
    terms = teacher.exp() * (teacher - student)
    return terms.masked_fill(~present, 0.0).sum(dim=1).mean()


def in_batch_contrast(
    similarities: Tensor, query_rows: Tensor, document_rows: Tensor, safe: Tensor, possible_positives: Tensor
) -> Tensor:
    """InfoNCE of each row's positive against the documents of the batch's other queries and the safe ones of its own.

    Args:
        similarities: of each row's query with every distinct document of the batch, shape (B, D).
        query_rows: which distinct query each row has, shape (B).
        document_rows: each row's documents, positive first, -1 for none, shape (B, W).
        safe: of the same shape; True where the row's own document is certain to be a negative.
        possible_positives: documents that the row's query is not contrasted with, -1 for none, shape (B, K).
    """
    same_query = (query_rows[:, None] == query_rows[None, :]).to(similarities.dtype)

    def of_query(rows: Tensor) -> Tensor:
        return (same_query @ _marked(similarities, rows, rows >= 0).to(similarities.dtype)) > 0

    left_out = of_query(document_rows) & ~_marked(similarities, document_rows, safe) | of_query(possible_positives)
    positives = document_rows[:, 0]
    left_out[torch.arange(len(positives), device=positives.device), positives] = False
    logits = (similarities / CONTRASTIVE_TEMPERATURE).masked_fill(left_out, -torch.inf)
    return nn.functional.cross_entropy(logits, positives)


def _marked(similarities: Tensor, document_rows: Tensor, chosen: Tensor) -> Tensor:
    """True at each row's chosen documents, in the shape of `similarities`."""
    marked = torch.zeros_like(similarities, dtype=torch.bool)
    rows, _ = torch.nonzero(chosen, as_tuple=True)
    marked[rows, document_rows[chosen]] = True
    return marked


def _slice(features: dict[str, Tensor], start: int, end: int) -> dict[str, Tensor]:
    """Some texts of a padded batch, without the columns that are padding for all of them."""
    used = features["attention_mask"][start:end].any(dim=0)
    if bool(used.all()):
        used = slice(None)
    shape = features["attention_mask"].shape
    return {
        key: value[start:end][:, used] if isinstance(value, Tensor) and value.shape[:2] == shape else value
        for key, value in features.items()
    }
