import random

from finetuning.models.batching import padding_share, token_budget_batches


def test_every_sequence_once_within_the_budget():
    generator = random.Random(0)
    lengths = [generator.randint(1, 400) for _ in range(500)]
    batches = token_budget_batches(lengths, 1000)
    assert sorted(position for batch in batches for position in batch) == list(range(500))
    assert all(max(lengths[p] for p in batch) * len(batch) <= 1000 for batch in batches)
    longest = [max(lengths[p] for p in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    assert len(batches) < 1.35 * sum(lengths) / 1000


def test_a_sequence_longer_than_the_budget_is_alone():
    assert token_budget_batches([5, 50, 5], 10) == [[1], [0, 2]]


def test_no_sequences():
    assert token_budget_batches([], 10) == []


def test_padding_is_counted():
    assert padding_share([10, 5, 5, 20], [[3], [0, 1], [2]]) == 1 - 40 / 45
    assert padding_share([], []) == 0
