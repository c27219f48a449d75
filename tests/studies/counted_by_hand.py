"""What a campaign's results must be, counted one answer at a time from its stored assignments."""

import math
from collections import defaultdict
from statistics import median
from typing import Any

import numpy as np
import pytest

from tasks.aggregation import (
    Response,
    fit_one_coin,
    fit_posteriors,
    image_objects,
    selection_frequencies,
)
from tasks.models import Assignment, Campaign, HITItem, ImageResult, PairResult, WorkerResult

# Sums in another order end EM elsewhere within its last step of 1e-7, which where it is slow is
# a good deal farther from the fixed point.
SAME = 1e-4


def used(campaign: Campaign) -> list[Assignment]:
    """Its used assignments, in order of submission."""
    return [
        one
        for one in Assignment.objects.filter(campaign=campaign).order_by(
            "submitted_at", "sequence", "id"
        )
        if one.state == "submitted" and one.outcome == "accepted" and not one.set_aside
    ]


def seen(assignment: Assignment) -> list[tuple[int, HITItem]]:
    """(place in the order shown, item) of what the worker saw; nothing that was withdrawn since."""
    rows = assignment.hit.items.select_related("image")
    items = {item.position: item for item in rows if item.image.withdrawn_at is None}
    return [
        (place, items[position])
        for place, position in enumerate(assignment.shown)
        if position not in assignment.unseen and position in items
    ]


def answer_to(assignment: Assignment, item: HITItem) -> int:
    return 1 if item.position in assignment.selected else 2 * (item.position in assignment.maybe)


def check_contains(campaign: Campaign) -> None:
    """Every number of a CONTAINS campaign's results."""
    rows, controls = [], defaultdict(list)
    for assignment in used(campaign):
        for _, item in seen(assignment):
            answer = answer_to(assignment, item)
            if item.role == "study":
                rows.append((assignment.worker_id, item.pair_id, answer))
            elif item.known is not None:
                controls[assignment.worker_id].append((item.known, answer == 1))
    workers = sorted({worker for worker, _, _ in rows})
    kept = campaign.pairs.filter(image__withdrawn_at=None)
    pairs = sorted(kept.values_list("pk", flat=True))
    worker = [workers.index(row[0]) for row in rows]
    pair = [pairs.index(row[1]) for row in rows]
    answers = [row[2] for row in rows]
    frequencies = selection_frequencies(np.array(pair, int), np.array(answers, int), len(pairs))
    # Of taus that predict few answers alike, the order of sums decides: the run's own is taken.
    convergence = campaign.runs.latest().convergence or {"tau": 1.0}
    fitted = fit_posteriors(
        np.array(worker, int),
        np.array(pair, int),
        np.array(answers, int),
        len(workers),
        len(pairs),
        taus=(convergence["tau"],),
    )
    results = {r.pair_id: r for r in PairResult.objects.filter(pair__campaign=campaign)}
    assert sorted(results) == pairs
    for number, pk in enumerate(pairs):
        one = results[pk]
        counts = (
            frequencies.selected[number],
            frequencies.maybe[number],
            frequencies.shown[number],
        )
        assert (one.selected, one.maybe, one.shown) == counts
        for stored, value in (
            (one.sf, frequencies.sf[number]),
            (one.sf_low, frequencies.low[number]),
            (one.sf_high, frequencies.high[number]),
        ):
            assert stored == (None if math.isnan(value) else value)  # to the last bit
        if rows:
            assert one.posterior == pytest.approx(fitted.posterior[number], abs=SAME)
        else:
            assert one.posterior is None
    run = campaign.runs.first()
    assert run.counts["judgments"] == len(rows)
    assert run.counts["workers"] == len(workers)
    accuracy = {}
    for who, answers in controls.items():
        kinds = [[known == right for known, right in answers if known == kind] for kind in (1, 0)]
        if all(kinds):
            accuracy[who] = sum(sum(kind) / len(kind) for kind in kinds) / 2
    check_workers(campaign, {(w, p): s for w, p, s in rows}, accuracy)


def check_classify(campaign: Campaign) -> None:
    """Every number of a CLASSIFY campaign's results."""
    keys = dict(campaign.dataset.labels.values_list("pk", "key"))
    responses: dict[int, list[Response]] = defaultdict(list)
    mains: dict[tuple[int, Any], Any] = {}
    for assignment in used(campaign):
        for place, item in seen(assignment):
            answer = assignment.answers[place]
            if item.role == "study":
                selected = [keys[label] for label in answer["selected"]]
                responses[item.image_id].append(Response(selected, keys.get(answer["main"])))
                mains[assignment.worker_id, (assignment.pk, item.image_id)] = answer["main"]
    results = {r.image_id: r for r in ImageResult.objects.filter(campaign=campaign)}
    every = campaign.campaign_images.select_related("image__dataset_label")
    images = [one for one in every if one.image.withdrawn_at is None]
    assert set(results) == {one.image_id for one in images}
    for one in images:
        own = one.image.dataset_label
        wanted = image_objects(responses[one.image_id], own and own.key)._asdict()
        wanted["objects_found"] = wanted.pop("objects")
        stored = results[one.image_id]
        assert {name: getattr(stored, name) for name in wanted} == wanted
    check_posteriors(campaign, mains)
    by_image = {(w, image): main for (w, (_, image)), main in mains.items()}
    check_workers(campaign, by_image, {})
    assert campaign.runs.first().counts["responses"] == len(mains)


def check_posteriors(campaign: Campaign, mains: dict[tuple[int, Any], Any]) -> None:
    """Of each image's main labels, over its own pairs.

    In the order of aggregation: a few random answers may have a ridge of fixed points, on which
    rounding alone decides how far EM goes.
    """
    kept = campaign.pairs.filter(image__withdrawn_at=None)
    candidates = sorted(kept.values_list("image", "label"))
    number = {one: n for n, one in enumerate(candidates)}
    everybody = Assignment.objects.filter(campaign=campaign, submitted_at__isnull=False)
    workers = sorted(set(everybody.values_list("worker_id", flat=True)))
    by_image = sorted(mains.items(), key=lambda response: response[0][1][1])
    named = [(workers.index(w), number[image, main]) for (w, (_, image)), main in by_image if main]
    fitted = fit_one_coin(
        [worker for worker, _ in named],
        [choice for _, choice in named],
        [image for image, _ in candidates],
        len(workers),
    )
    keys = dict(campaign.dataset.labels.values_list("pk", "key"))
    wanted: dict[int, dict[str, float]] = defaultdict(dict)
    for choice in {choice for _, choice in named}:
        image, label = candidates[choice]
        wanted[image][keys[label]] = pytest.approx(fitted.posterior[choice], abs=SAME)
    for result in ImageResult.objects.filter(campaign=campaign):
        assert result.main_posteriors == wanted.get(result.image_id)


def check_workers(
    campaign: Campaign, answers: dict[tuple[int, int], Any], accuracy: dict[int, float]
) -> None:
    """Workers' numbers: `answers` {(worker, unit): answer}, `accuracy` on controls by worker."""
    by_unit: dict[int, dict[int, Any]] = defaultdict(dict)
    for (worker, unit), answer in answers.items():
        by_unit[unit][worker] = answer
    compared: dict[int, list[bool]] = defaultdict(list)
    for (worker, unit), answer in answers.items():
        others = [a for w, a in by_unit[unit].items() if w != worker]
        for consensus in set(others):
            if len(others) >= 3 and 2 * others.count(consensus) > len(others):
                compared[worker].append(answer == consensus)
    done = defaultdict(list)
    for assignment in used(campaign):
        done[assignment.worker_id].append(assignment)
    results = WorkerResult.objects.filter(campaign=campaign)
    everybody = Assignment.objects.filter(campaign=campaign, submitted_at__isnull=False)
    assert {r.worker_id for r in results} == set(everybody.values_list("worker_id", flat=True))
    for result in results:
        assignments = done[result.worker_id]
        assert result.assignments == len(assignments)
        assert result.items == sum(len(seen(one)) for one in assignments)
        seconds = [one.active_seconds for one in assignments if one.active_seconds is not None]
        assert result.median_seconds == (median(seconds) if seconds else None)
        agreed = compared[result.worker_id]
        assert result.agreement == (sum(agreed) / len(agreed) if agreed else None)
        assert result.control_accuracy == pytest.approx(accuracy.get(result.worker_id))
