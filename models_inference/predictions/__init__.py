"""Predictions: files, storage, logits, and the candidate labels they yield."""
