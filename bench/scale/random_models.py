"""Models with random weights of a real size: what they compute takes the time of a trained one's work."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

VOCABULARY = 20_000
CORPUS_SAMPLE = 2_000
_SIZE = {"hidden_size": 384, "num_hidden_layers": 3, "num_attention_heads": 12, "intermediate_size": 1536}
"""Of MiniLM-L3, the smallest model that is of use."""


def use_one_thread() -> None:
    """Keeps torch to one core: with several, each product waits for the core that another program has."""
    torch.set_num_threads(1)


def sample(corpus: Path, documents: int) -> list[str]:
    """The texts of the first documents of a corpus."""
    with corpus.open("rb") as lines:
        return [json.loads(line)["text"] for line in islice(lines, documents)]


def write_tokenizer(corpus: Path, folder: Path) -> None:
    """Writes a tokenizer whose vocabulary is the corpus' frequent words; other words are spelt."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = Counter(word for text in sample(corpus, CORPUS_SAMPLE) for word in text.lower().replace(".", "").split())
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *letters, *(f"##{c}" for c in letters)]
    vocabulary += [word for word, _ in words.most_common(VOCABULARY) if len(word) > 1]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)


def _config(folder: Path, **settings: object) -> BertConfig:
    size = len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    # The usual 0.02 makes all outputs of an untrained model alike.
    return BertConfig.from_dict({"vocab_size": size, "initializer_range": 0.1, **_SIZE, **settings})


def write_reranker(corpus: Path, folder: Path) -> None:
    """A cross-encoder."""
    write_tokenizer(corpus, folder)
    torch.manual_seed(0)
    BertForSequenceClassification(_config(folder, num_labels=1)).save_pretrained(folder)


def write_embedding_model(corpus: Path, folder: Path) -> None:
    """A sentence-transformers model without dropout, so that loss curves can be compared."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    source = folder / "bert"
    source.mkdir()
    write_tokenizer(corpus, source)
    torch.manual_seed(0)
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    BertModel(_config(source, **no_dropout)).save_pretrained(source)
    transformer = Transformer(str(source))
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()]).save_pretrained(str(folder / "model"))
