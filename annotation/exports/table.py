"""What a table is: where its rows are, in which order, and its columns."""

from dataclasses import dataclass

from annotation.exports.cell_formats import Column

# The ids of a chunk, %(ids)s, as rows (id, place).
ASSIGNMENTS_IN_ORDER = "unnest(%(ids)s::bigint[]) WITH ORDINALITY AS k (id, place)"


@dataclass(frozen=True)
class Table:
    """One table: rows come in the order of `keys`, chunk by chunk.

    `keys` selects (id, maximum number of rows) in order, for %(campaign)s and %(source)s; `rows`
    follows SELECT and the columns, for %(ids)s, and keeps that order.
    """

    keys: str
    rows: str
    columns: tuple[Column, ...]
    of_results: bool = False  # filled by aggregation
