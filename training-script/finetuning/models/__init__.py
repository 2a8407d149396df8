"""Retrieval models: dense and sparse encoders, their prompts and batches."""
