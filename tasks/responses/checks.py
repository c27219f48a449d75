"""Checks a file against itself, the dataset and stored answers; names each error's row and field.

A check is a query of (row, field, message, names in the message); the first rows of each field and
message are read, and how many more there are.
Checks run on the temporary tables of resolving.py.
"""

from imagesets.tables.problems import FIRST
from tasks.models import Campaign
from tasks.models.campaign import Kind, State
from tasks.responses.errors import Problems, short
from tasks.responses.resolving import Counts, count, hash_joins
from tasks.responses.values import LARGEST_SMALLINT
from tasks.sql.judgments import label_id
from tasks.sql.used import status, used

_FIRST_OF_EACH_KIND = f"""
    SELECT row, field, message, names, CASE nth WHEN {FIRST} THEN total - {FIRST} ELSE 0 END
    FROM (SELECT *, row_number() OVER (PARTITION BY field, message ORDER BY row) AS nth,
                 count(*) OVER (PARTITION BY field, message) AS total
          FROM ({{query}}) AS error (row, field, message, names)) AS kind
    WHERE nth <= {FIRST} ORDER BY row
"""

# All rows of an assignment must agree on it.
_ROWS_OF_AN_ASSIGNMENT = """
    SELECT n.row, compared.field, coalesce(compared.says,
             'differs from row {1}, which is of the same assignment {0}'),
           ARRAY[a.key, a.row::text]
    FROM responses_judgment j
    JOIN responses_named n ON n.number = j.number
    JOIN responses_assignment a ON a.id = j.assignment_id AND a.first <> j.number
    CROSS JOIN LATERAL (VALUES
      ('worker', n.worker IS DISTINCT FROM a.worker, NULL),
      ('hit', j.own_hit_id IS DISTINCT FROM a.hit_id,
       CASE WHEN NOT (n.hit_given OR a.hit_given) THEN
         'is missing: assignment {} has other items too (row {})' END),
      ('round', n.round IS DISTINCT FROM a.round, NULL),
      ('submitted_at', n.submitted_at IS DISTINCT FROM a.submitted_at, NULL),
      ('seconds', n.seconds IS DISTINCT FROM a.seconds, NULL),
      ('status', n.status IS DISTINCT FROM a.status, NULL),
      ('used', n.used IS DISTINCT FROM a.used, NULL)) AS compared (field, differs, says)
    WHERE (n.worker, j.own_hit_id, n.round, n.submitted_at, n.seconds, n.status, n.used)
          IS DISTINCT FROM
          (a.worker, a.hit_id, a.round, a.submitted_at, a.seconds, a.status, a.used)
      AND compared.differs
    ORDER BY n.number
"""

# A file that names the same HIT or assignment in one row and leaves it out in another.
_NAMED_AND_NOT = """
    SELECT t.row, '{field}', 'is the same as in row {{}}: name it in both rows or in neither',
           ARRAY[t.other::text]
    FROM (SELECT h.first, n.row, lag(n.row) OVER (PARTITION BY h.key ORDER BY h.first) AS other
          FROM responses_{field} h JOIN responses_named n ON n.number = h.first) t
    WHERE t.other IS NOT NULL
    ORDER BY t.first
"""

_SAME_SELECTION = "{a} @> {b} AND {b} @> {a}"

_SAME_KEY_TWICE = f"""
    SELECT j.row, d.field, 'differs from row {{}}, of the same assignment and item',
           ARRAY[f.row::text]
    FROM responses_judgment j
    JOIN responses_judgment f ON f.copy = 1 AND f.assignment_id = j.assignment_id
      AND f.image = j.image AND f.label = j.label
    CROSS JOIN LATERAL (VALUES
      ('selected', j.answer <> f.answer
       OR NOT ({_SAME_SELECTION.format(a="j.selected", b="f.selected")})),
      ('main', j.main IS DISTINCT FROM f.main),
      ('offered', j.offered IS DISTINCT FROM f.offered),
      ('position', j.position IS DISTINCT FROM f.position),
      ('control', j.control IS DISTINCT FROM f.control)) AS d (field, differs)
    WHERE j.copy > 1 AND d.differs
    ORDER BY j.number
"""

_SAME_POSITION = """
    SELECT t.row, 'position', 'is {} in row {} too, of the same assignment',
           ARRAY[t.position::text, t.other::text]
    FROM (SELECT number, row, position,
                 lag(row) OVER (PARTITION BY assignment_id, position ORDER BY number) AS other
          FROM responses_judgment WHERE copy = 1 AND position IS NOT NULL) t
    WHERE t.other IS NOT NULL
    ORDER BY t.number
"""

# Reported once for each item or HIT, at its first row.
_UNKNOWN_HIT = """
    SELECT n.row, 'hit', CASE
      WHEN n.hit_given THEN 'campaign {0} was published: {1} is not one of its HITs'
      ELSE 'is missing: campaign {0} was published and takes only answers to its own HITs' END,
      ARRAY[%(slug)s, h.key]
    FROM responses_hit h JOIN responses_named n ON n.number = h.first
    WHERE h.is_new ORDER BY n.number
"""
_UNKNOWN_ITEM = """
    SELECT i.row, CASE WHEN i.label <> 0 AND EXISTS (
        SELECT FROM tasks_hititem e WHERE e.hit_id = i.hit_id AND e.image_id = i.image)
      THEN 'label' ELSE 'image' END, 'HIT {} has no such item', ARRAY[h.key]
    FROM responses_item i JOIN responses_hit h ON h.id = i.hit_id
    WHERE i.is_new AND NOT i.of_new_hit ORDER BY i.first
"""
_TOO_MANY_ITEMS = f"""
    SELECT i.row, 'hit', 'HIT {{}} has too many items; at most {LARGEST_SMALLINT + 1} are allowed',
           ARRAY[h.key]
    FROM responses_item i JOIN responses_hit h ON h.id = i.hit_id
    WHERE i.position = {LARGEST_SMALLINT + 1} ORDER BY i.first
"""

_CONTROL = """
    SELECT j.row, 'control',
           CASE WHEN i.role IS NULL THEN 'differs from row {0}, of the same item of the HIT'
                ELSE 'this item of the HIT is stored as one of the {1} items' END,
           ARRAY[i.row::text, i.role]
    FROM responses_judgment j
    JOIN responses_item i ON i.hit_id = j.hit_id AND i.image = j.image AND i.label = j.label
    WHERE j.control <> coalesce(i.role = 'control', i.control)
    ORDER BY j.number
"""

# A worker answers a HIT only once (rule P4).
_ANSWERED_TWICE_IN_FILE = """
    SELECT t.row, 'assignment', 'row {} is another assignment of the same worker to this HIT',
           ARRAY[t.other::text]
    FROM (SELECT first, row, lag(row) OVER (PARTITION BY hit_id, worker ORDER BY first) AS other
          FROM responses_assignment
          WHERE coalesce(status, '') NOT IN ('returned', 'expired')) t
    WHERE t.other IS NOT NULL
    ORDER BY t.first
"""
_ANSWERED_BEFORE = """
    SELECT a.row, 'assignment', 'the worker already has this HIT, as assignment {}', ARRAY[e.key]
    FROM responses_assignment a
    JOIN responses_hit h ON h.id = a.hit_id AND NOT h.is_new
    JOIN tasks_assignment e ON e.hit_id = a.hit_id AND e.worker_id = a.worker
      AND e.state IN ('open', 'submitted') AND e.key <> a.key
    WHERE coalesce(a.status, '') NOT IN ('returned', 'expired')
    ORDER BY a.first
"""

# What is stored under the same key. Workers set aside stay so, whatever the file says (rule I1).
_STORED_ASSIGNMENT = f"""
    SELECT a.row, d.field, d.message, ARRAY[a.key, d.was]
    FROM responses_assignment a
    JOIN tasks_assignment e ON e.id = a.id
    JOIN tasks_hit h ON h.id = e.hit_id
    CROSS JOIN LATERAL (VALUES
      ('assignment', e.submitted_at IS NULL, '{{0}} exists and is not answered yet', ''),
      ('hit', e.hit_id <> a.hit_id, NULL, h.key),
      ('worker', e.worker_id <> a.worker, 'assignment {{0}} is stored as another worker''s', ''),
      ('round', e.round <> a.round, NULL, e.round::text),
      ('submitted_at', e.submitted_at <> a.submitted_at, NULL,
       to_char(e.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
      ('seconds', a.seconds IS NOT NULL AND e.active_seconds IS DISTINCT FROM a.seconds, NULL,
       coalesce(e.active_seconds::text, 'nothing')),
      ('status', {status("e")} <> a.status, NULL,
       {status("e")}),
      ('used', {used("e")} <> a.used
         AND NOT EXISTS (SELECT FROM tasks_stop s WHERE s.campaign_id = e.campaign_id
                         AND s.worker_id = e.worker_id), NULL,
       {used("e")}::text))
      AS compared (field, differs, says, was)
    CROSS JOIN LATERAL (SELECT compared.field, compared.was,
      coalesce(compared.says, 'assignment {{0}} is stored with {{1}}')) AS d (field, was, message)
    WHERE NOT a.is_new AND compared.differs
    ORDER BY a.first
"""

# Judgments under stored keys, each with its position among the items shown, from 1.
_FIND_STORED = """
    CREATE TEMPORARY TABLE responses_stored ON COMMIT DROP AS
    SELECT j.number, j.assignment_id, i.position AS item,
           array_position(e.shown, i.position) AS shown
    FROM responses_judgment j
    JOIN responses_assignment a ON a.id = j.assignment_id AND NOT a.is_new
    JOIN tasks_assignment e ON e.id = a.id AND e.hit_id = a.hit_id
    JOIN responses_item i ON i.hit_id = j.hit_id AND i.image = j.image AND i.label = j.label
    WHERE j.copy = 1 AND i.position = ANY (e.shown)
"""
_STORED_ANSWER = f"""
    SELECT j.row, d.field, 'assignment {{}} is stored with another answer for this item',
           ARRAY[e.key]
    FROM responses_stored s
    JOIN responses_judgment j ON j.number = s.number
    JOIN tasks_assignment e ON e.id = s.assignment_id
    CROSS JOIN LATERAL (SELECT e.answers -> (s.shown - 1) AS response) r
    CROSS JOIN LATERAL (VALUES
      ('selected', CASE
        WHEN s.item = ANY (e.unseen) OR j.answer = -1 THEN NOT (s.item = ANY (e.unseen)
          AND j.answer = -1)
        WHEN %(contains)s THEN j.answer <> CASE WHEN s.item = ANY (e.selected) THEN 1
          WHEN s.item = ANY (e.maybe) THEN 2 ELSE 0 END
        ELSE NOT ({_SAME_SELECTION.format(a="to_jsonb(j.selected)", b="(r.response->'selected')")})
        END),
      ('main', NOT %(contains)s AND j.answer <> -1
        AND {label_id("r.response -> 'main'")} IS DISTINCT FROM j.main),
      ('offered', NOT %(contains)s AND j.answer <> -1 AND j.offered_given
        AND r.response -> 'offered' IS DISTINCT FROM to_jsonb(j.offered))) AS d (field, differs)
    WHERE d.differs
    ORDER BY j.number
"""
_STORED_ORDER = """
    SELECT t.row, 'position', 'assignment {} is stored with its items in another order',
           ARRAY[t.key]
    FROM (SELECT j.number, j.row, a.key,
                 row_number() OVER (PARTITION BY a.id ORDER BY j.position) AS ours,
                 row_number() OVER (PARTITION BY a.id ORDER BY s.shown) AS theirs
          FROM responses_stored s
          JOIN responses_judgment j ON j.number = s.number AND j.position IS NOT NULL
          JOIN responses_assignment a ON a.id = s.assignment_id) t
    WHERE t.ours <> t.theirs
    ORDER BY t.number
"""
_ADDED_TO_AN_ANSWER = """
    SELECT j.row, 'assignment', '{} was answered on the site, without this item', ARRAY[a.key]
    FROM responses_judgment j
    JOIN responses_assignment a ON a.id = j.assignment_id AND NOT a.is_new
    JOIN tasks_assignment e ON e.id = a.id AND e.hit_id = a.hit_id AND NOT e.imported
    WHERE NOT EXISTS (SELECT FROM responses_stored s WHERE s.number = j.number) AND j.copy = 1
    ORDER BY j.number
"""
_CLOSED = """
    SELECT j.row, '', 'campaign {} is closed and takes no new answers', ARRAY[%(slug)s]
    FROM responses_judgment j
    WHERE j.copy = 1 AND NOT EXISTS (SELECT FROM responses_stored s WHERE s.number = j.number)
    ORDER BY j.number LIMIT 1
"""


def check(cursor, campaign: Campaign, counts: Counts, problems: Problems) -> None:
    """Note every error of the resolved file; fills responses_stored.

    `counts` tells which checks cannot find anything in this file.
    """
    contains = campaign.kind == Kind.CONTAINS
    published = campaign.published_at is not None
    cursor.execute(_FIND_STORED)
    cursor.execute("ANALYZE responses_stored")
    named, assignments = count(cursor, "named"), count(cursor, "assignment")
    within_file = [_ROWS_OF_AN_ASSIGNMENT, _SAME_KEY_TWICE] if assignments < named else []
    within_file += [_SAME_POSITION] if counts.positions else []
    within_file += [_CONTROL] if counts.controls else []
    within_file += [_ANSWERED_TWICE_IN_FILE] if counts.assignments else []
    for field, number in (("hit", counts.hits), ("assignment", counts.assignments)):
        if 0 < number < counts.judgments:
            within_file.append(_NAMED_AND_NOT.format(field=field))
    against_stored = [_UNKNOWN_HIT, _UNKNOWN_ITEM] if published else [_TOO_MANY_ITEMS]
    against_stored += [_ANSWERED_BEFORE, _STORED_ASSIGNMENT, _STORED_ORDER]
    against_stored += [_STORED_ANSWER, _ADDED_TO_AN_ANSWER]
    if campaign.state == State.CLOSED:
        against_stored.append(_CLOSED)
    params = {"slug": campaign.slug, "contains": contains}

    def run(query: str) -> None:
        cursor.execute(_FIRST_OF_EACH_KIND.format(query=query), params)
        for row, field, message, names, more in cursor.fetchall():
            problems.add(row, field, message.format(*map(_quoted, names)), 1 + more)

    with hash_joins(cursor):
        for query in within_file:
            run(query)
    for query in against_stored:
        run(query)


def _quoted(name: str | None) -> str:
    """A key in quotes, a number without."""
    return name if name and name.isdigit() else short(name)
