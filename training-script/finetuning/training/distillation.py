"""Listwise distillation: the student learns the teacher's distribution over each query's documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..artifacts.documents import DocumentStore
from ..artifacts.records import ScoredQuery
from ..models.prompts import Side
from ..models.retrieval_model import RetrievalModel
from .gradient_cache import encode_in_chunks

CONTRASTIVE_TEMPERATURE = 0.05
"""Of the contrastive term; the usual value for cosine similarities (SimCSE, and the distillation recipe of CADET)."""

CPU_TEXTS_PER_FORWARD = 16
"""On a CPU padding costs as much as text, so texts are embedded in groups of like length; a GPU prefers one batch."""

GPU_TOKENS_CACHED_FROM = 16_384
"""Padded tokens of a batch from which on its gradients are cached on a GPU. A model of bge-m3's size holds some 0.8 MB
of activations a token (24 layers of 1024 in bf16), so that this many fit beside its optimiser state in 24 GB."""

GPU_TOKENS_PER_CHUNK = 8_192
"""Of a batch whose gradients are cached: enough to keep a GPU busy."""


@dataclass(frozen=True)
class DistillationRow:
    """A query and some of its documents, as rows of the store: the source, then negatives; with their scores."""

    query: str
    documents: list[int]
    scores: list[float]


def distillation_rows(query: ScoredQuery, store: DocumentStore, num_negatives: int) -> Iterator[DistillationRow]:
    """Cuts a scored query into rows of its source document and `num_negatives` negatives each, as the original does.

    The last row takes what is left over. With `num_negatives` at least the number of scored negatives there is one row
    with all of them.

    Raises:
        ContractError: when a document is not in the store.
    """
    rows = [store.required_row(document_id) for document_id in query.doc_ids]
    for start in range(1, len(rows), num_negatives):
        chosen = [0, *range(start, min(start + num_negatives, len(rows)))]
        yield DistillationRow(query.query, [rows[i] for i in chosen], [query.scores[i] for i in chosen])


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
            rows: B mappings of `query` (text), `documents` (rows of the store) and `label` (teacher scores).

        Returns:
            The model's inputs for the distinct queries and documents, prefixed `query_` and `document_`;
            `query_rows` (B) and `document_rows` (B, W), where in them each row finds its texts (-1 where a row is
            shorter than the longest, W); `label` (B, W), the teacher scores.
        """
        queries = {row["query"]: None for row in rows}
        documents = {document: None for row in rows for document in row["documents"]}
        document_texts = {document: self._model.cut(self._store.text(document)) for document in documents}
        query_order = sorted(queries, key=len)
        document_order = sorted(documents, key=lambda document: len(document_texts[document]))
        query_positions = {query: position for position, query in enumerate(query_order)}
        document_positions = {document: position for position, document in enumerate(document_order)}

        width = max(len(row["documents"]) for row in rows)
        document_rows = torch.full((len(rows), width), -1)
        label = torch.zeros((len(rows), width))
        for index, row in enumerate(rows):
            count = len(row["documents"])
            document_rows[index, :count] = torch.tensor([document_positions[d] for d in row["documents"]])
            label[index, :count] = torch.tensor(row["label"])
        batch = self._preprocessed(query_order, "query")
        batch |= self._preprocessed([document_texts[document] for document in document_order], "document")
        batch["query_rows"] = torch.tensor([query_positions[row["query"]] for row in rows])
        batch["document_rows"] = document_rows
        batch["label"] = label
        return batch

    def _preprocessed(self, texts: list[str], side: Side) -> dict[str, Any]:
        return {f"{side}_{key}": value for key, value in self._model.preprocess(texts, side).items()}


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
    contrastive term adds InfoNCE over the positive and the documents of the batch's other queries: what the KL term
    never sees. The optional FLOPS regulariser is taken of the batch's distinct documents, and of its queries unless
    these are looked up in a table.
    """

    def __init__(
        self,
        model: RetrievalModel,
        settings: LossSettings,
        *,
        cached_from_tokens: int | None = None,
        tokens_per_chunk: int = GPU_TOKENS_PER_CHUNK,
    ) -> None:
        """
        Args:
            model: the student.
            cached_from_tokens: padded tokens of queries or documents from which on they are embedded in chunks of
                `tokens_per_chunk` with cached gradients; None for GPU_TOKENS_CACHED_FROM on a GPU and never on a CPU.
        """
        super().__init__()
        self.cached_from_tokens = cached_from_tokens
        self.tokens_per_chunk = tokens_per_chunk
        self.retrieval_model = model
        # By this name, and as a module of its own, the trainer finds it to put its distributed wrapper in its place.
        self.model: nn.Module = model.network
        self.settings = settings

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of a batch that DistillationCollator made."""
        query_features, document_features = map(dict, sentence_features)
        query_rows, document_rows = query_features.pop("rows"), document_features.pop("rows")
        queries = self._embed(query_features)
        documents = self._embed(document_features)
        settings = self.settings
        # Without autocast: bf16 rounds a cosine near 1 to steps of 1/256, the order of the differences to learn.
        with torch.autocast(queries.device.type, enabled=False):
            similarities = queries[query_rows] @ documents.T * settings.similarity_scale
        present = document_rows >= 0
        loss = listwise_kl(
            similarities.gather(1, document_rows.clamp(min=0)) / settings.temperature,
            labels * settings.teacher_score_scale_factor,
            present,
        )
        if settings.contrastive_weight > 0:
            margin = settings.hard_negative_margin
            safe = present & (labels <= labels[:, :1] - margin) if margin is not None else torch.zeros_like(present)
            contrast = in_batch_contrast(similarities, query_rows, document_rows, safe)
            loss = loss + settings.contrastive_weight * contrast
        if settings.flops_weight > 0:
            loss = loss + settings.flops_weight * self.retrieval_model.flops(queries, documents)
        return loss

    def _embed(self, features: dict[str, Tensor]) -> Tensor:
        mask = features["attention_mask"]
        count, length = mask.shape
        on_gpu = mask.device.type != "cpu"
        limit = self.cached_from_tokens or (GPU_TOKENS_CACHED_FROM if on_gpu else None)
        cached = limit is not None and count * length > limit
        uncached_step = count if on_gpu else CPU_TEXTS_PER_FORWARD
        step = max(1, self.tokens_per_chunk // length) if cached else uncached_step
        chunks = [_slice(features, start, start + step) for start in range(0, count, step)]
        embeddings = encode_in_chunks(lambda chunk: self.model(chunk)["sentence_embedding"], chunks, cached=cached)
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


def in_batch_contrast(similarities: Tensor, query_rows: Tensor, document_rows: Tensor, safe: Tensor) -> Tensor:
    """InfoNCE of each row's positive against the documents of the batch's other queries and the safe ones of its own.

    Args:
        similarities: of each row's query with every distinct document of the batch, shape (B, D).
        query_rows: which distinct query each row has, shape (B).
        document_rows: each row's documents, positive first, -1 for none, shape (B, W).
        safe: of the same shape; True where the row's own document is certain to be a negative.
    """
    listed = _marked(similarities, document_rows, document_rows >= 0)
    same_query = (query_rows[:, None] == query_rows[None, :]).to(similarities.dtype)
    left_out = (same_query @ listed.to(similarities.dtype)) > 0
    left_out &= ~_marked(similarities, document_rows, safe)
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
