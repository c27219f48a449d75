"""Conditions in SQL: how an item of an assignment `a` was shown, beside its judgment.

These fragments follow ITEMS of tasks/sql/judgments.py. What is not known, of an imported answer or
of a page without its script, is null.
"""

from tasks.models.campaign import Kind


def form(kind: Kind) -> str:
    """The item's form: grid or card (CONTAINS), or classify."""
    shown = (
        "'classify'"
        if kind == Kind.CLASSIFY
        else "CASE WHEN i.section = ANY (a.cards) THEN 'card' ELSE 'grid' END"
    )
    return f"CASE WHEN a.language IS NOT NULL THEN {shown} END"


def count_of(column: str) -> str:
    """The item's number in `zooms` or `changes`, whose zeros at the end are not stored."""
    return f"CASE WHEN a.{column} IS NOT NULL THEN coalesce(a.{column}[s.number], 0) END"


SECTION_ORDER = """
    ARRAY (SELECT i.section FROM unnest(a.shown) WITH ORDINALITY AS s (position, number)
           JOIN tasks_hititem i ON i.hit_id = a.hit_id AND i.position = s.position
           GROUP BY i.section ORDER BY min(s.number))
"""
"""An assignment's sections in the order shown."""
