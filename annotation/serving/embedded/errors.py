"""The error of this package: a single line for the person at the terminal."""


class EmbeddedError(RuntimeError):
    """The embedded servers cannot be used; the text says why in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
