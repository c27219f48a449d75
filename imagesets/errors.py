"""What an import refuses, said in one line."""


class ImportRefused(ValueError):
    """The import stopped and changed nothing; the message names the file, the row and the fault."""
