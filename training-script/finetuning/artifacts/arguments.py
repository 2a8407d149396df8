"""The arguments of each job, by the names of the parameters in pipeline/parameters.ts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class MiningArguments(msgspec.Struct, frozen=True):
    """Arguments of the mining job."""

    num_hard_negatives: Annotated[int, Meta(description="Hard negatives mined for each query.")]
    dense_candidates: Annotated[
        bool,
        Meta(
            description="Mine among the base model's nearest documents as well as BM25's, over all ranks; embeds the corpus, so give processing_instance_type a GPU."
        ),
    ]
    model_type: Annotated[
        Literal["dense", "sparse"],
        Meta(
            description="What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for OpenSearch's neural sparse search."
        ),
    ]
    base_model_id: Annotated[str, Meta(description="base_model_id")]
    base_model_revision: Annotated[str, Meta(description="base_model_revision")]
    trust_remote_code: Annotated[
        bool,
        Meta(
            description="Run the Python code that the base model's repository brings along, with the job's permissions; needed only by models that are not part of transformers, and only with base_model_revision pinned to a commit."
        ),
    ]
    max_seq_length: Annotated[
        int, Meta(description="Tokens after which a text is cut, in training, evaluation and scoring.")
    ]
    max_source_rank: Annotated[int, Meta(description="max_source_rank")]
    max_corpus_documents: Annotated[int, Meta(description="Documents read from the corpus at most.")]
    seed: Annotated[int, Meta(description="Seed of sampling and training.")]


class ScoringArguments(msgspec.Struct, frozen=True):
    """Arguments of the scoring job."""

    teacher_model_id: Annotated[
        str, Meta(description="Teacher: this reranker, any sentence-transformers CrossEncoder, or an embedding model.")
    ]
    teacher_revision: Annotated[str, Meta(description="teacher_revision")]
    scoring_max_negatives: Annotated[
        int, Meta(description="Hard negatives of each query that the teacher scores; at most num_hard_negatives.")
    ]
    max_seq_length: Annotated[
        int, Meta(description="Tokens after which a text is cut, in training, evaluation and scoring.")
    ]


class TrainingArguments(msgspec.Struct, frozen=True):
    """Arguments of the training job."""

    model_type: Annotated[
        Literal["dense", "sparse"],
        Meta(
            description="What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for OpenSearch's neural sparse search."
        ),
    ]
    base_model_id: Annotated[str, Meta(description="base_model_id")]
    base_model_revision: Annotated[str, Meta(description="base_model_revision")]
    trust_remote_code: Annotated[
        bool,
        Meta(
            description="Run the Python code that the base model's repository brings along, with the job's permissions; needed only by models that are not part of transformers, and only with base_model_revision pinned to a commit."
        ),
    ]
    max_steps: Annotated[int, Meta(description="Optimiser steps; -1 trains one epoch.")]
    train_batch_size: Annotated[
        int, Meta(description="Rows per optimiser step over all GPUs; reached by gradient accumulation.")
    ]
    total_batch_size: Annotated[
        int, Meta(description="Rows per optimiser step over all GPUs; reached by gradient accumulation.")
    ]
    learning_rate: Annotated[
        float, Meta(description="Tokens after which a text is cut, in training, evaluation and scoring.")
    ]
    max_seq_length: Annotated[
        int, Meta(description="Tokens after which a text is cut, in training, evaluation and scoring.")
    ]
    num_negatives: Annotated[int, Meta(description="Negatives in a training row; at most scoring_max_negatives.")]
    temperature: Annotated[float, Meta(description="Temperature of the student's distribution.")]
    teacher_score_scale_factor: Annotated[float, Meta(description="teacher_score_scale_factor")]
    teacher_spread: Annotated[float, Meta(description="teacher_spread")]
    teacher_max_source_rank: Annotated[int, Meta(description="teacher_max_source_rank")]
    teacher_drop_lowest_share: Annotated[
        float, Meta(description="Share of the queries left out because the teacher scores their documents lowest.")
    ]
    hard_negative_margin: Annotated[float, Meta(description="hard_negative_margin")]
    early_stopping_patience: Annotated[int, Meta(description="early_stopping_patience")]
    merge_with_base: Annotated[
        bool,
        Meta(
            description="Average the tuned model's weights with the base model's, in the proportion that ranks dev queries best."
        ),
    ]
    contrastive_weight: Annotated[
        float, Meta(description="Weight of an InfoNCE term over the batch's other documents; 0 leaves it out.")
    ]
    flops_weight: Annotated[float, Meta(description="flops_weight")]
    seed: Annotated[int, Meta(description="Seed of sampling and training.")]


class EvaluationArguments(msgspec.Struct, frozen=True):
    """Arguments of the evaluation job."""

    model_type: Annotated[
        Literal["dense", "sparse"],
        Meta(
            description="What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for OpenSearch's neural sparse search."
        ),
    ]
    base_model_id: Annotated[str, Meta(description="base_model_id")]
    base_model_revision: Annotated[str, Meta(description="base_model_revision")]
    trust_remote_code: Annotated[
        bool,
        Meta(
            description="Run the Python code that the base model's repository brings along, with the job's permissions; needed only by models that are not part of transformers, and only with base_model_revision pinned to a commit."
        ),
    ]
    teacher_model_id: Annotated[
        str, Meta(description="Teacher: this reranker, any sentence-transformers CrossEncoder, or an embedding model.")
    ]
    judge_model_id: Annotated[
        str,
        Meta(
            description="Judge of the evaluation: a cross-encoder or an embedding model that scores what all rankers return for up to 300 held-out queries; not the teacher. Empty does without."
        ),
    ]
    max_seq_length: Annotated[
        int, Meta(description="Tokens after which a text is cut, in training, evaluation and scoring.")
    ]
    min_ndcg_gain: Annotated[
        float, Meta(description="Gate: lower end of the 95 % interval of the gain in nDCG@10 that a model must exceed.")
    ]
    max_general_drop: Annotated[
        float, Meta(description="Gate: what a model may lose in nDCG@10 on the general collection.")
    ]
    force_deploy: Annotated[bool, Meta(description="Gate: deploy whatever the evaluation says.")]
    max_evaluation_documents: Annotated[int, Meta(description="Documents over which the evaluation ranks at most.")]
    seed: Annotated[int, Meta(description="Seed of sampling and training.")]
