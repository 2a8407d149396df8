# Generated from pipeline/parameters/ by `npm run generate`. Change it there.
"""Command-line arguments of the jobs: the parameters that they read, under the parameters' own names."""

from typing import Literal

from msgspec import Struct


class MiningArguments(Struct, frozen=True, kw_only=True):
    """Arguments of `process_output.py`, stage 3, hard-negative mining."""

    max_corpus_documents: int
    """Most documents that are read from the corpus."""
    num_hard_negatives: int
    """Hard negatives mined for each query."""
    dense_candidates: bool
    """Mine among the base model's nearest documents as well as BM25's. This embeds the corpus: give
    processing_instance_type a GPU.
    """
    max_source_rank: int
    """Keep a query only when its document is among this many best candidates of the miner. 0 keeps every query."""
    model_type: Literal["dense", "sparse"]
    """Kind of model: `dense` embeds for k-NN indexes, `sparse` weighs words for OpenSearch's neural sparse search."""
    base_model_id: str = ""
    """Model to fine-tune. Empty takes BAAI/bge-m3 or, with model_type sparse,
    opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill, whose queries need no inference.
    """
    base_model_revision: str
    """Commit, tag or branch of the base model on the Hugging Face Hub."""
    trust_remote_code: bool
    """Run the Python code in the base model's repository, with the job's permissions. Only models outside
    transformers need it, and base_model_revision must be a commit.
    """
    max_seq_length: int
    """Tokens at which a text is cut, in mining, scoring, training and evaluation."""
    seed: int
    """Seed of sampling and training."""


class ScoringArguments(Struct, frozen=True, kw_only=True):
    """Arguments of `score.py`, stage 4, teacher scoring."""

    teacher_model_id: str
    """Teacher: this reranker, a sentence-transformers CrossEncoder, or an embedding model."""
    teacher_revision: str
    """Commit, tag or branch of the teacher on the Hugging Face Hub. The default teacher brings code of its own: pin
    it to a commit.
    """
    scoring_max_negatives: int
    """Hard negatives of each query that the teacher scores. At most num_hard_negatives."""
    max_seq_length: int
    """Tokens at which a text is cut, in mining, scoring, training and evaluation."""


class TrainingArguments(Struct, frozen=True, kw_only=True):
    """Arguments of `train.py`, stage 5, training."""

    model_type: Literal["dense", "sparse"]
    """Kind of model: `dense` embeds for k-NN indexes, `sparse` weighs words for OpenSearch's neural sparse search."""
    base_model_id: str = ""
    """Model to fine-tune. Empty takes BAAI/bge-m3 or, with model_type sparse,
    opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill, whose queries need no inference.
    """
    base_model_revision: str
    """Commit, tag or branch of the base model on the Hugging Face Hub."""
    trust_remote_code: bool
    """Run the Python code in the base model's repository, with the job's permissions. Only models outside
    transformers need it, and base_model_revision must be a commit.
    """
    train_batch_size: int
    """Rows whose texts are in memory at once. It changes speed and memory, never the result."""
    total_batch_size: int
    """Rows per optimiser step over all GPUs. Their queries are contrasted with all of their documents."""
    max_steps: int
    """Optimiser steps. -1 trains one epoch."""
    learning_rate: float
    """Peak learning rate."""
    max_seq_length: int
    """Tokens at which a text is cut, in mining, scoring, training and evaluation."""
    num_negatives: int
    """Negatives in a training row. At most scoring_max_negatives."""
    temperature: float
    """Temperature of the student's distribution over a row's documents."""
    teacher_spread: float
    """Width of the teacher's scores, as cosines, in multiples of the base model's own; the scores are calibrated to
    it. 0 uses teacher_score_scale_factor.
    """
    teacher_score_scale_factor: float
    """Factor from the teacher's scores to the student's scale. It matters only with teacher_spread 0."""
    teacher_max_source_rank: int
    """Train on a query only when its document is among this many best by the teacher. 0 keeps every query."""
    teacher_drop_lowest_share: float
    """Leave out this share of the queries: those whose documents the teacher scores lowest."""
    contrastive_weight: float
    """Weight of an InfoNCE term over the other documents of the optimiser step. 0 leaves it out."""
    hard_negative_margin: float
    """Let a query's own negative into the InfoNCE term when it lies this part of the teacher's score range below the
    document. 0 lets none in.
    """
    early_stopping_patience: int
    """Stop training after this many of its four dev evaluations bring no gain, and keep the best checkpoint. 0
    trains to the end.
    """
    merge_with_base: bool
    """Average the tuned model's weights with the base model's, in the proportion that ranks dev queries best."""
    flops_weight: float
    """Weight of the FLOPS regulariser, which keeps a sparse encoder's vectors sparse. 0 leaves it out. A dense model
    ignores it.
    """
    seed: int
    """Seed of sampling and training."""


class EvaluationArguments(Struct, frozen=True, kw_only=True):
    """Arguments of `evaluate.py`, stage 6, evaluation and gate."""

    teacher_model_id: str
    """Teacher: this reranker, a sentence-transformers CrossEncoder, or an embedding model."""
    model_type: Literal["dense", "sparse"]
    """Kind of model: `dense` embeds for k-NN indexes, `sparse` weighs words for OpenSearch's neural sparse search."""
    base_model_id: str = ""
    """Model to fine-tune. Empty takes BAAI/bge-m3 or, with model_type sparse,
    opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill, whose queries need no inference.
    """
    base_model_revision: str
    """Commit, tag or branch of the base model on the Hugging Face Hub."""
    trust_remote_code: bool
    """Run the Python code in the base model's repository, with the job's permissions. Only models outside
    transformers need it, and base_model_revision must be a commit.
    """
    max_seq_length: int
    """Tokens at which a text is cut, in mining, scoring, training and evaluation."""
    seed: int
    """Seed of sampling and training."""
    judge_model_id: str = ""
    """Judge of the evaluation: a cross-encoder or an embedding model, not the teacher. It scores the results of all
    rankers for up to 300 held-out queries. Empty uses no judge.
    """
    max_evaluation_documents: int
    """Most documents over which the evaluation ranks."""
    min_ndcg_gain: float
    """Gate: the lower end of the 95 % interval of the gain in nDCG@10 must be above this."""
    max_general_drop: float
    """Gate: largest loss in nDCG@10 on the general collection."""
    force_deploy: bool
    """Gate: deploy whatever the evaluation finds."""
