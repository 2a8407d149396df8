"""Stage 6: compares rankers and decides whether to deploy."""
