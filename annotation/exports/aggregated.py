"""Tables of results: what aggregation made of the answers about pairs, images and workers."""

from annotation.exports.cell_formats import Column
from annotation.exports.table import Table

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
