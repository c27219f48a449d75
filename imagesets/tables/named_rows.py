"""Reads a table by the names of its columns; collects its errors and what was taken for granted."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imagesets.errors import ImportRefused
from imagesets.tables.cells import cell_rows
from imagesets.tables.problems import Problems, TableError, listed, short

LISTED = 10  # columns in a note


class NamedRows:
    """A table that a person brought; reading it yields (row, cells by column) of each row.

    `columns`: the columns it must have, each with the names that it may go by, in lower case.
    `optional`: others that are read. `example`: a row, for the error of a table without a header.
    All errors go to `problems`, also those of the file; `refuse_any` raises them.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Sequence[str]],
        optional: Sequence[str] = (),
        example: str = "",
    ) -> None:
        self.path, self.columns, self.optional = path, columns, optional
        self.example = example
        self.problems = Problems()
        self.read_from: dict[str, str] = {}  # column -> its name in the file
        self._notes: list[str] = []

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        wanted = {name for names in self.columns.values() for name in names} | {*self.optional}
        try:
            with self.path.open("rb") as file:
                rows = cell_rows(file, wanted, self.problems, self._notes)
                row, header = next(rows)
                names = self._names(row, [name.lower() for name in header])
                for row, cells in rows:
                    if any("\0" in cell for cell in cells):
                        self.problems.add(row, "", "holds a NUL character")
                    else:
                        yield row, dict(zip(names, cells, strict=True))
                    if self.problems.enough:
                        return
        except OSError as error:
            raise ImportRefused(f"{self.path}: {error.strerror or error}") from error
        except TableError as error:
            needed = "" if error.row else f" (it needs the columns {','.join(self.columns)})"
            self.problems.add(error.row, "", error.message + needed)

    @property
    def notes(self) -> list[str]:
        """What was taken for granted or passed over, a clause each; whole once all is read."""
        return [f"{self.path.name}: {note}" for note in self._notes]

    def note(self, text: str) -> None:
        """Add to `notes`."""
        self._notes.append(text)

    def refuse_any(self) -> None:
        """Raise ImportRefused naming the file, and each error once, if there are errors."""
        if self.problems:
            errors = self.problems.errors()
            separator = ", " if errors[0].row or errors[0].field else ": "
            raise ImportRefused(f"{self.path}{separator}{listed(errors)}")

    def _names(self, row: int, header: list[str]) -> list[str]:
        """The columns under the names that the table is read by. Raises TableError."""
        columns = ",".join(self.columns)
        for column, names in self.columns.items():
            present = [name for name in names if name in header]
            if len(present) > 1:
                both = " and ".join(present)
                raise TableError(
                    row, f"columns {both} may each be the {column}: leave one of them only"
                )
            if present:
                self.read_from[column] = present[0]
        if missing := [name for name in self.columns if name not in self.read_from]:
            shown = ", ".join(map(short, header[:LISTED]))
            shown += ", ..." if len(header) > LISTED else ""
            such = f", and rows such as {self.example} follow" if self.example else ""
            raise TableError(
                row,
                f"no column {missing[0]!r} (columns: {shown}): the first row must name the columns"
                f" {columns}{such}",
            )
        read_as = {name: column for column, name in self.read_from.items()}
        others = [name for name in header if name not in {*read_as, *self.optional}]
        if others:
            self.note(columns_passed_over(others))
        for name, column in read_as.items():
            if name != column:
                self.note(f"column {name} read as {column}")
        return [read_as.get(name, name) for name in header]


def columns_passed_over(names: Sequence[str]) -> str:
    """A note, as a clause, on columns that are not read."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"columns passed over ({len(names)}): {', '.join(names[:LISTED])}{more}"
