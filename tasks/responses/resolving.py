"""From names in the staging table to ids: images, HITs, assignments, items; new ones get theirs.

Temporary tables, one row each: responses_named (a judgment with its keys), responses_hit,
responses_assignment (as its first row in the file gives it), responses_judgment (numbers only,
each key once), responses_item (an image, in CONTAINS under a label, in a HIT).
"""

from tasks.models import Campaign

# 128 bits of a digest. The pseudonym, not the crowd's id: the key is in exports.
_DIGEST = "left(encode(sha256(convert_to({text}, 'UTF8')), 'hex'), 32)"
_UNNAMED_HIT = "'h-' || " + _DIGEST.format(text=r"concat_ws(E'\x1f', s.image, l.key)")
_UNNAMED_ASSIGNMENT = "'a-' || " + _DIGEST.format(text=r"concat_ws(E'\x1f', n.hit, n.pseudonym)")

_NAMED = f"""
    CREATE TEMPORARY TABLE responses_named ON COMMIT DROP AS
    SELECT n.*, coalesce(n.assignment_given, {_UNNAMED_ASSIGNMENT}) AS assignment
    FROM (
      SELECT s.number, s.row, s.hit IS NOT NULL AS hit_given, s.assignment AS assignment_given,
             coalesce(s.hit, {_UNNAMED_HIT}) AS hit, w.id AS worker, w.pseudonym,
             i.id AS image, s.label, s.answer, s.offered, s.selected, s.main, s.position,
             s.control, s.round, s.submitted_at, s.seconds, s.status, s.used
      FROM responses_staged s
      JOIN responses_worker w ON w.number = s.worker
      JOIN imagesets_image i ON i.dataset_id = %(dataset)s AND i.key = s.image
      LEFT JOIN imagesets_label l ON l.id = s.label
    ) n
"""

_HITS = """
    CREATE TEMPORARY TABLE responses_hit ON COMMIT DROP AS
    SELECT f.key, f.first, h.id IS NULL AS is_new,
           CASE WHEN h.id IS NULL THEN nextval(pg_get_serial_sequence('tasks_hit', 'id'))
                ELSE h.id END AS id
    FROM (SELECT hit AS key, min(number) AS first FROM responses_named GROUP BY hit
          ORDER BY first) f
    LEFT JOIN tasks_hit h ON h.campaign_id = %(campaign)s AND h.key = f.key
"""

_ASSIGNMENTS = """
    CREATE TEMPORARY TABLE responses_assignment ON COMMIT DROP AS
    SELECT f.*, h.id AS hit_id, a.id IS NULL AS is_new,
           CASE WHEN a.id IS NULL THEN nextval(pg_get_serial_sequence('tasks_assignment', 'id'))
                ELSE a.id END AS id
    FROM (SELECT DISTINCT ON (assignment) assignment AS key, number AS first, row, hit, hit_given,
                 worker, round, submitted_at, seconds, status, used
          FROM responses_named ORDER BY assignment, number) f
    JOIN responses_hit h ON h.key = f.hit
    LEFT JOIN tasks_assignment a ON a.campaign_id = %(campaign)s AND a.key = f.key
"""

_JUDGMENTS = """
    CREATE TEMPORARY TABLE responses_judgment ON COMMIT DROP AS
    SELECT n.number, n.row, a.id AS assignment_id, a.hit_id, n.image, n.label, n.answer,
           n.offered, n.selected, n.main, n.position, n.control,
           row_number() OVER (PARTITION BY a.id, n.image, n.label ORDER BY n.number) AS copy
    FROM responses_named n JOIN responses_assignment a ON a.key = n.assignment
"""

# What an import offers where the file does not say it: all that anybody selected for the image.
_DEFAULT_OFFERED = """
    UPDATE responses_judgment j SET offered = u.labels, offered_given = false
    FROM (
      SELECT s.image, array_agg(s.label ORDER BY l.key COLLATE "C") AS labels
      FROM (SELECT DISTINCT image, unnest(selected) AS label FROM responses_judgment) s
      JOIN imagesets_label l ON l.id = s.label GROUP BY s.image
    ) u
    WHERE u.image = j.image AND j.offered IS NULL AND j.answer <> -1
"""

# A label's tiles in a HIT are one section, in the order of the file; in CLASSIFY each image is.
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

_SECTIONS = """
    CREATE TEMPORARY TABLE responses_section ON COMMIT DROP AS
    SELECT s.hit_id, s.unit, s.first,
           coalesce(s.section,
                    last.section + row_number() OVER (
                      PARTITION BY s.hit_id, s.section IS NULL ORDER BY s.first)) AS section
    FROM (
      SELECT i.hit_id, {unit} AS unit, min(i.first) AS first, min(e.section) AS section
      FROM responses_item i
      LEFT JOIN tasks_hititem e ON NOT i.of_new_hit AND e.hit_id = i.hit_id
        AND {existing_unit} = {unit}
      GROUP BY i.hit_id, {unit}
    ) s
    JOIN (
      SELECT h.id, coalesce(max(e.section), -1) AS section
      FROM responses_hit h LEFT JOIN tasks_hititem e ON NOT h.is_new AND e.hit_id = h.id
      GROUP BY h.id
    ) last ON last.id = s.hit_id
"""

_POSITIONS = """
    UPDATE responses_item i SET position = n.position, section = n.section, is_new = true
    FROM (
      SELECT i.hit_id, i.image, i.label, s.section,
             last.position + row_number() OVER (
               PARTITION BY i.hit_id ORDER BY s.section, i.first) AS position
      FROM responses_item i
      JOIN responses_section s ON s.hit_id = i.hit_id AND s.unit = {unit}
      JOIN (
        SELECT h.id, coalesce(max(e.position), -1) AS position
        FROM responses_hit h LEFT JOIN tasks_hititem e ON NOT h.is_new AND e.hit_id = h.id
        GROUP BY h.id
      ) last ON last.id = i.hit_id
      WHERE i.position IS NULL
    ) n
    WHERE n.hit_id = i.hit_id AND n.image = i.image AND n.label = i.label
"""


def resolve(cursor, campaign: Campaign, *, sections_by_label: bool) -> None:
    """Fill the temporary tables from responses_staged and responses_worker.

    Rows whose image is unknown are left out: they are errors.
    """
    params = {"campaign": campaign.pk, "dataset": campaign.dataset_id}
    cursor.execute("SET LOCAL work_mem = '128MB'")
    for statement, table in (
        (_NAMED, "named"),
        (_HITS, "hit"),
        (_ASSIGNMENTS, "assignment"),
        (_JUDGMENTS, "judgment"),
    ):
        cursor.execute(statement, params)
        cursor.execute(f"ANALYZE responses_{table}")
    if not sections_by_label:
        cursor.execute("ALTER TABLE responses_judgment ADD offered_given bool DEFAULT true")
        cursor.execute(_DEFAULT_OFFERED)
    cursor.execute(_ITEMS)
    cursor.execute(
        "ALTER TABLE responses_item ADD section int, ADD is_new bool NOT NULL DEFAULT false"
    )
    cursor.execute("ANALYZE responses_item")
    unit, existing = ("i.label", "e.label_id") if sections_by_label else ("i.image", "e.image_id")
    cursor.execute(_SECTIONS.format(unit=unit, existing_unit=existing))
    cursor.execute("ANALYZE responses_section")
    cursor.execute(_POSITIONS.format(unit=unit))
    cursor.execute("ANALYZE responses_item")
