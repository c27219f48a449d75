"""The tables that can be exported, and the SQL of each: columns, rows, order.

The judgments' rows are unnested from assignments (tasks/sql/judgments.py). Images that were
withdrawn are in no table (rule V9).
"""

from dataclasses import dataclass

from annotation.exports.cell_formats import Column, iso
from imagesets.choices import meant
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.sql.conditions import SECTION_ORDER, count_of, form
from tasks.sql.judgments import ITEMS, RESPONSE, answer, entries, is_list
from tasks.sql.used import status, used


class NoSuchTable(Exception):
    """No such table for this kind of campaign; the message names the right ones."""


class NotYet(Exception):
    """The table cannot be exported yet; the message says what to do first."""


@dataclass(frozen=True)
class Table:
    """One table: rows come in the order of `keys`, chunk by chunk.

    `keys` selects (id, maximum number of rows) in order, for %(campaign)s and %(source)s; `rows`
    follows SELECT and the columns, for %(ids)s, and keeps that order.
    """

    keys: str
    rows: str
    columns: tuple[Column, ...]
    of_results: bool = False  # filled by aggregation


# The order of submission; the index assignment_order gives it.
_ANSWERED = """
    SELECT a.id, cardinality(a.shown) FROM tasks_assignment a
    WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL
    ORDER BY a.submitted_at, a.sequence, a.id
"""

# The columns of an assignment are computed once, not for each of its judgments (OFFSET 0 keeps the
# planner to it), and rows are sorted by two numbers: together 2.5 times faster.
ASSIGNMENTS_IN_ORDER = "unnest(%(ids)s::bigint[]) WITH ORDINALITY AS k (id, place)"
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


def _conditions(kind: Kind) -> Table:
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


# Keys are compared bytewise, whatever the database's locale: the same order everywhere.
SELECTION_FREQUENCIES = Table(
    of_results=True,
    keys="""
        SELECT im.id, count(*) FROM tasks_pair p JOIN imagesets_image im ON im.id = p.image_id
        WHERE p.campaign_id = %(campaign)s AND im.withdrawn_at IS NULL
        GROUP BY im.id ORDER BY im.key COLLATE "C"
    """,
    rows="""
        FROM tasks_pair p
        JOIN imagesets_image im ON im.id = p.image_id
        JOIN imagesets_label l ON l.id = p.label_id
        LEFT JOIN imagesets_label d ON d.id = im.dataset_label_id
        LEFT JOIN tasks_pairresult r ON r.pair_id = p.id
        WHERE p.campaign_id = %(campaign)s AND p.image_id = ANY (%(ids)s)
          AND im.withdrawn_at IS NULL
        ORDER BY im.key COLLATE "C", l.key COLLATE "C"
    """,
    columns=(
        Column("image", "im.key"),
        Column("label", "l.key"),
        Column("dataset_label", "d.key"),
        Column("selected", "coalesce(r.selected, 0)", "number"),
        Column("maybe", "coalesce(r.maybe, 0)", "number"),
        Column("shown", "coalesce(r.shown, 0)", "number"),
        Column("sf", "r.sf", "number"),
        Column("sf_low", "r.sf_low", "number"),
        Column("sf_high", "r.sf_high", "number"),
        Column("posterior", "r.posterior", "number"),
    ),
)


def _answered(sql: str) -> str:
    """Null if nobody answered or JSON's own null is stored."""
    return f"CASE WHEN r.workers > 0 THEN nullif({sql}, 'null'::jsonb) END"


ANNOTATIONS = Table(
    of_results=True,
    keys="""
        SELECT im.id, 1 FROM imagesets_image im
        WHERE im.id IN (SELECT image_id FROM tasks_campaignimage
                        WHERE campaign_id IN (%(campaign)s, %(source)s))
          AND im.withdrawn_at IS NULL
        ORDER BY im.key COLLATE "C"
    """,
    rows="""
        FROM imagesets_image im
        LEFT JOIN imagesets_label d ON d.id = im.dataset_label_id
        LEFT JOIN tasks_campaignimage ci ON ci.image_id = im.id AND ci.campaign_id = %(campaign)s
        LEFT JOIN tasks_imageresult r ON r.image_id = im.id AND r.campaign_id = %(campaign)s
        WHERE im.id = ANY (%(ids)s) AND im.withdrawn_at IS NULL
        ORDER BY im.key COLLATE "C"
    """,
    columns=(
        Column("image", "im.key"),
        Column("dataset_label", "d.key"),
        Column("group", "nullif(ci.group, '')"),
        Column("main_label", "CASE WHEN r.workers > 0 THEN r.main_label END"),
        Column("main_votes", _answered("r.main_votes"), "json"),
        Column("num_objects", "CASE WHEN r.workers > 0 THEN r.num_objects END", "number"),
        Column("object_counts", _answered("r.object_counts"), "json"),
        Column("objects", "coalesce(r.objects_found, '[]')", "json"),
        Column("main_object", "CASE WHEN r.workers > 0 THEN r.main_object END", "number"),
        Column("dataset_object", "CASE WHEN r.workers > 0 THEN r.dataset_object END", "number"),
        Column("workers", "coalesce(r.workers, 0)", "number"),
    ),
)

WORKERS = Table(
    of_results=True,
    keys="""
        SELECT w.id, 1 FROM tasks_workerresult r JOIN tasks_worker w ON w.id = r.worker_id
        WHERE r.campaign_id = %(campaign)s ORDER BY w.pseudonym COLLATE "C"
    """,
    rows="""
        FROM (
          SELECT r.*, w.pseudonym AS worker, w.external_id AS raw_worker,
                 EXISTS (SELECT FROM tasks_stop s WHERE s.worker_id = w.id
                         AND s.campaign_id = r.campaign_id) AS stopped
          FROM tasks_workerresult r JOIN tasks_worker w ON w.id = r.worker_id
          WHERE r.campaign_id = %(campaign)s AND w.id = ANY (%(ids)s)
        ) a
        ORDER BY a.worker COLLATE "C"
    """,
    columns=(
        Column("worker", "a.worker"),
        *(
            Column(name, f"a.{name}", "number")
            for name in (
                *("assignments", "items", "control_accuracy", "agreement"),
                *("sensitivity", "specificity", "median_seconds"),
            )
        ),
        Column("status", "CASE WHEN a.stopped THEN 'set aside' ELSE 'working' END"),
    ),
)

# In the order of the decisions.
CONSENTS = Table(
    keys="""
        SELECT d.id, 1 FROM tasks_consent d JOIN tasks_consenttext t ON t.id = d.text_id
        WHERE t.campaign_id = %(campaign)s ORDER BY d.id
    """,
    rows=f"""
        FROM (
          SELECT k.place, c.slug AS campaign, w.pseudonym AS worker, w.external_id AS raw_worker,
                 t.version, d.language, d.agreed, {iso("d.at")} AS at
          FROM {ASSIGNMENTS_IN_ORDER}
          JOIN tasks_consent d ON d.id = k.id
          JOIN tasks_consenttext t ON t.id = d.text_id
          JOIN tasks_campaign c ON c.id = t.campaign_id
          JOIN tasks_worker w ON w.id = d.worker_id
        ) a
        ORDER BY a.place
    """,
    columns=(
        Column("campaign", "a.campaign"),
        Column("worker", "a.worker"),
        Column("version", "a.version"),
        Column("language", "a.language"),
        Column("agreed", "a.agreed", "bool"),
        Column("at", "a.at"),
    ),
)

# In the order of submission, then as shown.
PRACTICE = Table(
    keys="""
        SELECT t.id, cardinality(t.shown) FROM tasks_practicetry t
        JOIN tasks_practicehit h ON h.id = t.hit_id
        WHERE h.campaign_id = %(campaign)s AND t.submitted_at IS NOT NULL
        ORDER BY t.submitted_at, t.id
    """,
    rows=f"""
        FROM (
          SELECT k.place, s.number, c.slug AS campaign, w.pseudonym AS worker,
                 w.external_id AS raw_worker, im.key AS image, l.key AS label, i.present,
                 CASE WHEN i.position = ANY (t.selected) THEN 'true'
                      WHEN i.position = ANY (t.maybe) THEN 'maybe'
                      WHEN i.position <> ALL (t.unseen) THEN 'false' END AS answered,
                 h.number AS try, {iso("t.submitted_at")} AS submitted_at
          FROM {ASSIGNMENTS_IN_ORDER}
          JOIN tasks_practicetry t ON t.id = k.id
          JOIN tasks_practicehit h ON h.id = t.hit_id
          JOIN tasks_campaign c ON c.id = h.campaign_id
          JOIN tasks_worker w ON w.id = t.worker_id
          CROSS JOIN LATERAL unnest(t.shown) WITH ORDINALITY AS s (position, number)
          JOIN tasks_practiceitem i ON i.hit_id = h.id AND i.position = s.position
          JOIN imagesets_image im ON im.id = i.image_id AND im.withdrawn_at IS NULL
          JOIN imagesets_label l ON l.id = i.label_id
        ) a
        ORDER BY a.place, a.number
    """,
    columns=(
        Column("campaign", "a.campaign"),
        Column("worker", "a.worker"),
        Column("image", "a.image"),
        Column("label", "a.label"),
        Column("known", "a.present", "bool"),
        Column(
            "answered",
            "a.answered",
            json_sql="CASE a.answered WHEN 'maybe' THEN '\"maybe\"' ELSE a.answered END::json",
        ),
        Column("try", "a.try", "number"),
        Column("submitted_at", "a.submitted_at"),
    ),
)

# A %(reader)s, of those who make the pass, gets others' verdicts only on what they have judged too.
OVERRULES = Table(
    keys="""
        SELECT im.id, count(*) FROM tasks_overrule o JOIN imagesets_image im ON im.id = o.image_id
        WHERE o.replaced_at IS NULL AND im.withdrawn_at IS NULL
          AND im.id IN (SELECT image_id FROM tasks_campaignimage WHERE campaign_id = %(campaign)s)
        GROUP BY im.id ORDER BY im.key COLLATE "C"
    """,
    rows=f"""
        FROM (
          SELECT im.key AS image, l.key AS label, o.why, o.who, {iso("o.at")} AS at, o.id,
                 o.verdict || coalesce(':' || s.key, '') AS verdict
          FROM tasks_overrule o
          JOIN imagesets_image im ON im.id = o.image_id
          JOIN imagesets_label l ON l.id = o.label_id
          LEFT JOIN imagesets_label s ON s.id = o.same_as_id
          WHERE o.image_id = ANY (%(ids)s) AND o.replaced_at IS NULL
            AND im.withdrawn_at IS NULL
            AND (%(reader)s IS NULL OR o.who = %(reader)s OR EXISTS (
              SELECT FROM tasks_overrule mine WHERE mine.image_id = o.image_id
                AND mine.who = %(reader)s AND mine.replaced_at IS NULL))
        ) a
        ORDER BY a.image COLLATE "C", a.label COLLATE "C", a.id
    """,
    columns=(
        Column("image", "a.image"),
        Column("label", "a.label"),
        Column("verdict", "a.verdict"),
        Column("reason", "nullif(a.why, '')"),
        Column("who", "a.who"),
        Column("at", "a.at"),
    ),
)

# One row a session, or a worker (their id below 0) for what was earned outside of any. Practice
# counts as base pay; a marketplace's fees and VAT are no worker's.
PAYMENTS = Table(
    keys="""
        SELECT k.id, 1 FROM (
          SELECT s.id, s.worker_id, s.began_at FROM tasks_session s
          WHERE s.campaign_id = %(campaign)s AND NOT s.is_test
          UNION ALL
          SELECT DISTINCT -coalesce(a.worker_id, t.worker_id),
                 coalesce(a.worker_id, t.worker_id), NULL::timestamptz
          FROM tasks_payment p
          LEFT JOIN tasks_assignment a ON a.id = p.assignment_id
          LEFT JOIN tasks_practicetry t ON t.id = p.practice_id
          WHERE p.campaign_id = %(campaign)s AND p.session_id IS NULL
            AND p.kind NOT IN ('fee', 'vat')
        ) k JOIN tasks_worker w ON w.id = k.worker_id
        ORDER BY w.pseudonym COLLATE "C", k.began_at, k.id
    """,
    rows=f"""
        FROM (
          SELECT k.place, w.pseudonym AS worker, w.external_id AS raw_worker, s.key AS session,
                 nullif(s.outcome, '') AS outcome, coalesce(c.currency, 'USD') AS currency,
                 earned.base, earned.bonus, earned.owed, earned.paid, {iso("earned.at")} AS at
          FROM {ASSIGNMENTS_IN_ORDER}
          LEFT JOIN tasks_session s ON s.id = k.id
          JOIN tasks_worker w ON w.id = coalesce(s.worker_id, -k.id)
          JOIN tasks_campaign c ON c.id = %(campaign)s
          LEFT JOIN (
            SELECT coalesce(p.session_id, -coalesce(a.worker_id, t.worker_id)) AS id,
                   sum(p.amount) FILTER (WHERE p.kind <> 'bonus') AS base,
                   sum(p.amount) FILTER (WHERE p.kind = 'bonus') AS bonus,
                   sum(p.amount) FILTER (WHERE p.state = 'due') AS owed,
                   sum(p.amount) FILTER (WHERE p.state = 'paid') AS paid,
                   max(p.paid_at) AS at
            FROM tasks_payment p
            LEFT JOIN tasks_assignment a ON a.id = p.assignment_id
            LEFT JOIN tasks_practicetry t ON t.id = p.practice_id
            WHERE p.campaign_id = %(campaign)s AND p.kind NOT IN ('fee', 'vat')
            GROUP BY 1
          ) earned ON earned.id = k.id
        ) a
        ORDER BY a.place
    """,
    columns=(
        Column("worker", "a.worker"),
        Column("session", "a.session"),
        Column("outcome", "a.outcome"),
        *(Column(name, f"round(coalesce(a.{name}, 0), 2)::text") for name in ("base", "bonus")),
        Column("currency", "a.currency"),
        *(Column(name, f"round(coalesce(a.{name}, 0), 2)::text") for name in ("owed", "paid")),
        Column("at", "a.at"),
    ),
)

TABLES: dict[Kind, dict[str, Table]] = {
    Kind.CONTAINS: {
        "judgments": CONTAINS_JUDGMENTS,
        "selection_frequencies": SELECTION_FREQUENCIES,
        "workers": WORKERS,
        "conditions": _conditions(Kind.CONTAINS),
        "consents": CONSENTS,
        "payments": PAYMENTS,
        "practice": PRACTICE,
        "overrules": OVERRULES,
    },
    Kind.CLASSIFY: {
        "judgments": CLASSIFY_JUDGMENTS,
        "annotations": ANNOTATIONS,
        "workers": WORKERS,
        "conditions": _conditions(Kind.CLASSIFY),
        "consents": CONSENTS,
        "overrules": OVERRULES,
        "payments": PAYMENTS,
    },
}


def table_of(campaign: Campaign, name: str) -> Table:
    """The campaign's table of that name.

    Raises NoSuchTable, naming the right tables, if its kind of campaign has no such table.
    """
    kind = Kind(campaign.kind)
    if table := TABLES[kind].get(name):
        return table
    names = " and ".join(TABLES[kind])
    other = next((k.value for k, tables in TABLES.items() if name in tables), None)
    what = f"a table of {other} campaigns" if other else "no table"
    raise NoSuchTable(
        f"{name} is {what}; campaign {campaign.slug} is of kind {kind.value} and has {names}."
        + meant(name, TABLES[kind])
    )
