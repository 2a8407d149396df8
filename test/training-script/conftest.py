"""Tiny models with random weights and a small corpus, so that every test runs in seconds and without a network."""

import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.jsonl import write_jsonl
from finetuning.artifacts.records import (
    CurvePoint,
    EvaluationReport,
    EvaluationSet,
    HeldOutQuery,
    Interval,
    MetricGain,
    QueryChange,
    RankerIntervals,
    Rankers,
    RankingMetrics,
    ReturnedDocument,
    StyleResult,
    TrainingCurves,
)
from finetuning.evaluation.evaluate import EvaluationInputs
from finetuning.models import devices
from finetuning.models.loading import ModelSource
from finetuning.scoring.teachers import lightweight_reranker
from finetuning.training import trainer
from sentence_transformers import SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Module, Router
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel, BertTokenizer

WORDS = [
    "river", "bridge", "engine", "signal", "garden", "market", "winter", "copper", "theory", "matrix", "vector",
    "sensor", "planet", "forest", "window", "ladder", "pepper", "silver", "rocket", "tunnel", "castle", "violin",
    "meadow", "harbor", "cradle", "magnet", "turbine", "lantern", "orchard", "compass", "glacier", "canyon",
    "monsoon", "pigment", "reactor", "saddle", "temple", "walnut", "zephyr", "anchor", "barley", "cipher", "dragon",
    "ember", "falcon", "goblet", "hazel",
]  # fmt: skip
"""No stop words, so that BM25 sees all of them."""


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small tensors gain nothing from threads, and on a busy machine waiting for each other costs most of the time."""
    torch.set_num_threads(1)


@pytest.fixture
def full_precision(monkeypatch):
    """bf16 would blur comparisons; whether the CPU has it must not matter either."""
    for module in (devices, trainer, lightweight_reranker):
        monkeypatch.setattr(module, "supports_bf16", lambda _: False)


@pytest.fixture(scope="session")
def words() -> list[str]:
    return WORDS


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        ".",
        ":",
        *WORDS,
        *letters,
        *(f"##{c}" for c in letters),
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    return folder


def _config(tokenizer_folder: Path, labels: int = 2) -> BertConfig:
    size = len((tokenizer_folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    return BertConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,  # the usual 0.02 makes all outputs of so small a model alike
        id2label={number: f"LABEL_{number}" for number in range(labels)},
    )


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory, tokenizer_folder) -> Path:
    """A sentence-transformers folder with random weights."""
    source, folder = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("tiny-model")
    torch.manual_seed(0)
    BertModel(_config(tokenizer_folder)).save_pretrained(source)
    BertTokenizer.from_pretrained(tokenizer_folder).save_pretrained(source)
    transformer = Transformer(str(source))
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()]).save_pretrained(str(folder))
    return folder


def _document_modules(folder: Path, tokenizer_folder: Path) -> list[Module]:
    torch.manual_seed(0)
    bert = BertForMaskedLM(_config(tokenizer_folder))
    # About one word in six gets a weight; with random logits it would be half of them.
    torch.nn.init.constant_(bert.cls.predictions.bias, -1.5)
    bert.save_pretrained(folder)
    BertTokenizer.from_pretrained(tokenizer_folder).save_pretrained(folder)
    return [Transformer(str(folder), transformer_task="fill-mask"), SpladePooling(activation_function="log1p_relu")]


@pytest.fixture(scope="session")
def tiny_splade(tmp_path_factory, tokenizer_folder) -> Path:
    """A sparse encoder with random weights that treats queries and documents alike."""
    folder = tmp_path_factory.mktemp("tiny-splade")
    modules = _document_modules(tmp_path_factory.mktemp("bert"), tokenizer_folder)
    SparseEncoder(modules=[*modules]).save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_inference_free(tmp_path_factory, tokenizer_folder) -> Path:
    """A sparse encoder with random weights for documents and a table of weights for queries."""
    folder = tmp_path_factory.mktemp("tiny-inference-free")
    documents = _document_modules(tmp_path_factory.mktemp("bert"), tokenizer_folder)
    tokenizer = BertTokenizer.from_pretrained(tokenizer_folder)
    weights = 1 + torch.rand(len(tokenizer), generator=torch.Generator().manual_seed(0))
    queries: list[Module] = [SparseStaticEmbedding(tokenizer, weights, frozen=True)]
    router = Router.for_query_document(query_modules=queries, document_modules=documents)
    SparseEncoder(modules=[router]).save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_cross_encoder(tmp_path_factory, tokenizer_folder) -> Path:
    folder = tmp_path_factory.mktemp("tiny-cross-encoder")
    torch.manual_seed(0)
    model = BertForSequenceClassification(_config(tokenizer_folder, labels=1))
    model.save_pretrained(folder)
    BertTokenizer.from_pretrained(tokenizer_folder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def source() -> Callable[..., ModelSource]:
    """Where a base model comes from: a folder."""
    return lambda folder, parameter="base_model_id": ModelSource(str(folder), parameter)


@pytest.fixture
def write_lines() -> Callable[[Path, list], None]:
    """Writes objects to a JSONL file, making its folder."""

    def write(path: Path, records: list) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")

    return write


@pytest.fixture
def run_folders(tmp_path, write_lines) -> Path:
    """Channels of the mining stage: 40 documents of random words, and three queries of words from each."""
    generator = random.Random(1)
    documents = {f"d{n}": " ".join(generator.choices(WORDS, k=generator.randint(12, 30))) for n in range(40)}
    parts = [{"id": id_, "text": text} for id_, text in documents.items()]
    write_lines(tmp_path / "corpus" / "part-00000.jsonl", parts[:25])
    write_lines(tmp_path / "corpus" / "part-00001.jsonl", parts[25:])
    records, answers = [], []
    for number, (id_, text) in enumerate(documents.items()):
        split = "test" if number < 8 else "dev" if number < 12 else "train"
        styles = ["question", "keywords", "title"]
        records.append({"record_id": f"r{number}", "doc_id": id_, "split": split, "styles": styles})
        queries = [" ".join(generator.sample(text.split(), 3)) for _ in styles]
        message = {"content": [{"type": "text", "text": json.dumps({"queries": queries})}]}
        answers.append({"recordId": f"r{number}", "modelInput": {}, "modelOutput": message})
    generator.shuffle(answers)
    write_lines(tmp_path / "records" / "part-00000.jsonl", records)
    write_lines(tmp_path / "generated" / "job-1" / "batch-00000.jsonl.out", answers)
    return tmp_path


@pytest.fixture
def evaluation_report() -> EvaluationReport:
    """A report of two sets with everything that a report can hold."""
    return EvaluationReport(
        base_model_id="base/model",
        teacher_model_id="some/teacher",
        judge_model_id="",
        sets=[evaluation_set_of("held_out"), evaluation_set_of("judged", mean=0.05, low=0.01)],
        sparsity=[],
        training=TrainingCurves(
            train_loss=[CurvePoint(step=1, value=2.0), CurvePoint(step=10, value=0.5)],
            dev_loss=[CurvePoint(step=0, value=1.0), CurvePoint(step=10, value=0.75)],
            dev_ndcg=[],
        ),
        settings={"learning_rate": "5e-06", "max_steps": "10"},
    )


@pytest.fixture
def evaluation_set() -> Callable[..., EvaluationSet]:
    """Makes an evaluated set of the name and gain given."""
    return evaluation_set_of


def evaluation_set_of(name: str, *, mean: float = 0.2, low: float = 0.1, high: float = 0.3) -> EvaluationSet:
    base, tuned = (
        RankingMetrics(ndcg_at_10=0.5, recall_at_100=0.9, mrr_at_10=0.4),
        RankingMetrics(ndcg_at_10=0.5 + mean, recall_at_100=0.9, mrr_at_10=0.6),
    )
    gain, nothing = (
        MetricGain(mean=mean, low=low, high=high, wins=7, losses=2),
        MetricGain(mean=0, low=0, high=0, wins=0, losses=0),
    )
    spread = Interval(low=0.4, high=0.6)
    results = [
        ReturnedDocument(doc_id="d1", snippet="a passage", relevance=1),
        ReturnedDocument(doc_id="d2", snippet="another passage", relevance=0),
    ]
    change = QueryChange(
        query="how to lift",
        style="question",
        ndcg_base=0.0,
        ndcg_tuned=1.0,
        relevant_doc_id="d1",
        relevant_snippet="a passage",
        base_rank=0,
        tuned_rank=1,
        base_results=results[1:],
        tuned_results=results,
    )
    return EvaluationSet(
        name=name,
        queries=10,
        documents=40,
        rankers=Rankers(bm25=base, base=base, tuned=tuned, base_hybrid=base, tuned_hybrid=tuned),
        ndcg_intervals=RankerIntervals(bm25=spread, base=spread, tuned=spread, base_hybrid=spread, tuned_hybrid=spread),
        ndcg_gain=gain,
        recall_gain=nothing,
        mrr_gain=gain,
        bm25_found_nothing=3,
        bm25_in_hybrids=True,
        hybrid_ndcg_gain=gain,
        hybrid_recall_gain=nothing,
        hybrid_mrr_gain=gain,
        styles=[
            StyleResult(style="question", queries=6, base=base, tuned=tuned, ndcg_gain=gain),
            StyleResult(style="title", queries=4, base=base, tuned=tuned, ndcg_gain=gain),
        ],
        query_gains=[1.0, 0.5, 0.0, -0.25],
        gained=[change],
        lost=[],
    )


@pytest.fixture
def judge(run_folders) -> Callable[..., Path]:
    """Writes judgements of two queries in BEIR's format; rows of qrels.tsv and exclude.tsv as text."""

    def write(qrels: str, exclude: str = "") -> Path:
        folder = run_folders / "judgements"
        folder.mkdir()
        queries = (("1", "river bridge"), ("2", "copper theory"))
        (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in queries))
        (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels)
        if exclude:
            (folder / "exclude.tsv").write_text("query-id\tcorpus-id\n" + exclude)
        return folder

    return write


@pytest.fixture
def evaluation_inputs(run_folders, tiny_model, words) -> EvaluationInputs:
    """Channels of the evaluation stage: eight held-out queries in two styles, and a model with the training's files."""
    training_data = run_folders / "training-data"
    training_data.mkdir()
    write_jsonl(
        training_data / "test.jsonl",
        (
            HeldOutQuery(
                query_id=f"q{n}", query=f"{words[n]} {words[n + 1]}", style=("title", "question")[n % 2], doc_id=f"d{n}"
            )
            for n in range(8)
        ),
    )
    model = run_folders / "model"
    model.mkdir()
    with tarfile.open(model / "model.tar.gz", "w:gz") as tar:
        tar.add(tiny_model, arcname=".")
    return EvaluationInputs(run_folders / "corpus", training_data, model, judgements=None, general=None)


@pytest.fixture
def corpus_store(run_folders) -> DocumentStore:
    """The 40 documents of `run_folders`."""
    return DocumentStore.of_folder(run_folders / "corpus")
