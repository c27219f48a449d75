"""The one error of this app: what is wrong with a classifier or its input, and what to do."""


class InferenceError(RuntimeError):
    """A classifier, its weights or its predictions cannot be used; the text says what to do."""
