"""The error of a step that cannot be taken."""


class Refused(Exception):
    """Something is missing or not allowed: the message names all of it; nothing was changed."""
