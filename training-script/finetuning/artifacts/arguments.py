# Generated from pipeline/parameters/ by `npm run generate`. Change it there.
"""Command-line arguments of the jobs: the parameters that they read, under the parameters' own names."""

from typing import Literal

from msgspec import Struct


class MiningArguments(Struct, frozen=True):
    """Arguments of `process_output.py`, stage 3, hard-negative mining."""

    max_corpus_documents: int
    """Documents read from the corpus at most."""
    num_hard_negatives: int
    """Hard negatives mined for each query."""
    dense_candidates: bool
    """Mine among the base model's nearest documents as well as BM25's, over all ranks; embeds the corpus, so give
    processing_instance_type a GPU.
    """
    max_source_rank: int
    """A query is kept only when its document is among so many best candidates of the miner; 0 keeps every query."""
    model_type: Literal["dense", "sparse"]
    """What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for
    OpenSearch's neural sparse search.
    """
    base_model_id: str
    """Model to fine-tune. Empty takes BAAI/bge-m3 or, with model_type sparse,
    opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill, whose queries need no inference.
    """
    base_model_revision: str
    """Commit, tag or branch of the base model on the Hugging Face Hub."""
    trust_remote_code: bool
    """Run the Python code that the base model's repository brings along, with the job's permissions; needed only by
    models that are not part of transformers, and only with base_model_revision pinned to a commit.
    """
    max_seq_length: int
    """Tokens after which a text is cut, in training, evaluation and scoring."""
    seed: int
    """Seed of sampling and training."""


class ScoringArguments(Struct, frozen=True):
    """Arguments of `score.py`, stage 4, teacher scoring."""

    teacher_model_id: str
    """Teacher: this reranker, any sentence-transformers CrossEncoder, or an embedding model."""
    teacher_revision: str
    """Commit, tag or branch of the teacher on the Hugging Face Hub. The default teacher brings code of its own: pin
    it to a commit.
    """
    scoring_max_negatives: int
    """Hard negatives of each query that the teacher scores; at most num_hard_negatives."""
    max_seq_length: int
    """Tokens after which a text is cut, in training, evaluation and scoring."""


class TrainingArguments(Struct, frozen=True):
    """Arguments of `train.py`, stage 5, training."""

    model_type: Literal["dense", "sparse"]
    """What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for
    OpenSearch's neural sparse search.
    """
    base_model_id: str
    """Model to fine-tune. Empty takes BAAI/bge-m3 or, with model_type sparse,
    opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill, whose queries need no inference.
    """
    base_model_revision: str
    """Commit, tag or branch of the base model on the Hugging Face Hub."""
    trust_remote_code: bool
    """Run the Python code that the base model's repository brings along, with the job's permissions; needed only by
    models that are not part of transformers, and only with base_model_revision pinned to a commit.
    """
    train_batch_size: int
    """Rows per GPU and step."""
    total_batch_size: int
    """Rows per optimiser step over all GPUs; reached by gradient accumulation."""
    max_steps: int
    """Optimiser steps; -1 trains one epoch."""
    learning_rate: float
    """Peak learning rate."""
    max_seq_length: int
    """Tokens after which a text is cut, in training, evaluation and scoring."""
    num_negatives: int
    """Negatives in a training row; at most scoring_max_negatives."""
    temperature: float
    """Temperature of the student's distribution."""
    teacher_spread: float
    """Calibrates the teacher's scores to spread, as cosines, so many times as wide as the base model's own; 0 uses
    teacher_score_scale_factor.
    """
    teacher_score_scale_factor: float
    """Factor that brings the teacher's scores to the student's scale, with teacher_spread 0."""
    teacher_max_source_rank: int
    """A query is trained on only when its document is among so many best by the teacher; 0 keeps every query."""
    teacher_drop_lowest_share: float
    """Share of the queries left out because the teacher scores their documents lowest."""
    contrastive_weight: float
    """Weight of an InfoNCE term over the batch's other documents; 0 leaves it out."""
    hard_negative_margin: float
    """Part of the teacher's score range by which a query's own negative must lie below its document to enter the
    InfoNCE term; 0 keeps them all out.
    """
    early_stopping_patience: int
    """Of four evaluations on dev queries, so many without a gain end the training, and the best checkpoint is kept;
    0 trains to the end.
    """
    merge_with_base: bool
    """Average the tuned model's weights with the base model's, in the proportion that ranks dev queries best."""
    flops_weight: float
    """Weight of the FLOPS regulariser, which keeps the vectors of a sparse encoder sparse; 0 leaves it out. Of no
    effect on a dense model.
    """
    seed: int
    """Seed of sampling and training."""


class EvaluationArguments(Struct, frozen=True):
    """Arguments of `evaluate.py`, stage 6, evaluation and gate."""

    teacher_model_id: str
    """Teacher: this reranker, any sentence-transformers CrossEncoder, or an embedding model."""
    model_type: Literal["dense", "sparse"]
    """What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for
    OpenSearch's neural sparse search.
    """
    base_model_id: str
    """Model to fine-tune. Empty takes BAAI/bge-m3 or, with model_type sparse,
    opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill, whose queries need no inference.
    """
    base_model_revision: str
    """Commit, tag or branch of the base model on the Hugging Face Hub."""
    trust_remote_code: bool
    """Run the Python code that the base model's repository brings along, with the job's permissions; needed only by
    models that are not part of transformers, and only with base_model_revision pinned to a commit.
    """
    max_seq_length: int
    """Tokens after which a text is cut, in training, evaluation and scoring."""
    seed: int
    """Seed of sampling and training."""
    judge_model_id: str
    """Judge of the evaluation: a cross-encoder or an embedding model that scores what all rankers return for up to
    300 held-out queries; not the teacher. Empty does without.
    """
    max_evaluation_documents: int
    """Documents over which the evaluation ranks at most."""
    min_ndcg_gain: float
    """Gate: lower end of the 95 % interval of the gain in nDCG@10 that a model must exceed."""
    max_general_drop: float
    """Gate: what a model may lose in nDCG@10 on the general collection."""
    force_deploy: bool
    """Gate: deploy whatever the evaluation says."""
