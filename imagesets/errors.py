"""The error of a refused import, and the reason for any error in one line."""


class ImportRefused(ValueError):
    """The import stopped; the message names the file, the row and the fault.

    Nothing was changed, unless the message says so: an import whose source stops answering keeps
    what it has imported.
    """


def reason_of(error: Exception) -> str:
    """Why something failed, in one line and without the path, which the reader knows."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
