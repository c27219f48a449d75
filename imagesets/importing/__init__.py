"""Imports a dataset: sources of images, tables of classes and labels, checks, the import itself."""
