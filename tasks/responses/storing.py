"""Stores the judgments of a checked file: HITs, items, pairs, assignments, places."""

import secrets
from dataclasses import dataclass, field

from django.conf import settings

from imagesets.clock import database_now
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.responses.references import unchecked_references
from tasks.responses.resolving import hash_joins
from tasks.sql.used import used

FRESH = """
    SELECT j.* FROM responses_judgment j
    WHERE j.copy = 1 AND NOT EXISTS (SELECT FROM responses_stored s WHERE s.number = j.number)
"""

# A new HIT's public id: 96 bits that nobody can guess without the seed, which is not stored.
_HITS = """
    INSERT INTO tasks_hit (id, campaign_id, key, public_id, expected_seconds)
    SELECT h.id, %(campaign)s, h.key,
           translate(encode(substring(sha256(%(seed)s || int8send(h.id)), 1, 12), 'base64'),
                     '+/', '-_'),
           %(per_hit)s + %(per_item)s * n.items
    FROM responses_hit h
    JOIN (SELECT hit_id, count(*) AS items FROM responses_item GROUP BY hit_id) n
      ON n.hit_id = h.id
    WHERE h.is_new ORDER BY h.first
"""

_IMAGES = """
    INSERT INTO tasks_campaignimage (campaign_id, image_id, "group", asked, inclusion_probability)
    SELECT %(campaign)s, t.image, '', true, 1
    FROM (SELECT DISTINCT image FROM responses_item WHERE NOT control) t
    ORDER BY t.image
    ON CONFLICT (campaign_id, image_id) DO UPDATE SET asked = true
    WHERE NOT tasks_campaignimage.asked
"""

# The labels asked about; in CLASSIFY, the labels offered.
_ASKED = {
    Kind.CONTAINS: "SELECT image, label, control FROM responses_item",
    Kind.CLASSIFY: """
        SELECT j.image, unnest(j.offered) AS label, i.control
        FROM responses_judgment j
        JOIN responses_item i ON i.hit_id = j.hit_id AND i.image = j.image
        WHERE j.copy = 1 AND j.answer <> -1
    """,
}
_PAIRS = """
    INSERT INTO tasks_pair (campaign_id, image_id, label_id, sources)
    SELECT DISTINCT %(campaign)s, t.image, t.label, '["import"]'::jsonb
    FROM ({asked}) t WHERE NOT t.control
    ORDER BY t.image, t.label ON CONFLICT DO NOTHING
"""
_LABELS = """
    INSERT INTO tasks_campaignlabel
      (campaign_id, label_id, names, definition, wikipedia, translations)
    SELECT %(campaign)s, l.id, to_jsonb(l.names), l.definition, to_jsonb(l.wikipedia),
           l.translations
    FROM imagesets_label l WHERE l.id IN (SELECT t.label FROM ({asked}) t)
    ORDER BY l.id ON CONFLICT DO NOTHING
"""

_ITEMS = """
    INSERT INTO tasks_hititem
      (hit_id, position, section, image_id, label_id, pair_id, role, known)
    SELECT i.hit_id, i.position, i.section, i.image, nullif(i.label, 0), p.id,
           CASE WHEN i.control THEN 'control' ELSE 'study' END, NULL
    FROM responses_item i
    LEFT JOIN tasks_pair p ON p.campaign_id = %(campaign)s AND p.image_id = i.image
      AND p.label_id = i.label AND NOT i.control
    WHERE i.is_new ORDER BY i.hit_id, i.position
"""

# An assignment's answer as arrays of positions, in the order shown.
_ANSWERS = """
    CREATE TEMPORARY TABLE responses_answer ON COMMIT DROP AS
    SELECT j.assignment_id,
           array_agg(i.position::smallint ORDER BY j.position, j.number) AS shown,
           {answers}
    FROM ({fresh}) j
    JOIN responses_item i ON i.hit_id = j.hit_id AND i.image = j.image AND i.label = j.label
    GROUP BY j.assignment_id
"""
_ARRAY = """
    coalesce(array_agg(i.position::smallint ORDER BY j.position, j.number)
             FILTER (WHERE j.answer = {answer}), '{{}}') AS {name}
"""
_RESPONSES = """
    jsonb_agg(jsonb_build_object(
      'offered', coalesce(j.offered, '{}'), 'selected', j.selected, 'main', j.main, 'other', '')
      ORDER BY j.position, j.number) AS answers
"""
_IN = {
    Kind.CONTAINS: _ANSWERS.format(
        fresh=FRESH,
        answers=", ".join(
            [
                _ARRAY.format(answer=answer, name=name)
                for name, answer in (("selected", 1), ("maybe", 2), ("unseen", -1))
            ]
            + ["NULL::jsonb AS answers"]
        ),
    ),
    Kind.CLASSIFY: _ANSWERS.format(
        fresh=FRESH,
        answers="'{}'::smallint[] AS selected, '{}'::smallint[] AS maybe, "
        + _ARRAY.format(answer=-1, name="unseen")
        + ", "
        + _RESPONSES,
    ),
}

# Answers of workers who were set aside are set aside too, whatever the file says (rule I1).
_ASSIGNMENTS = """
    INSERT INTO tasks_assignment
      (id, campaign_id, hit_id, worker_id, key, round, state, outcome, set_aside, imported,
       opened_at, submitted_at, sequence, shown, selected, maybe, unseen, answers, comment,
       active_seconds)
    SELECT a.id, %(campaign)s, a.hit_id, a.worker, a.key, coalesce(a.round, %(round)s),
           CASE WHEN st.status IN ('returned', 'expired') THEN st.status ELSE 'submitted' END,
           CASE WHEN st.status IN ('accepted', 'rejected') THEN st.status ELSE '' END,
           st.status IN ('accepted', 'submitted') AND (
             coalesce(st.status = 'accepted' AND NOT a.used, false)
             OR a.worker IN (SELECT worker_id FROM tasks_stop WHERE campaign_id = %(campaign)s)),
           true, coalesce(a.submitted_at, %(now)s), coalesce(a.submitted_at, %(now)s),
           %(sequence)s + a.first, g.shown, g.selected, g.maybe, g.unseen, g.answers, '',
           a.seconds
    FROM responses_assignment a
    CROSS JOIN LATERAL (SELECT coalesce(a.status, 'accepted') AS status) st
    JOIN responses_answer g ON g.assignment_id = a.id
    WHERE a.is_new
"""

# Judgments that an earlier import of the same assignment lacked: shown after the others.
_MORE_OF_AN_ASSIGNMENT = """
    UPDATE tasks_assignment e
    SET shown = e.shown || g.shown, selected = e.selected || g.selected,
        maybe = e.maybe || g.maybe, unseen = e.unseen || g.unseen,
        answers = e.answers || g.answers
    FROM responses_assignment a JOIN responses_answer g ON g.assignment_id = a.id
    WHERE NOT a.is_new AND e.id = a.id
"""

# An accepted answer takes a free place of its HIT, or adds one if none is free (rule I1). Imports
# are not reviewed, so answers waiting for review take none. Skips places being claimed right now.
_TAKING = f"""
    SELECT e.id, e.hit_id, row_number() OVER (PARTITION BY e.hit_id ORDER BY e.sequence) AS n
    FROM responses_assignment a JOIN tasks_assignment e ON e.id = a.id
    WHERE a.is_new AND {used("e")}
"""
_TAKE_PLACES = f"""
    WITH taking AS ({_TAKING}),
    free AS MATERIALIZED (
      SELECT p.id, p.hit_id, p.round FROM tasks_place p
      WHERE p.campaign_id = %(campaign)s AND p.hit_id IN (SELECT hit_id FROM taking)
        AND p.free_at <= statement_timestamp()
      ORDER BY p.id FOR UPDATE SKIP LOCKED),
    numbered AS (
      SELECT id, hit_id, row_number() OVER (PARTITION BY hit_id ORDER BY round, id) AS n FROM free)
    UPDATE tasks_place p SET holder_id = t.id, free_at = NULL
    FROM numbered f JOIN taking t ON t.hit_id = f.hit_id AND t.n = f.n WHERE p.id = f.id
"""
_MORE_PLACES = f"""
    INSERT INTO tasks_place (campaign_id, hit_id, round, shuffle, free_at, holder_id)
    SELECT %(campaign)s, t.hit_id, %(round)s, 0, NULL, t.id FROM ({_TAKING}) t
    WHERE NOT EXISTS (SELECT FROM tasks_place p WHERE p.holder_id = t.id)
    ORDER BY t.id
"""


@dataclass(frozen=True)
class ImportedResponses:
    """What an import added, and how many judgments of the file were known before."""

    judgments: int = 0
    unchanged: int = 0
    assignments: int = 0
    hits: int = 0
    workers: int = 0
    notes: list[str] = field(default_factory=list)  # what was assumed, with counts


def store(cursor, campaign: Campaign, workers: int) -> ImportedResponses:
    """Store what is new in a resolved and checked file. `workers`: how many were made."""
    kind = Kind(campaign.kind)
    seconds = settings.SECONDS_PER_TILE if kind == Kind.CONTAINS else settings.SECONDS_PER_IMAGE
    params = {
        "campaign": campaign.pk,
        "round": max(campaign.round, 1),
        "now": database_now(),
        "per_hit": settings.SECONDS_PER_HIT,
        "per_item": seconds,
        "seed": secrets.token_bytes(32),
    }
    cursor.execute(
        "SELECT coalesce(max(sequence), 0) FROM tasks_assignment WHERE campaign_id = %(campaign)s",
        params,
    )
    params["sequence"] = cursor.fetchone()[0]

    def run(statement: str) -> int:
        cursor.execute(statement, params)
        return cursor.rowcount

    with hash_joins(cursor), unchecked_references(cursor):
        hits = run(_HITS)
        if campaign.published_at is None:
            run(_IMAGES)
            run(_PAIRS.format(asked=_ASKED[kind]))
            run(_LABELS.format(asked=_ASKED[kind]))
            run(_ITEMS)
        run(_IN[kind])
        run("ANALYZE responses_answer")
        assignments = run(_ASSIGNMENTS)
    run(_MORE_OF_AN_ASSIGNMENT)
    if campaign.published_at is not None:
        run(_TAKE_PLACES)
        run(_MORE_PLACES)
    cursor.execute(f"SELECT count(*) FROM ({FRESH}) f")
    fresh = cursor.fetchone()[0]
    cursor.execute("SELECT count(*) FROM responses_staged")
    return ImportedResponses(fresh, cursor.fetchone()[0] - fresh, assignments, hits, workers)
