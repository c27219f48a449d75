"""The workers of a campaign with what a researcher weighs: pace, accuracy, agreement, habits."""

from dataclasses import dataclass

from django.db import connection

from tasks.aggregation.habits import habits
from tasks.models import Campaign, Flag, Stop, Worker, WorkerResult
from tasks.models.campaign import Kind

MOST = 50  # workers shown, those with the most answers


@dataclass(frozen=True)
class Row:
    """A worker in a campaign. Accuracy and agreement: of the last aggregation."""

    worker: Worker
    answers: int
    to_set_aside: int  # answers that setting them aside would take out of the results
    seconds: float | None  # a tile or picture, in the middle of their answers
    accuracy: float | None
    agreement: float | None
    habits: list[str]
    flags: list[str]
    stopped: str  # why they were set aside; "" if they were not

    @property
    def is_doubtful(self) -> bool:
        return bool(self.habits or self.flags)


# Of each worker with the most answers: what their answers look like as a whole.
_CONTAINS = """
    sum(cardinality(a.selected)), sum(cardinality(a.shown) - cardinality(a.unseen)), NULL, NULL
"""
_CLASSIFY = """
    NULL, NULL,
    sum((SELECT count(*) FROM jsonb_array_elements(a.answers) AS said
         WHERE said -> 'main' = said -> 'offered' -> 0
           AND jsonb_array_length(said -> 'offered') > 1)),
    sum((SELECT count(*) FROM jsonb_array_elements(a.answers) AS said
         WHERE jsonb_typeof(said -> 'main') = 'number'
           AND jsonb_array_length(said -> 'offered') > 1))
"""
_SQL = """
    SELECT a.worker_id, count(*),
           count(*) FILTER (WHERE a.state = 'submitted' AND NOT a.set_aside
                                  AND a.outcome <> 'rejected'),
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY a.active_seconds / nullif(cardinality(a.shown), 0)),
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY a.active_seconds / nullif(h.expected_seconds, 0)),
           {counts}
    FROM tasks_assignment a JOIN tasks_hit h ON h.id = a.hit_id
    WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL {only}
    GROUP BY a.worker_id ORDER BY 2 DESC, 1 LIMIT %(most)s
"""


def workers_of(campaign: Campaign, worker: Worker | None = None) -> list[Row]:
    """The MOST workers with the most answers; or one worker, if they have any."""
    counts = _CONTAINS if campaign.kind == Kind.CONTAINS else _CLASSIFY
    only = "" if worker is None else "AND a.worker_id = %(worker)s"
    params = {"campaign": campaign.pk, "worker": worker.pk if worker else None, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(counts=counts, only=only), params)
        counted = {row[0]: row[1:] for row in cursor.fetchall()}
    workers = Worker.objects.in_bulk(counted)
    results = {
        result.worker_id: result
        for result in WorkerResult.objects.filter(campaign=campaign, worker__in=counted)
    }
    stops = dict(
        Stop.objects.filter(campaign=campaign, worker__in=counted).values_list("worker", "reason")
    )
    flags: dict[int, list[str]] = {}
    for flag in Flag.objects.filter(campaign=campaign, worker__in=counted).order_by("kind", "pk"):
        flags.setdefault(flag.worker_id, []).append(flag.evidence)
    return [
        Row(
            worker=workers[pk],
            answers=answers,
            to_set_aside=used,
            seconds=seconds,
            accuracy=results[pk].control_accuracy if pk in results else None,
            agreement=results[pk].agreement if pk in results else None,
            habits=habits(selected, judged, first, mains, answers, pace),
            flags=flags.get(pk, []),
            stopped=stops.get(pk, ""),
        )
        for pk, (answers, used, seconds, pace, selected, judged, first, mains) in counted.items()
    ]
