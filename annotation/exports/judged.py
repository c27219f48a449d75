"""Tables of answers, a row each: judgments of both kinds, and the conditions they came under.

The rows are unnested from assignments (tasks/sql/judgments.py).
"""

from annotation.exports.cell_formats import Column, iso
from annotation.exports.table import ASSIGNMENTS_IN_ORDER, Table
from tasks.models.campaign import Kind
from tasks.sql.conditions import SECTION_ORDER, count_of, form
from tasks.sql.judgments import ITEMS, RESPONSE, answer, entries, is_list
from tasks.sql.used import status, used

# The order of submission; the index assignment_order gives it.
_ANSWERED = """
    SELECT a.id, cardinality(a.shown) FROM tasks_assignment a
    WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL
    ORDER BY a.submitted_at, a.sequence, a.id
"""

# The columns of an assignment are computed once, not for each of its judgments (OFFSET 0 keeps the
# planner to it), and rows are sorted by two numbers: together 2.5 times faster.
_JUDGED = f"""
    FROM (
      SELECT k.place, a.hit_id, a.shown, a.selected, a.maybe, a.unseen, a.answers,
             c.slug AS campaign, a.round, h.key AS hit, a.key AS assignment,
             w.pseudonym AS worker, w.external_id AS raw_worker,
             {iso("a.submitted_at")} AS submitted_at, a.active_seconds, a.wall_seconds,
             nullif(a.language, '') AS language, nullif(a.device, '') AS device,
             nullif(a.viewport, '') AS viewport, a.zooms, a.changes, a.cards,
             {SECTION_ORDER} AS section_order,
             {status()} AS status, {used()} AS used
      FROM {ASSIGNMENTS_IN_ORDER}
      JOIN tasks_assignment a ON a.id = k.id
      JOIN tasks_campaign c ON c.id = a.campaign_id
      JOIN tasks_hit h ON h.id = a.hit_id
      JOIN tasks_worker w ON w.id = a.worker_id
      OFFSET 0
    ) a
    {ITEMS}
    JOIN imagesets_image im ON im.id = i.image_id
    {{more}}
    ORDER BY a.place, s.number
"""

_WHO = (
    Column("campaign", "a.campaign"),
    Column("round", "a.round", "number"),
    Column("hit", "a.hit"),
    Column("assignment", "a.assignment"),
    Column("worker", "a.worker"),
    Column("image", "im.key"),
)
_WHEN = (
    Column("submitted_at", "a.submitted_at"),
    Column("seconds", "a.active_seconds", "number"),
    Column("status", "a.status"),
    Column("used", "a.used", "bool"),
)


CONTAINS_JUDGMENTS = Table(
    keys=_ANSWERED,
    rows=_JUDGED.format(more="LEFT JOIN imagesets_label l ON l.id = i.label_id"),
    columns=(
        *_WHO,
        Column("label", "l.key"),
        Column(
            "selected",
            answer("'true'", "'maybe'", "'false'", "NULL"),
            json_sql=answer("'true'::json", "'\"maybe\"'::json", "'false'::json", "NULL"),
        ),
        Column("control", "i.role = 'control'", "bool"),
        Column("position", "s.number - 1", "number"),
        *_WHEN,
    ),
)


# The keys of the dataset's labels by id, as one JSON object: made once a query and looked up by an
# entry's text, in a third of the time that reading the label takes.
_KEYS = """(
    SELECT jsonb_object_agg(l.id::text, l.key) FROM imagesets_label l
    WHERE l.dataset_id = (SELECT dataset_id FROM tasks_campaign WHERE id = %(campaign)s))
"""


def _label_keys(list_name: str) -> str:
    """A response's list of label ids as a JSON list of keys, in its order; null if malformed."""
    return f"""
        CASE WHEN {is_list(list_name)} THEN coalesce((
          SELECT jsonb_agg({_KEYS} -> o.entry::text ORDER BY o.number)
                 FILTER (WHERE {_KEYS} ? o.entry::text)
          FROM {entries(list_name)}), '[]') END
    """


CLASSIFY_JUDGMENTS = Table(
    keys=_ANSWERED,
    rows=_JUDGED.format(more=RESPONSE),
    columns=(
        *_WHO,
        Column("offered", _label_keys("offered"), "json"),
        Column("selected", _label_keys("selected"), "json"),
        Column("main", f"{_KEYS} ->> (r.response -> 'main')::text"),
        Column("control", "i.role = 'control'", "bool"),
        *_WHEN,
    ),
)


def conditions(kind: Kind) -> Table:
    """How each item was shown and what its worker did with it; the seconds are the assignment's."""
    contains = kind == Kind.CONTAINS
    label = "LEFT JOIN imagesets_label l ON l.id = i.label_id" if contains else ""
    section = "array_position(a.section_order, i.section::int) - 1" if contains else "NULL::int"
    return Table(
        keys=_ANSWERED,
        rows=_JUDGED.format(more=label),
        columns=(
            Column("campaign", "a.campaign"),
            Column("assignment", "a.assignment"),
            Column("worker", "a.worker"),
            Column("image", "im.key"),
            Column("label", "l.key" if contains else "NULL::text"),
            Column("section", section, "number"),
            Column("position", "s.number - 1", "number"),
            Column("form", form(kind)),
            Column("language", "a.language"),
            Column("device", "a.device"),
            Column("viewport", "a.viewport"),
            Column("zooms", count_of("zooms"), "number"),
            Column("changes", count_of("changes"), "number"),
            Column("active_seconds", "a.active_seconds", "number"),
            Column("wall_seconds", "a.wall_seconds", "number"),
        ),
    )
