import pytest
import torch
from finetuning.artifacts.environment import JobError
from finetuning.models.dense_model import DenseModel
from finetuning.models.loading import ModelLoadError
from finetuning.models.model_types import load_retrieval_model
from finetuning.models.sparse_model import SparseModel
from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.usefixtures("full_precision")

TEXTS = ["river bridge", "copper theory matrix winter", "river", "zephyr anchor barley cipher dragon ember"]


@pytest.fixture
def model(tiny_model, source):
    return DenseModel.load(source(tiny_model), max_seq_length=32, device="cpu")


def test_texts_have_the_embeddings_that_sentence_transformers_gives_them(model, tiny_model):
    expected = SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS, normalize_embeddings=True)
    found = model.embed(TEXTS, "document", tokens_per_batch=12)  # several batches, out of order
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_blockwise_ranking_is_exact(model, corpus_store):
    queries, rows = ["river bridge engine", "copper theory"], list(range(3, 40))
    ranking = model.rank(queries, corpus_store, rows, 10, documents_per_block=7)
    documents = model.embed([corpus_store.text(row) for row in rows], "document")
    cosines = model.embed(queries, "query") @ documents.T
    expected = cosines.argsort(dim=1, descending=True, stable=True)[:, :10] + 3
    assert ranking.rows.tolist() == expected.tolist()
    assert ranking.active_dimensions is None


def test_a_model_takes_as_many_tokens_as_asked_for_and_never_more_than_it_can(tiny_model, source):
    lengths = [
        DenseModel.load(source(tiny_model), max_seq_length=asked, device="cpu").max_seq_length
        for asked in (16, 10_000, None)
    ]
    assert lengths == [16, 64, 64]


def test_no_text_is_an_error(model):
    with pytest.raises(ValueError, match="no text to embed"):
        model.embed([], "query")


def test_the_models_type_decides_how_it_is_loaded(tiny_model, tiny_splade, source):
    dense = load_retrieval_model(source(tiny_model), "dense", max_seq_length=32, device="cpu")
    sparse = load_retrieval_model(source(tiny_splade), "sparse", max_seq_length=32, device="cpu")
    assert (type(dense), type(sparse)) == (DenseModel, SparseModel)
    assert (dense.similarity_scale(3.0), dense.scores_are_cosines) == (1.0, True)
    assert sparse.similarity_scale(3.0) == pytest.approx(0.05)


def test_flops_are_of_sparse_vectors_only(model):
    embeddings = torch.ones(2, 3)
    assert model.flops(embeddings, embeddings).item() == 0


@pytest.mark.parametrize("model_type", [DenseModel, SparseModel])
def test_a_model_that_is_not_there_is_named_with_its_parameter(model_type, source, tmp_path):
    missing = str(tmp_path / "no-such-model")
    expected = rf"The model {missing} could not be loaded. Check that some_id names a model"
    with pytest.raises(ModelLoadError, match=expected) as error:
        model_type.load(source(missing, "some_id"), max_seq_length=None, device="cpu")
    assert isinstance(error.value, JobError)
    assert error.value.__cause__ is not None
