import random

import pytest


@pytest.fixture
def pairs(words):
    """Queries and documents of all lengths."""
    generator = random.Random(0)

    def text(longest):
        return " ".join(generator.choices(words, k=generator.randint(1, longest)))

    return [(text(6), text(45)) for _ in range(60)]
