"""Tables out: judgments, selection frequencies, annotations; the API and `export` call `Export`."""

from annotation.exports.stream import FORMATS, Export
from annotation.exports.tables import TABLES, NoSuchTable, NotYet

NAMES = sorted({name for tables in TABLES.values() for name in tables})

__all__ = ["FORMATS", "NAMES", "Export", "NoSuchTable", "NotYet"]
