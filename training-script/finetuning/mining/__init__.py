"""Stage 3: parses generated queries and mines hard negatives."""
