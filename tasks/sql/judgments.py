"""Judgments in SQL: the arrays of an assignment `a` unnested, one row for each item shown.

A judgment is not a row in the database. These fragments follow `FROM tasks_assignment a` and are
the only place that says how its arrays become rows.

CLASSIFY keeps each response as JSON. One that is malformed (no object, a list that is none, an
entry that is no label's id) breaks no query: what cannot be read is null or left out.
"""

from tasks.sql.withdrawn import kept

ITEMS = f"""
    CROSS JOIN LATERAL unnest(a.shown) WITH ORDINALITY AS s (position, number)
    JOIN tasks_hititem i ON i.hit_id = a.hit_id AND i.position = s.position AND {kept()}
"""
"""The items `i` as the worker was shown them, in the order of `s.number`, from 1.

Not those whose images were withdrawn since: no answer on them is in any result (rule V9).
"""

ITEMS_TO_COUNT = (
    f"JOIN tasks_hititem i ON i.hit_id = a.hit_id AND i.position = ANY (a.shown) AND {kept()}"
)
"""The same items in no order: counting whole campaigns takes half the time."""

SEEN = "NOT i.position = ANY (a.unseen)"
"""Whether the worker saw the item."""

RESPONSE = """
    CROSS JOIN LATERAL (
      SELECT CASE WHEN NOT s.position = ANY (a.unseen)
             THEN a.answers -> (s.number - 1)::int END AS response) r
"""
"""Follows ITEMS: `r.response`, the CLASSIFY answer on an image; null where it was not seen."""

ANSWERED = "jsonb_typeof(r.response) = 'object'"
"""Whether there is a response to read."""


def answer(yes: str, maybe: str, no: str, unseen: str) -> str:
    """One of four values: what the worker said of a tile (CONTAINS)."""
    return (
        f"CASE WHEN i.position = ANY (a.selected) THEN {yes}"
        f" WHEN i.position = ANY (a.maybe) THEN {maybe}"
        f" WHEN i.position = ANY (a.unseen) THEN {unseen} ELSE {no} END"
    )


def is_list(name: str) -> str:
    """Whether the response has a list of that name."""
    return f"jsonb_typeof(r.response -> '{name}') = 'array'"


def entries(name: str) -> str:
    """The entries `o.entry` of such a list, in the order of `o.number`; none of a malformed one."""
    return (
        f"jsonb_array_elements(CASE WHEN {is_list(name)} THEN r.response -> '{name}' END)"
        " WITH ORDINALITY AS o (entry, number)"
    )


def label_id(entry: str) -> str:
    """A JSON value as a label's id; null for anything but a whole number, 0 or more."""
    return f"CASE WHEN ({entry})::text ~ '^[0-9]{{1,18}}$' THEN ({entry})::text::bigint END"


OFFERED_ON_CONTROLS = f"""
    CROSS JOIN LATERAL (
      SELECT ({label_id("o.entry")} = i.label_id)::int AS present,
             (r.response -> 'selected' @> o.entry)::int AS said
      FROM {entries("offered")} WHERE {label_id("o.entry")} IS NOT NULL) k
"""
"""Follows RESPONSE: each label offered on a CLASSIFY control: whether it is the settled one,
`k.present` (the others are foils), and whether the worker checked it, `k.said`."""

SETTLED = f"i.role = 'control' AND i.known AND i.label_id IS NOT NULL AND {is_list('selected')}"
"""Whether the item is a CLASSIFY control with a settled label, and its response has a selection."""
