"""Keeps the flags of a campaign's workers and answers, for people who review (rule V4)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from tasks.aggregation.flags import alike, is_steady, reports_much, too_fast
from tasks.models import Arrival, Assignment, Campaign, Flag, Worker
from tasks.models.flag import HABITS, FlagKind

Ints = NDArray[np.int64]
Numbers = NDArray[Any]  # whole ones, in whatever type


def replace_flags(
    campaign: Campaign, workers: Ints, worker: Numbers, unit: Numbers, value: Numbers
) -> None:
    """Replace the campaign's flags, but those of habits, by those of its answers as they are.

    `workers`: ids, ascending; `worker` (an index of these), `unit`, `value`: all used judgments.
    """
    Flag.objects.filter(campaign=campaign).exclude(kind__in=HABITS).delete()
    place = _places(campaign, workers)
    flags = [
        *_alike(campaign, place, workers, worker, unit, value),
        *_fast(campaign, place, workers),
        *_by_hand(campaign),
        *_by_reports(campaign),
    ]
    Flag.objects.bulk_create(flags, batch_size=1000)


def _places(campaign: Campaign, workers: Ints) -> Ints:
    """(n_workers,): the number of each worker's network, -1 if it is not known."""
    networks = dict(
        Arrival.objects.filter(campaign=campaign)
        .exclude(network="")
        .order_by()
        .values_list("worker_id", "network")
    )
    numbers = {network: number for number, network in enumerate(sorted(set(networks.values())))}
    return np.array([numbers.get(networks.get(pk, ""), -1) for pk in workers.tolist()], np.int64)


def _alike(
    campaign: Campaign, place: Ints, workers: Ints, worker: Numbers, unit: Numbers, value: Numbers
) -> Iterator[Flag]:
    """One flag for each worker: the partner who agrees best, and how many others do."""
    partners = defaultdict(list)
    for pair in alike(place, worker, unit, value):
        for number, other in ((pair.first, pair.second), (pair.second, pair.first)):
            partners[number].append((pair.shared - pair.expected, other, pair))
    ids = [int(workers[number]) for number in partners]
    names = dict(Worker.objects.filter(pk__in=ids).values_list("pk", "pseudonym"))
    for number, agreements in partners.items():
        _, other, pair = max(agreements)
        others = f", and nearly so as {len(agreements) - 1} more" if len(agreements) > 1 else ""
        yield Flag(
            campaign=campaign,
            worker_id=int(workers[number]),
            kind=FlagKind.ALIKE,
            evidence=f"Gave the same answer as {names[int(workers[other])]}, of the same network,"
            f" to {pair.same:,} of {pair.shared:,} items about which workers differ{others};"
            f" two people who judge for themselves would agree on about {pair.expected:,.0f}.",
        )


def _fast(campaign: Campaign, place: Ints, workers: Ints) -> Iterator[Flag]:
    if not (place >= 0).any():
        return
    rows = np.array(
        Assignment.objects.filter(
            campaign=campaign, imported=False, wall_seconds__isnull=False, state="submitted"
        )
        .order_by()
        .values_list("worker_id", "wall_seconds", "hit__expected_seconds"),
        np.float64,
    ).reshape(-1, 3)
    worker = np.searchsorted(workers, rows[:, 0].astype(np.int64))
    for fast in too_fast(place, worker, rows[:, 1], rows[:, 2]):
        for number in fast.workers:
            own = float(np.median(rows[worker == number, 1]))
            yield Flag(
                campaign=campaign,
                worker_id=int(workers[number]),
                kind=FlagKind.FAST,
                evidence=f"Took {own:,.1f} s for a HIT (median). Half of all answers from the same"
                f" network took at most {fast.seconds:,.1f} s, where {fast.expected:,.0f} s are"
                f" expected; {len(fast.workers):,} of its workers are as fast.",
            )


def _by_hand(campaign: Campaign) -> Iterator[Flag]:
    measured = Assignment.objects.filter(
        campaign=campaign, hand__isnull=False, submitted_at__isnull=False
    )
    for assignment in measured.order_by().only("worker_id", "campaign_id", "hand").iterator():
        if evidence := evidence_of_hand(assignment.hand):
            yield Flag(
                campaign=campaign,
                worker_id=assignment.worker_id,
                assignment=assignment,
                kind=FlagKind.HAND,
                evidence=evidence,
            )


# Of each worker who reported pictures: how many, how many of these only they did although two
# others or more saw them, and how many they were shown.
_REPORTS = """
    SELECT r.worker_id, count(*),
           count(*) FILTER (WHERE others.reported = 0 AND others.saw >= 2),
           (SELECT coalesce(sum(cardinality(a.shown)), 0) FROM tasks_assignment a
            WHERE a.campaign_id = %(campaign)s AND a.worker_id = r.worker_id)
    FROM tasks_picturereport r
    CROSS JOIN LATERAL (
      SELECT (SELECT count(*) FROM tasks_picturereport o
              WHERE o.campaign_id = r.campaign_id AND o.image_id = r.image_id
                AND o.worker_id <> r.worker_id) AS reported,
             (SELECT count(DISTINCT a.worker_id) FROM tasks_hititem i
              JOIN tasks_assignment a ON a.hit_id = i.hit_id
              WHERE i.image_id = r.image_id AND a.campaign_id = r.campaign_id
                AND a.worker_id <> r.worker_id AND a.submitted_at IS NOT NULL
                AND NOT i.position = ANY (a.unseen)) AS saw) others
    WHERE r.campaign_id = %(campaign)s GROUP BY r.worker_id ORDER BY r.worker_id
"""


def _by_reports(campaign: Campaign) -> Iterator[Flag]:
    with connection.cursor() as cursor:
        cursor.execute(_REPORTS, {"campaign": campaign.pk})
        rows = cursor.fetchall()
    for worker, reported, alone, shown in rows:
        if reports_much(alone, shown):
            yield Flag(
                campaign=campaign,
                worker_id=worker,
                kind=FlagKind.REPORTS,
                evidence=f"Reported {reported:,} of the {shown:,} pictures shown to them; {alone:,}"
                " of these were seen by two other workers or more, and reported by none of them.",
            )


def evidence_of_hand(hand: dict[str, float] | None) -> str:
    """What speaks for a machine in what the page's script counted; "" if nothing does."""
    if not hand:
        return ""
    choices, pace, spread = int(hand["choices"]), hand["pace"], hand["spread"]
    if hand["events"] == 0:
        return "The form was sent without any pointer, key or click on its page."
    if is_steady(choices, pace, spread):
        return (
            f"Made {choices:,} choices at a constant pace: {pace:.2f} s apart, give or take"
            f" {spread:.3f} s."
        )
    return ""
