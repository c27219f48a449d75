"""A column of transaction ids (xid8): which transaction wrote a row, for readers of changes.

Ids grow in the order in which transactions begin to write, not in which they commit. So a reader
keeps the oldest id that was still running (`pg_snapshot_xmin`) and next time reads all rows from it
on: rows that it could not see have no smaller id.
"""

from typing import Any

from django.db import models
from django.db.models.expressions import Func


class TransactionField(models.Field):
    """A transaction id; Python sees an int."""

    description = "Transaction id"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"editable": False}))

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return str(prepared) if isinstance(prepared, int) else prepared


class CurrentTransaction(Func):
    """The id of the running transaction."""

    function = "pg_current_xact_id"
    arity = 0
    output_field = TransactionField()
