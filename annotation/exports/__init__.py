"""Exports of judgments, frequencies, annotations and workers, for the API and `export`."""

from annotation.exports.stream import FORMATS, Export
from annotation.exports.tables import TABLES, NoSuchTable, NotYet

NAMES = sorted({name for tables in TABLES.values() for name in tables})

__all__ = ["FORMATS", "NAMES", "Export", "NoSuchTable", "NotYet"]
