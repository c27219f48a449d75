"""Classifiers as rows: ready-made ones, registering, and changes while runs are under way."""
