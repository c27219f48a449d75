"""Finds careless workers by their control accuracy in the stored answers (rule K10).

It counts a HIT's controls and, in CONTAINS, the pairs on which at least three others agree or whose
answer is known (rule K8).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Q, QuerySet

from tasks.aggregation import control_skill, may_be_stopped, peer_controls
from tasks.aggregation.frequencies import MAYBE, NO, UNSEEN, YES
from tasks.models import Assignment, Campaign
from tasks.models.campaign import Kind
from tasks.models.campaign_settings import default_of
from tasks.sql.judgments import ITEMS, OFFERED_ON_CONTROLS, RESPONSE, SETTLED, answer

OVERLAP = timedelta(minutes=10)  # answers from before the last sync that it may have missed


@dataclass(frozen=True)
class Verdict:
    """A worker whose control accuracy is surely too low, and why."""

    worker_id: int
    reason: str
    may_be_rejected: bool  # the same holds without weak controls (rule K11)
    failed: int  # strong controls that they answered wrongly


@dataclass
class KnownJudgments:
    """Judgments of known items, one entry each: worker's index, presence, answer, weak."""

    worker: np.ndarray
    present: np.ndarray
    answer: np.ndarray
    weak: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int, bool]]) -> "KnownJudgments":
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 4)
        return cls(table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(bool))


def careless_workers(campaign: Campaign, waiting: QuerySet[Assignment]) -> dict[int, Verdict]:
    """The workers to stop, by id, of those with waiting or recent answers.

    Empty if the campaign sets no minimum accuracy.
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
    wrong = (judged.answer != UNSEEN) & ((judged.answer == YES) != (judged.present == 1))
    failed = np.bincount(judged.worker[strong & wrong], minlength=len(workers))
    rejectable = may_be_stopped(sure, least, least_items)
    return {
        workers[index]: Verdict(
            workers[index],
            f"control accuracy {skill.accuracy[index]:.2f},"
            f" at most {skill.accuracy_high[index]:.2f},"
            f" of {skill.positives[index]:.0f} with and {skill.negatives[index]:.0f} without the"
            f" object; wanted {least:g}",
            bool(rejectable[index]),
            int(failed[index]),
        )
        for index in np.flatnonzero(may_be_stopped(skill, least, least_items)).tolist()
    }


@dataclass(frozen=True)
class KnownAccuracy:
    """A worker's control accuracy so far, its 95 % interval, and the number of judged items."""

    accuracy: float
    low: float
    high: float
    items: int


def accuracy_so_far(campaign: Campaign, workers: Iterable[int]) -> dict[int, KnownAccuracy]:
    """By worker's id, from answers as they are now; those who judged too little are missing.

    Too little: no item that shows the object, or none that does not.
    """
    ids = sorted(set(workers))
    if not ids:
        return {}
    judged = _known(campaign, ids)
    skill = control_skill(judged.worker, judged.present, judged.answer, len(ids))
    return {
        worker: KnownAccuracy(
            float(skill.accuracy[index]),
            float(skill.accuracy_low[index]),
            float(skill.accuracy_high[index]),
            int(skill.positives[index] + skill.negatives[index]),
        )
        for index, worker in enumerate(ids)
        if skill.positives[index] and skill.negatives[index]
    }


_ANSWER = answer(f"{YES}", f"{MAYBE}", f"{NO}", f"{UNSEEN}")
_BY_WORKERS = """
    a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL AND a.worker_id = ANY (%(workers)s)
"""
_CONTROLS = f"""
    SELECT a.worker_id, i.known::int, {_ANSWER}, i.weak
    FROM tasks_assignment a {ITEMS}
    WHERE {_BY_WORKERS} AND i.role = 'control' AND i.known IS NOT NULL
"""
_FOILS = f"""
    SELECT a.worker_id, k.present, k.said, i.weak
    FROM tasks_assignment a {ITEMS} {RESPONSE} {OFFERED_ON_CONTROLS}
    WHERE {_BY_WORKERS} AND {SETTLED}
"""
_PEERS = f"""
    SELECT i.pair_id, a.worker_id, {_ANSWER}, coalesce((
      SELECT k.present::int FROM tasks_knownanswer k
      WHERE k.image_id = i.image_id AND k.label_id = i.label_id), -1)
    FROM tasks_assignment a {ITEMS}
    WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL
      AND a.state = 'submitted' AND i.pair_id IS NOT NULL
      AND (a.worker_id = ANY (%(workers)s) OR NOT a.set_aside)
      AND a.hit_id IN (
        SELECT m.hit_id FROM tasks_assignment m
        WHERE m.campaign_id = %(campaign)s AND m.worker_id = ANY (%(workers)s)
          AND m.submitted_at IS NOT NULL)
"""


def _known(campaign: Campaign, workers: list[int]) -> KnownJudgments:
    """The workers' judgments on items whose answer is known, from controls or peers."""
    index = {worker: number for number, worker in enumerate(workers)}
    params: dict[str, Any] = {"campaign": campaign.pk, "workers": workers}
    contains = campaign.kind == Kind.CONTAINS
    with connection.cursor() as cursor:
        cursor.execute(_CONTROLS if contains else _FOILS, params)
        controls = [
            (index[w], present, answer, weak) for w, present, answer, weak in cursor.fetchall()
        ]
        if not contains:
            return KnownJudgments.of(controls)
        cursor.execute(_PEERS, params)
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 4)
    pairs, pair = np.unique(rows[:, 0], return_inverse=True)
    present = peer_controls(pair, rows[:, 2], len(pairs))
    present = np.where(rows[:, 3] >= 0, rows[:, 3], present)  # the known answer prevails
    kept = np.isin(rows[:, 1], workers) & (present >= 0)
    on_controls = KnownJudgments.of(controls)
    return KnownJudgments(
        np.concatenate([on_controls.worker, np.searchsorted(workers, rows[kept, 1])]),
        np.concatenate([on_controls.present, present[kept]]),
        np.concatenate([on_controls.answer, rows[kept, 2]]),
        np.concatenate([on_controls.weak, np.zeros(int(kept.sum()), bool)]),
    )
