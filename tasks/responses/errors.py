"""The errors of a file of judgments: the first twenty, by row and field."""

from dataclasses import dataclass
from operator import attrgetter

LISTED = 20
SHOWN = 60  # characters of a value that a message repeats


@dataclass(frozen=True)
class RowError:
    """One error. `row` counts as an editor does (a CSV's header is row 1); 0: the file as a whole.

    `field` is the column as the file names it; "": the row as a whole.
    """

    row: int
    field: str
    message: str

    def __str__(self) -> str:
        where = ", ".join(
            part for part in (f"row {self.row}" if self.row else "", self.field) if part
        )
        return f"{where}: {self.message}" if where else self.message


class ResponsesRefused(Exception):
    """A file of judgments with errors: nothing was imported. `errors`: the first twenty, by row."""

    def __init__(self, errors: list[RowError]) -> None:
        self.errors = errors
        more = f" (the first {LISTED} errors)" if len(errors) == LISTED else ""
        super().__init__(f"nothing was imported{more}: {'; '.join(str(error) for error in errors)}")


class Problems:
    """Collects errors from reading and from the database; raises the first twenty by row."""

    def __init__(self) -> None:
        self._errors: list[RowError] = []

    def add(self, row: int, field: str, message: str) -> None:
        """Note an error."""
        self._errors.append(RowError(row, field, message))

    @property
    def enough(self) -> bool:
        """Whether a full list has been collected, so that reading can stop."""
        return len(self._errors) >= LISTED

    def raise_any(self) -> None:
        """Raise ResponsesRefused if there are errors."""
        if self._errors:
            raise ResponsesRefused(sorted(self._errors, key=attrgetter("row"))[:LISTED])


def short(value: object) -> str:
    """A value as a message repeats it: text in quotes, the end cut off."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN else value[: SHOWN - 3] + "...")
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
