"""Turns names in the staging table into ids of images, HITs, assignments and items, old or new.

Temporary tables, with a row for each: responses_named (judgment whose image is known),
responses_hit, responses_assignment (by its first row in the file), responses_judgment (ids only;
`copy` counts the rows of one key), responses_item (image, in CONTAINS with a label, in a HIT).
New ids roughly follow the order of the file, so that indexes grow at their ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tasks.models import Campaign

# A HIT or assignment is known by its name in the file; without one, by what it consists of.
_NAMED = """
    CREATE TEMPORARY TABLE responses_named ON COMMIT DROP AS
    SELECT s.number, s.row, s.hit IS NOT NULL AS hit_given, coalesce(s.hit, '') AS hit,
           CASE WHEN s.hit IS NULL THEN i.id ELSE 0 END AS hit_image,
           CASE WHEN s.hit IS NULL THEN s.label ELSE 0 END AS hit_label,
           coalesce(s.assignment, '') AS assignment, w.id AS worker, i.id AS image, s.label,
           s.answer, s.offered, s.selected, s.main, s.position, s.control, s.round,
           s.submitted_at, s.seconds, s.status, s.used
    FROM responses_staged s
    JOIN responses_worker w ON w.number = s.worker
    JOIN imagesets_image i ON i.dataset_id = %(dataset)s AND i.key = s.image
"""
_TO_HIT = """
    JOIN responses_hit h ON h.hit = n.hit AND h.hit_image = n.hit_image
      AND h.hit_label = n.hit_label
"""
_UNIT = """
    n.assignment, CASE n.assignment WHEN '' THEN h.id ELSE 0 END,
    CASE n.assignment WHEN '' THEN n.worker ELSE 0 END
"""

# The key of a HIT or assignment without a name: 64 bits of a digest of each of the two things that
# it consists of. The keys of a HIT's assignments begin alike, so they are neighbours in the index.
# A worker enters by their pseudonym, not by the crowd's id: exports contain the key.
_DIGEST = "left(encode(sha256(convert_to({}, 'UTF8')), 'hex'), 16)"

_HITS = f"""
    CREATE TEMPORARY TABLE responses_hit ON COMMIT DROP AS
    SELECT f.*, known IS NULL AS is_new,
           CASE WHEN known IS NULL THEN nextval(%(hit_ids)s)
                ELSE known END AS id
    FROM (
      SELECT k.*, {_DIGEST.format("k.key")} AS digest, t.id AS known,
             coalesce(last.position, -1) AS last_position,
             coalesce(last.section, -1) AS last_section
      FROM (
        SELECT g.*, CASE g.hit WHEN '' THEN 'h-' || {_DIGEST.format("i.key")}
                      || coalesce({_DIGEST.format("l.key")}, '')
                    ELSE g.hit END AS key
        FROM (SELECT hit, hit_image, hit_label, min(number) AS first FROM responses_named
              GROUP BY hit, hit_image, hit_label) g
        LEFT JOIN imagesets_image i ON i.id = g.hit_image
        LEFT JOIN imagesets_label l ON l.id = g.hit_label
      ) k
      LEFT JOIN tasks_hit t ON t.campaign_id = %(campaign)s AND t.key = k.key
      LEFT JOIN LATERAL (SELECT max(e.position) AS position, max(e.section) AS section
                         FROM tasks_hititem e WHERE e.hit_id = t.id) last ON t.id IS NOT NULL
      ORDER BY k.first
    ) f
"""

_ASSIGNMENTS = f"""
    CREATE TEMPORARY TABLE responses_assignment ON COMMIT DROP AS
    SELECT f.*, known IS NULL AS is_new,
           CASE WHEN known IS NULL THEN nextval(%(assignment_ids)s)
                ELSE known END AS id
    FROM (
      SELECT k.*, t.id AS known
      FROM (
        SELECT g.*, CASE g.assignment
                    WHEN '' THEN 'a-' || g.hit_digest || w.digest
                    ELSE g.assignment END AS key
        FROM (
          SELECT DISTINCT ON (assignment, unit_hit, unit_worker) u.*
          FROM (SELECT {_UNIT}, n.number, n.row, h.id, h.digest, n.hit_given, n.worker,
                       n.round, n.submitted_at, n.seconds, n.status, n.used
                FROM responses_named n {_TO_HIT})
            AS u (assignment, unit_hit, unit_worker, first, row, hit_id, hit_digest, hit_given,
                  worker, round, submitted_at, seconds, status, used)
          ORDER BY assignment, unit_hit, unit_worker, first
        ) g
        JOIN (SELECT id, {_DIGEST.format("pseudonym")} AS digest FROM tasks_worker
              WHERE id IN (SELECT id FROM responses_worker)) w ON w.id = g.worker
      ) k
      LEFT JOIN tasks_assignment t ON t.campaign_id = %(campaign)s AND t.key = k.key
    ) f
"""

_JUDGMENTS = f"""
    CREATE TEMPORARY TABLE responses_judgment ON COMMIT DROP AS
    SELECT n.number, n.row, a.id AS assignment_id, a.hit_id, h.id AS own_hit_id,
           n.image, n.label, n.answer, n.offered, n.offered IS NOT NULL AS offered_given,
           n.selected, n.main, n.position, n.control, {{copy}} AS copy
    FROM responses_named n {_TO_HIT}
    JOIN responses_assignment a ON (a.assignment, a.unit_hit, a.unit_worker) = ({_UNIT})
"""

_COPY = "row_number() OVER (PARTITION BY a.id, n.image, n.label ORDER BY n.number)"

# The labels offered, if the file does not name them: all that anybody selected for the image.
_DEFAULT_OFFERED = """
    UPDATE responses_judgment j SET offered = u.labels
    FROM (
      SELECT s.image, array_agg(s.label ORDER BY l.key COLLATE "C") AS labels
      FROM (SELECT DISTINCT image, unnest(selected) AS label FROM responses_judgment) s
      JOIN imagesets_label l ON l.id = s.label GROUP BY s.image
    ) u
    WHERE u.image = j.image AND j.offered IS NULL AND j.answer <> -1
"""

_ITEMS = """
    CREATE TEMPORARY TABLE responses_item ON COMMIT DROP AS
    SELECT f.hit_id, f.image, f.label, f.first, f.row, coalesce(f.control, false) AS control,
           e.position, e.role, h.is_new AS of_new_hit
    FROM (SELECT DISTINCT ON (hit_id, image, label) hit_id, image, label, number AS first, row,
                 control
          FROM responses_judgment ORDER BY hit_id, image, label, number) f
    JOIN responses_hit h ON h.id = f.hit_id
    LEFT JOIN tasks_hititem e ON NOT h.is_new AND e.hit_id = f.hit_id AND e.image_id = f.image
      AND coalesce(e.label_id, 0) = f.label
"""

# In CONTAINS a label's tiles in a HIT are a section, in the order of the file; in CLASSIFY each
# image is.
_SECTIONS = """
    CREATE TEMPORARY TABLE responses_section ON COMMIT DROP AS
    SELECT s.hit_id, s.unit,
           coalesce(s.section,
                    h.last_section + row_number() OVER (
                      PARTITION BY s.hit_id, s.section IS NULL ORDER BY s.first)) AS section
    FROM (
      SELECT u.*, CASE WHEN NOT u.of_new_hit THEN (
               SELECT min(e.section) FROM tasks_hititem e
               WHERE e.hit_id = u.hit_id AND {existing_unit} = u.unit) END AS section
      FROM (SELECT hit_id, {unit} AS unit, of_new_hit, min(first) AS first FROM responses_item
            GROUP BY hit_id, {unit}, of_new_hit) u
    ) s
    JOIN responses_hit h ON h.id = s.hit_id
"""

_POSITIONS = """
    UPDATE responses_item i SET position = n.position, section = n.section, is_new = true
    FROM (
      SELECT i.hit_id, i.image, i.label, s.section,
             h.last_position + row_number() OVER (
               PARTITION BY i.hit_id ORDER BY s.section, i.first) AS position
      FROM responses_item i
      JOIN responses_section s ON s.hit_id = i.hit_id AND s.unit = i.{unit}
      JOIN responses_hit h ON h.id = i.hit_id
      WHERE i.position IS NULL
    ) n
    WHERE n.hit_id = i.hit_id AND n.image = i.image AND n.label = i.label
"""


@dataclass(frozen=True)
class Counts:
    """How many judgments are staged, and how many of them have each optional field."""

    judgments: int
    hits: int
    assignments: int
    positions: int
    controls: int


@contextmanager
def hash_joins(cursor) -> Iterator[None]:
    """Avoid nested loops over temporary tables: without an index, a bad estimate costs hours."""
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop = on")


def resolve(cursor, campaign: Campaign, *, sections_by_label: bool) -> Counts:
    """Fill the temporary tables from responses_staged and responses_worker.

    Leaves out rows whose image is unknown: they are errors.
    """
    params = {"campaign": campaign.pk, "dataset": campaign.dataset_id}
    # As constants: the function would be called for each row.
    cursor.execute(
        "SELECT pg_get_serial_sequence('tasks_hit', 'id'),"
        " pg_get_serial_sequence('tasks_assignment', 'id')"
    )
    params["hit_ids"], params["assignment_ids"] = cursor.fetchone()
    cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
    unit, existing_unit = ("label", "label_id") if sections_by_label else ("image", "image_id")

    def make(table: str, statement: str) -> None:
        cursor.execute(statement, params)
        cursor.execute(f"ANALYZE responses_{table}")

    make("named", _NAMED)
    make("hit", _HITS)
    make("assignment", _ASSIGNMENTS)
    with hash_joins(cursor):
        # If each judgment has an assignment of its own, no key can come twice.
        no_copies = count(cursor, "assignment") == count(cursor, "named")
        make("judgment", _JUDGMENTS.format(copy="1" if no_copies else _COPY))
        if not sections_by_label:
            cursor.execute(_DEFAULT_OFFERED)
    make("item", _ITEMS)
    cursor.execute(
        "ALTER TABLE responses_item ADD section int, ADD is_new bool NOT NULL DEFAULT false;"
        "CREATE INDEX ON responses_item (hit_id, image, label)"
    )
    with hash_joins(cursor):
        make("section", _SECTIONS.format(unit=unit, existing_unit=existing_unit))
        make("item", _POSITIONS.format(unit=unit))
    cursor.execute(
        "SELECT count(*), count(hit), count(assignment), count(position), count(control)"
        " FROM responses_staged"
    )
    return Counts(*cursor.fetchone())


def count(cursor, table: str) -> int:
    """The number of rows in a temporary table."""
    cursor.execute(f"SELECT count(*) FROM responses_{table}")
    return cursor.fetchone()[0]
