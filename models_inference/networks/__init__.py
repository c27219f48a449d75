"""Classifiers as networks: loading, checking and running them."""
