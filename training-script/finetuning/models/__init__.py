"""Retrieval models, dense and sparse, behind one interface."""
