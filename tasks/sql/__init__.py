"""Fragments of SQL that several rooms share, each written once."""
