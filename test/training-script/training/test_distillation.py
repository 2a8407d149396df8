import math
import random
from dataclasses import replace

import pytest
import torch
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.jsonl import write_jsonl
from finetuning.artifacts.records import CorpusDocument, ScoredQuery
from finetuning.models.dense_model import DenseModel
from finetuning.training.distillation import (
    CONTRASTIVE_TEMPERATURE,
    DistillationCollator,
    DistillationRow,
    ListwiseDistillationLoss,
    LossSettings,
    distillation_rows,
    features_by_side,
    in_batch_contrast,
    listwise_kl,
)
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    DistillKLDivLoss,
    MultipleNegativesRankingLoss,
)

ORIGINAL = LossSettings(
    temperature=1.0, teacher_score_scale_factor=0.025, contrastive_weight=0.0, hard_negative_margin=None
)


@pytest.fixture
def store(tmp_path, words):
    generator = random.Random(0)
    write_jsonl(
        tmp_path / "documents.jsonl",
        (
            CorpusDocument(id=f"d{n}", text=" ".join(generator.choices(words, k=generator.randint(3, 40))))
            for n in range(60)
        ),
    )
    return DocumentStore([tmp_path / "documents.jsonl"])


@pytest.fixture
def model(tiny_model):
    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.max_seq_length = 32
    return DenseModel(model.eval())


def rows_of(words, count=6, width=3):
    generator = random.Random(1)
    return [
        {
            "query": " ".join(generator.choices(words, k=4)),
            "documents": generator.sample(range(60), width),
            "label": [generator.uniform(-5, 10) for _ in range(width)],
            "possible_positives": [],
        }
        for _ in range(count)
    ]


def test_kl_by_hand():
    student, teacher = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    p = 1 / (1 + torch.e**-1)
    expected = 0.5 * torch.log(torch.tensor(0.5 / p)) + 0.5 * torch.log(torch.tensor(0.5 / (1 - p)))
    assert listwise_kl(student, teacher, torch.ones(1, 2, dtype=torch.bool)).item() == pytest.approx(expected.item())


def test_kl_is_that_of_torch_and_ignores_what_is_absent():
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(5, 4, generator=generator), torch.randn(5, 4, generator=generator)
    present = torch.ones(5, 4, dtype=torch.bool)
    reference = torch.nn.functional.kl_div(student.log_softmax(1), teacher.softmax(1), reduction="batchmean")
    assert listwise_kl(student, teacher, present).item() == pytest.approx(reference.item(), rel=1e-5)
    present[:, 3] = False
    shorter = listwise_kl(student[:, :3], teacher[:, :3], torch.ones(5, 3, dtype=torch.bool))
    assert listwise_kl(student, teacher, present).item() == pytest.approx(shorter.item(), rel=1e-5)


def test_gradient_is_finite_where_a_document_is_absent():
    student = torch.zeros(2, 3, requires_grad=True)
    present = torch.tensor([[True, True, False], [True, True, True]])
    listwise_kl(student, torch.tensor([[2.0, 0.0, 9.0], [1.0, 0.0, 0.0]]), present).backward()
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
    assert student.grad[0, 2] == 0
    assert student.grad[0, 0] < 0 < student.grad[0, 1]


def test_loss_is_the_originals(model, store, words):
    """The original: DistillKLDivLoss at temperature 1 on scores multiplied by the scale factor."""
    rows = rows_of(words)
    loss = ListwiseDistillationLoss(model, ORIGINAL)
    batch = DistillationCollator(model, store)(rows)
    columns = [[row["query"] for row in rows]]
    columns += [[store.text(row["documents"][place]) for row in rows] for place in range(3)]
    labels = torch.tensor([row["label"] for row in rows]) * 0.025
    reference = DistillKLDivLoss(model.network)([model.network.preprocess(column) for column in columns], labels)
    assert loss(features_by_side(batch), batch["label"]).item() == pytest.approx(reference.item(), rel=1e-3)
    assert reference.item() > 1e-5


def test_every_distinct_text_is_in_a_batch_once(model, store, words):
    rows = rows_of(words, count=2)
    rows += [{**rows[0], "documents": [*rows[0]["documents"][:1], 7]}]
    rows[2]["label"] = rows[2]["label"][:2]
    batch = DistillationCollator(model, store)(rows)
    distinct = {document for row in rows for document in row["documents"]}
    assert batch["query_input_ids"].shape[0] == 2
    assert batch["document_input_ids"].shape[0] == len(distinct)
    for index, row in enumerate(rows):
        for place, document in enumerate(row["documents"]):
            position = batch["document_rows"][index, place]
            ids = batch["document_input_ids"][position][batch["document_attention_mask"][position].bool()]
            expected = model.network.preprocess([store.text(document)])
            assert ids.tolist() == expected["input_ids"][0].tolist()
            assert batch["label"][index, place].item() == pytest.approx(row["label"][place])
    assert batch["document_rows"][2, 2] == -1
    assert batch["query_rows"][0] == batch["query_rows"][2] != batch["query_rows"][1]


def contrast_of(cosines, queries, documents, safe=None, possible_positives=None):
    documents = torch.tensor(documents)
    nothing = torch.zeros_like(documents, dtype=torch.bool)
    return in_batch_contrast(
        cosines,
        torch.tensor(queries),
        documents,
        nothing if safe is None else torch.tensor(safe),
        torch.full_like(documents, -1) if possible_positives is None else torch.tensor(possible_positives),
    ).item()


def cross_entropy(cosines, contrasted):
    """Mean over rows, of the documents that each row's first one is contrasted with."""
    terms = [
        torch.logsumexp(row[documents] / CONTRASTIVE_TEMPERATURE, 0) - row[documents[0]] / CONTRASTIVE_TEMPERATURE
        for row, documents in zip(cosines, contrasted, strict=True)
    ]
    return pytest.approx(torch.stack(terms).mean().item(), abs=1e-6)


def test_contrast_leaves_out_the_querys_own_negatives():
    # Rows 0 and 1 are of one query; documents 0 (positive), 1, 2 are its own, 3 and 4 those of the other query.
    cosines = torch.tensor([[0.9, 0.8, 0.7, 0.3, 0.2], [0.9, 0.8, 0.7, 0.3, 0.2], [0.1, 0.2, 0.3, 0.6, 0.5]])
    found = contrast_of(cosines, [0, 0, 1], [[0, 1], [0, 2], [3, 4]])
    assert found == cross_entropy(cosines, [[0, 3, 4], [0, 3, 4], [3, 0, 1, 2]])


def test_contrast_takes_in_the_own_negatives_that_are_safe():
    cosines = torch.tensor([[0.9, 0.8, 0.7, 0.3], [0.1, 0.2, 0.3, 0.6]])
    found = contrast_of(cosines, [0, 1], [[0, 1, 2], [3, -1, -1]], safe=[[False, False, True], [False, False, False]])
    assert found == cross_entropy(cosines, [[0, 2, 3], [3, 0, 1, 2]])


def test_contrast_leaves_out_what_the_teacher_puts_at_or_above_the_positive():
    cosines = torch.tensor([[0.9, 0.8, 0.7, 0.3], [0.1, 0.2, 0.3, 0.6], [0.9, 0.8, 0.7, 0.3]])
    found = contrast_of(cosines, [0, 1, 0], [[0, 1], [3, 2], [0, -1]], possible_positives=[[2, -1], [-1, -1], [-1, -1]])
    assert found == cross_entropy(cosines, [[0, 3], [3, 0, 1], [0, 3]])


def test_contrast_is_nothing_for_a_single_query():
    assert contrast_of(torch.tensor([[0.2, 0.8]]), [0], [[0, 1]]) == 0


def test_a_query_is_not_contrasted_with_texts_equal_to_its_own_documents(model, tmp_path, words):
    """Documents 0 and 1 are copies; 2 outscores the source of the first query in a row that is not in the batch."""
    texts = [" ".join(words[:5]), " ".join(words[:5]), " ".join(words[5:9]), " ".join(words[9:14])]
    documents = [CorpusDocument(id=f"d{n}", text=text) for n, text in enumerate(texts)]
    write_jsonl(tmp_path / "copies.jsonl", documents)
    store = DocumentStore([tmp_path / "copies.jsonl"])
    queries = [
        ScoredQuery(query_id="a", query="river", style="title", doc_ids=["d0", "d3", "d2"], scores=[1.0, 0.0, 1.0]),
        ScoredQuery(query_id="b", query="signal", style="title", doc_ids=["d1", "d2"], scores=[1.0, 0.0]),
    ]
    rows = [next(distillation_rows(query, store, 1)).columns() for query in queries]
    assert [row["documents"] for row in rows] == [[0, 3], [1, 2]]
    batch = DistillationCollator(model, store)(rows)
    settings = replace(ORIGINAL, contrastive_weight=1.0)
    plain, contrasted = (
        ListwiseDistillationLoss(model, chosen)(features_by_side(batch), batch["label"]).item()
        for chosen in (ORIGINAL, settings)
    )
    query_vectors, document_vectors = model.embed(["river", "signal"], "query"), model.embed(texts, "document")
    # All that is left is the second query against document 3.
    expected = cross_entropy(query_vectors @ document_vectors.T, [[0], [1, 3]])
    assert contrasted - plain == pytest.approx(expected.expected, rel=1e-4)


def test_the_contrast_is_that_of_sentence_transformers(model, store, words):
    """Rows without a text in common, as MultipleNegativesRankingLoss knows no documents to leave out."""
    generator = random.Random(2)
    documents = generator.sample(range(60), 8)
    rows = [
        DistillationRow(" ".join(generator.choices(words, k=4)), [document], [1.0]).columns() for document in documents
    ]
    batch = DistillationCollator(model, store)(rows)
    settings = replace(ORIGINAL, contrastive_weight=1.0)
    found = ListwiseDistillationLoss(model, settings, rows_at_once=2)(features_by_side(batch), batch["label"])
    columns = [[row["query"] for row in rows], [store.text(document) for document in documents]]
    features = [model.network.preprocess(column) for column in columns]
    for reference in (MultipleNegativesRankingLoss, CachedMultipleNegativesRankingLoss):
        expected = reference(model.network, scale=1 / CONTRASTIVE_TEMPERATURE)(features, torch.empty(0))
        assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def test_contrastive_weight_adds_the_term(model, store, words):
    batch = DistillationCollator(model, store)(rows_of(words))
    losses = [
        ListwiseDistillationLoss(model, replace(ORIGINAL, contrastive_weight=weight))(
            features_by_side(batch), batch["label"]
        ).item()
        for weight in (0.0, 0.1, 0.2)
    ]
    assert losses[1] > losses[0]
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-4)


def test_a_query_is_cut_into_rows_with_its_source_in_each(store):
    query = ScoredQuery(
        query_id="q",
        query="river",
        style="title",
        doc_ids=["d5", "d1", "d2", "d3", "d4"],
        scores=[9.0, 1.0, 2.0, 3.0, 4.0],
    )
    rows = list(distillation_rows(query, store, 3))
    assert [row.documents for row in rows] == [[5, 1, 2, 3], [5, 4]]
    assert [row.scores for row in rows] == [[9.0, 1.0, 2.0, 3.0], [9.0, 4.0]]
    assert [row.documents for row in distillation_rows(query, store, 10)] == [[5, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    "setting", [{"temperature": 0.0}, {"teacher_score_scale_factor": -1.0}, {"contrastive_weight": -0.1}]
)
def test_settings_that_make_no_sense_are_refused(setting):
    with pytest.raises(ValueError, match="must be positive"):
        replace(ORIGINAL, **setting)


def test_a_negative_is_contrasted_only_when_the_teacher_puts_it_well_below_the_positive(model, store, words):
    rows = rows_of(words)
    batch = DistillationCollator(model, store)(rows)

    def contrast(margin):
        settings = replace(ORIGINAL, contrastive_weight=1.0, hard_negative_margin=margin)
        return ListwiseDistillationLoss(model, settings)(features_by_side(batch), batch["label"]).item()

    widest = max(row["label"][0] - min(row["label"]) for row in rows)
    assert contrast(widest + 1) == pytest.approx(contrast(None))
    assert contrast(0.0) > contrast(None)


def gradients(model, loss, batch):
    model.network.zero_grad()
    value = loss(features_by_side(batch), batch["label"])
    value.backward()
    return value.item(), [
        parameter.grad.clone() for parameter in model.network.parameters() if parameter.grad is not None
    ]


@pytest.mark.parametrize("rows_at_once", [1, 5])
def test_a_batch_in_chunks_has_the_gradients_of_one_in_a_single_forward(model, store, words, rows_at_once):
    batch = DistillationCollator(model, store)(rows_of(words, count=24))
    settings = replace(ORIGINAL, contrastive_weight=0.3)
    plain, expected = gradients(model, ListwiseDistillationLoss(model, settings), batch)
    texts_per_forward = []
    model.network.register_forward_pre_hook(lambda _, inputs: texts_per_forward.append(len(inputs[0]["input_ids"])))
    value, found = gradients(model, ListwiseDistillationLoss(model, settings, rows_at_once=rows_at_once), batch)
    at_once = min(4 * rows_at_once, 16)
    chunks = sum(math.ceil(len(batch[f"{side}_keys"]) / at_once) for side in ("query", "document"))
    assert len(texts_per_forward) == 2 * chunks
    assert max(texts_per_forward) == at_once
    assert value == pytest.approx(plain, rel=1e-5)
    assert len(found) == len(expected) > 10
    assert max(tensor.abs().max().item() for tensor in expected) > 1e-3
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)


def test_the_memory_of_a_batch_is_that_of_the_rows_at_once(model, store, words):
    batch = DistillationCollator(model, store)(rows_of(words, count=24))
    kept = {}

    def pack(tensor):
        kept[rows_at_once] += tensor.nbytes
        return tensor

    for rows_at_once in (1, 24):
        kept[rows_at_once] = 0
        loss = ListwiseDistillationLoss(model, replace(ORIGINAL, contrastive_weight=0.3), rows_at_once=rows_at_once)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss(features_by_side(batch), batch["label"])
    assert kept[1] < kept[24] / 8
