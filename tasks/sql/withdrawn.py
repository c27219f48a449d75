"""Conditions in SQL that leave withdrawn images out (rule V9)."""

WITHDRAWN = "SELECT w.id FROM imagesets_image w WHERE w.withdrawn_at IS NOT NULL"
"""The ids of all of them, by an index of their own."""


def kept(image: str = "i.image_id") -> str:
    """The condition that the image with this id was not withdrawn.

    The few that were are read once a query, and looked up by their hashes.
    """
    return f"{image} NOT IN ({WITHDRAWN})"
