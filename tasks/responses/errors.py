"""The error of a file of judgments that was refused."""

from imagesets.tables.problems import LISTED, Problems, RowError, listed, short

__all__ = ["LISTED", "Problems", "ResponsesRefused", "RowError", "refuse_any", "short"]


class ResponsesRefused(Exception):
    """A file of judgments with errors: nothing was imported. `errors`: by row, each kind once."""

    def __init__(self, errors: list[RowError]) -> None:
        self.errors = errors
        super().__init__(f"nothing was imported: {listed(errors)}")


def refuse_any(problems: Problems) -> None:
    """Raise ResponsesRefused if there are errors."""
    if problems:
        raise ResponsesRefused(problems.errors())
