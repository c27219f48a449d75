"""Who works carelessly: control accuracy from the stored answers (SCIENCE: rule 10).

Counted are a HIT's controls, and in CONTAINS pairs on which at least three others agree, or of
which the answer is known though they are asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Q, QuerySet

from tasks.aggregation import control_skill, may_be_stopped, peer_controls
from tasks.models import Assignment, Campaign
from tasks.models.campaign import Kind
from tasks.models.campaign_settings import default_of

OVERLAP = timedelta(minutes=10)  # answers of before the last sync that may not have been seen by it


@dataclass(frozen=True)
class Verdict:
    """A worker whose control accuracy is surely too low."""

    worker_id: int
    reason: str
    may_be_rejected: bool  # weak controls apart, what is left says so as well


@dataclass
class Judged:
    """Judgments of known items, one entry each: worker's index, presence, answer, weak."""

    worker: np.ndarray
    present: np.ndarray
    answer: np.ndarray
    weak: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int, bool]]) -> "Judged":
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 4)
        return cls(table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(bool))


def careless_workers(campaign: Campaign, waiting: QuerySet[Assignment]) -> dict[int, Verdict]:
    """By worker's id, those of the waiting and the newest answers that may be stopped.

    {} where the campaign names no least accuracy.
    """
    least = campaign.controls.get("min_accuracy")
    if least is None:
        return {}
    answered = Assignment.objects.filter(
        campaign=campaign, submitted_at__isnull=False, imported=False
    )
    if campaign.synced_at is not None:
        recent = Q(submitted_at__gte=campaign.synced_at - OVERLAP)
        answered = answered.filter(recent | Q(pk__in=waiting.values("pk")))
    workers = sorted(set(answered.values_list("worker_id", flat=True)))
    if not workers:
        return {}
    judged = _known(campaign, workers)
    least_items = campaign.controls.get("min_items", default_of("controls")["min_items"])
    skill = control_skill(judged.worker, judged.present, judged.answer, len(workers))
    strong = ~judged.weak
    sure = control_skill(
        judged.worker[strong], judged.present[strong], judged.answer[strong], len(workers)
    )
    rejectable = may_be_stopped(sure, least, least_items)
    return {
        workers[index]: Verdict(
            workers[index],
            f"control accuracy {skill.accuracy[index]:.2f},"
            f" at most {skill.accuracy_high[index]:.2f},"
            f" of {skill.positives[index]:.0f} with and {skill.negatives[index]:.0f} without the"
            f" object; wanted {least:g}",
            bool(rejectable[index]),
        )
        for index in np.flatnonzero(may_be_stopped(skill, least, least_items)).tolist()
    }


_ANSWER = """
    CASE WHEN i.position = ANY (a.unseen) THEN -1 WHEN i.position = ANY (a.selected) THEN 1
         WHEN i.position = ANY (a.maybe) THEN 2 ELSE 0 END
"""
_ITEMS = """
    FROM tasks_assignment a
    CROSS JOIN LATERAL unnest(a.shown) WITH ORDINALITY AS s (position, number)
    JOIN tasks_hititem i ON i.hit_id = a.hit_id AND i.position = s.position
    WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL
"""
_CONTROLS = f"""
    SELECT a.worker_id, i.known::int, {_ANSWER}, i.weak {_ITEMS}
      AND a.worker_id = ANY (%(workers)s) AND i.role = 'control' AND i.known IS NOT NULL
"""
# A label offered beside the settled one is a foil.
_FOILS = f"""
    SELECT a.worker_id, (o.label::int = i.label_id)::int,
           (r.response -> 'selected' @> to_jsonb(o.label::int))::int, i.weak
    {
    _ITEMS.replace(
        "WHERE",
        '''
    CROSS JOIN LATERAL (SELECT a.answers -> (s.number - 1)::int AS response) r
    CROSS JOIN LATERAL jsonb_array_elements_text(r.response -> 'offered') AS o (label) WHERE''',
    )
}
      AND a.worker_id = ANY (%(workers)s) AND i.role = 'control' AND i.known
      AND NOT i.position = ANY (a.unseen)
"""
_PEERS = f"""
    SELECT i.pair_id, a.worker_id, {_ANSWER}, coalesce((
      SELECT k.present::int FROM tasks_knownanswer k
      WHERE k.image_id = i.image_id AND k.label_id = i.label_id), -1) {_ITEMS}
      AND a.state = 'submitted' AND i.pair_id IS NOT NULL
      AND (a.worker_id = ANY (%(workers)s) OR NOT a.set_aside)
      AND a.hit_id IN (
        SELECT m.hit_id FROM tasks_assignment m
        WHERE m.campaign_id = %(campaign)s AND m.worker_id = ANY (%(workers)s)
          AND m.submitted_at IS NOT NULL)
"""


def _known(campaign: Campaign, workers: list[int]) -> Judged:
    """Their judgments of which the answer is known, by a control or by their peers."""
    index = {worker: number for number, worker in enumerate(workers)}
    params: dict[str, Any] = {"campaign": campaign.pk, "workers": workers}
    contains = campaign.kind == Kind.CONTAINS
    with connection.cursor() as cursor:
        cursor.execute(_CONTROLS if contains else _FOILS, params)
        controls = [(index[w], known, said, weak) for w, known, said, weak in cursor.fetchall()]
        if not contains:
            return Judged.of(controls)
        cursor.execute(_PEERS, params)
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 4)
    pairs, pair = np.unique(rows[:, 0], return_inverse=True)
    present = peer_controls(pair, rows[:, 2], len(pairs))
    present = np.where(rows[:, 3] >= 0, rows[:, 3], present)  # settled, though it is asked
    mine = np.isin(rows[:, 1], workers) & (present >= 0)
    ours = Judged.of(controls)
    return Judged(
        np.concatenate([ours.worker, np.searchsorted(workers, rows[mine, 1])]),
        np.concatenate([ours.present, present[mine]]),
        np.concatenate([ours.answer, rows[mine, 2]]),
        np.concatenate([ours.weak, np.zeros(int(mine.sum()), bool)]),
    )
