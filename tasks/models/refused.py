"""What a step raises that cannot be taken."""


class Refused(Exception):
    """Something is missing or not allowed; the message names all of it, and nothing was changed."""
