import itertools
import random

import pytest
from finetuning.artifacts.documents import DocumentStore
from finetuning.artifacts.jsonl import write_jsonl
from finetuning.artifacts.records import CorpusDocument
from finetuning.mining.candidates import NegativeChooser, fuse, spread_over_ranks


@pytest.fixture
def store(tmp_path, words):
    generator = random.Random(3)
    texts = [" ".join(generator.choices(words, k=20)) for _ in range(60)]
    texts[1] = texts[0].replace(" ", "  ").upper() + "."
    texts[2] = texts[0] + " anchor"
    texts[3] = texts[4]
    write_jsonl(tmp_path / "d.jsonl", (CorpusDocument(id=f"d{n}", text=text) for n, text in enumerate(texts)))
    return DocumentStore([tmp_path / "d.jsonl"])


def test_reciprocal_rank_fusion_by_hand():
    # 1/61 + 1/62 for 9; 1/61 + 1/63 for 7; 1/62 for 8, before 1/63 for 5.
    fused = fuse([[7, 8], [9, 6, 7], [6, 9, 5]], source=8)
    scores = {9: 1 / 61 + 1 / 62, 6: 1 / 62 + 1 / 61, 7: 1 / 61 + 1 / 63, 5: 1 / 63}
    assert fused.rows == [9, 6, 7, 5]
    assert fused.rows == sorted(scores, key=lambda row: -scores[row])
    assert fused.source_rank == 3


def test_the_sources_rank_counts_from_nought_and_is_none_when_it_is_not_found():
    assert fuse([[3, 1], [3, 2]], source=3).source_rank == 0
    assert fuse([[3, 1], [3, 2]], source=4).source_rank is None
    assert fuse([[3, 1], [3, 2]], source=4).rows[0] == 3


def test_near_duplicates_of_the_source_and_repeated_texts_are_no_negatives(store):
    chosen = NegativeChooser(store, 6, spread=False, seed=1).choose(0, [1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert chosen == [3, 5, 6, 7, 8, 9]


def test_half_the_list_is_the_best_and_the_rest_lies_over_all_ranks():
    chosen = spread_over_ranks(list(range(100)), 10)
    assert chosen[:5] == [0, 1, 2, 3, 4]
    assert chosen == sorted(set(chosen))
    gaps = [later - earlier for earlier, later in itertools.pairwise(chosen[5:])]
    assert all(gap in (19, 20) for gap in gaps)
    assert chosen[-1] >= 85
    assert spread_over_ranks([4, 5], 3) == [4, 5]


def test_some_random_documents_close_a_spread_list(store):
    ranked = list(range(5, 45))
    chosen = NegativeChooser(store, 10, spread=True, seed=1).choose(0, ranked)
    assert len(set(chosen)) == 10
    assert chosen[:9] == spread_over_ranks(ranked, 9)
    assert chosen == NegativeChooser(store, 10, spread=True, seed=1).choose(0, ranked)
    others = {NegativeChooser(store, 10, spread=True, seed=seed).choose(0, ranked)[-1] for seed in range(20)}
    assert len(others) > 5
