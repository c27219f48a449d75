"""Researchers' pages about one dataset or one campaign."""
