"""Columns of a file as a person names them: FIELD=COLUMN, on a command line or in an address."""

from collections.abc import Collection, Iterable

from imagesets.errors import ImportRefused


def named_columns(texts: Iterable[str], fields: Collection[str]) -> dict[str, str]:
    """Field -> column. Raises ImportRefused for other fields, and for a field named twice."""
    columns: dict[str, str] = {}
    for text in texts:
        field, equals, column = text.partition("=")
        if not equals or field not in fields:
            raise ImportRefused(
                f"--column {text}: must be FIELD=COLUMN, with one of the fields {', '.join(fields)}"
            )
        if field in columns:
            raise ImportRefused(f"--column: {field} is named twice")
        columns[field] = column
    return columns
