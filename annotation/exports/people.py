"""Tables of what people did beside their answers: consent, practice, verdicts, and their pay."""

from annotation.exports.cell_formats import Column, iso
from annotation.exports.table import ASSIGNMENTS_IN_ORDER, Table

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

# One row a session, or a worker (their id below 0) for what was earned outside of any. Without raw
# ids a session is a number of the site's: the crowd's own name for it may be its worker's id.
# Practice counts as base pay; a marketplace's fees and VAT are no worker's.
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
          SELECT k.place, w.pseudonym AS worker, w.external_id AS raw_worker,
                 s.id::text AS session, s.key AS raw_session, nullif(s.outcome, '') AS outcome,
                 coalesce(c.currency, 'USD') AS currency,
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
