"""BM25, rank fusion and ranking metrics."""
