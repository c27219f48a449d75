"""What an import refuses, and why something failed, said in one line."""


class ImportRefused(ValueError):
    """The import stopped; the message names the file, the row and the fault.

    It changed nothing, but for what the message says: a place that stopped answering in the midst
    of it leaves what came in before.
    """


def reason_of(error: Exception) -> str:
    """Why something failed, in one line and without the path that the reader knows."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split()) or type(error).__name__
