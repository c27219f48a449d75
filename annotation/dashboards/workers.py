"""The workers of a campaign with what a researcher weighs: pace, accuracy, agreement, flags."""

from dataclasses import dataclass

from django.db import connection

from tasks.models import Campaign, Flag, Stop, Worker, WorkerResult

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
    flags: list[Flag]
    stopped: str  # why they were set aside; "" if they were not

    @property
    def told(self) -> list[tuple[str, str, int]]:
        """Of each kind of flag: its name, the evidence of the first, and how many more."""
        kinds: dict[str, list[Flag]] = {}
        for flag in self.flags:
            kinds.setdefault(flag.get_kind_display(), []).append(flag)
        return [(kind, flags[0].evidence, len(flags) - 1) for kind, flags in kinds.items()]


_SQL = """
    SELECT worker_id, count(*),
           count(*) FILTER (WHERE state = 'submitted' AND NOT set_aside AND outcome <> 'rejected'),
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY active_seconds / nullif(cardinality(shown), 0))
    FROM tasks_assignment
    WHERE campaign_id = %(campaign)s AND submitted_at IS NOT NULL {only}
    GROUP BY worker_id ORDER BY 2 DESC, 1 LIMIT %(most)s
"""


def workers_of(campaign: Campaign, worker: Worker | None = None) -> list[Row]:
    """The MOST workers with the most answers; or one worker, if they have any."""
    only = "" if worker is None else "AND worker_id = %(worker)s"
    params = {"campaign": campaign.pk, "worker": worker.pk if worker else None, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(only=only), params)
        counted = {row[0]: row[1:] for row in cursor.fetchall()}
    workers = Worker.objects.in_bulk(counted)
    results = {
        result.worker_id: result
        for result in WorkerResult.objects.filter(campaign=campaign, worker__in=counted)
    }
    stops = dict(
        Stop.objects.filter(campaign=campaign, worker__in=counted).values_list("worker", "reason")
    )
    flags: dict[int, list[Flag]] = {}
    for flag in Flag.objects.filter(campaign=campaign, worker__in=counted).order_by("kind", "pk"):
        flags.setdefault(flag.worker_id, []).append(flag)
    return [
        Row(
            worker=workers[pk],
            answers=answers,
            to_set_aside=used,
            seconds=seconds,
            accuracy=results[pk].control_accuracy if pk in results else None,
            agreement=results[pk].agreement if pk in results else None,
            flags=flags.get(pk, []),
            stopped=stops.get(pk, ""),
        )
        for pk, (answers, used, seconds) in counted.items()
    ]
