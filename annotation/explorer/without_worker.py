"""What setting a worker aside would change in a campaign's results, before it is done.

CONTAINS: the stored counts of the pairs that they judged, less their own answers. CLASSIFY: their
images' objects from all used answers, and from those of the others. Either is work in proportion to
what they did.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count
from numpy.typing import NDArray

from annotation.drawn.picture import Drawn
from imagesets.models import Image, Label
from tasks.aggregation.groups import image_groups
from tasks.aggregation.objects import ImageObjects, Response, image_objects
from tasks.crowds import crowd_of
from tasks.models import Assignment, Campaign, Place, Run, Worker
from tasks.models.assignment import USED, AssignmentState, Outcome
from tasks.models.campaign import Kind, State
from tasks.sql.judgments import ANSWERED, ITEMS, RESPONSE, SEEN
from tasks.sql.used import used

SHOWN = 12  # of each kind of change


@dataclass(frozen=True)
class Change:
    """What would change of a picture: "6 of 9" to "5 of 8", fu to easy, 2 objects to 1."""

    picture: Drawn
    what: str  # the label; "" where it is the whole picture
    before: str
    after: str
    note: str = ""


@dataclass(frozen=True)
class Changes:
    """A kind of change: how often, of how many, and the largest ones."""

    title: str
    number: int
    of: int
    unit: str
    first: list[Change] = field(default_factory=list)
    detail: str = ""


@dataclass(frozen=True)
class Places:
    """The places that open again, and what asking others costs."""

    number: int
    price: str  # of asking others for so many answers
    state: str  # of the campaign: what becomes of them
    in_budget: bool  # the campaign has a budget, beyond which places are given up


@dataclass(frozen=True)
class Effect:
    """All of it. `later`: used answers that the last aggregation has not seen."""

    answers: int  # that would leave
    used: int  # of these, that count in results
    later: int
    run: Run | None
    changes: list[Changes]
    places: Places


def effect_of(campaign: Campaign, worker: Worker) -> Effect:
    """What set_aside (tasks/work/stops.py) would change, as the last aggregation left it."""
    theirs = Assignment.objects.filter(campaign=campaign, worker=worker)
    leaving = theirs.filter(state=AssignmentState.SUBMITTED, set_aside=False).exclude(
        outcome=Outcome.REJECTED
    )
    run = campaign.runs.first()
    counted = theirs.filter(USED)
    seen = counted.none() if run is None else _seen(counted, run)
    changes: list[Changes] = []
    ids = list(seen.values_list("pk", flat=True))
    if run is not None and ids:
        if campaign.kind == Kind.CONTAINS:
            changes = _of_pairs(campaign, ids)
        else:
            changes = _of_images(campaign, worker, ids, run)
    number = counted.count()
    return Effect(
        leaving.count(), number, number - len(ids), run, changes, _places(campaign, leaving)
    )


def _seen(answers: Any, run: Run) -> Any:
    """Those that were as they are now when the run began."""
    return answers.filter(submitted_at__lte=run.started_at).exclude(
        transitions__at__gt=run.started_at
    )


def _places(campaign: Campaign, leaving: Any) -> Places:
    crowd, number, cost = crowd_of(campaign), 0, Decimal(0)
    held = Place.objects.filter(holder__in=leaving).values_list("hit__reward").order_by()
    for reward, places in held.annotate(Count("pk")):
        number += places
        cost += (reward + crowd.fee(reward)) * places
    return Places(number, campaign.as_money(cost), campaign.state, campaign.budget is not None)


# CONTAINS

_JUDGED = f"""
    SELECT i.pair_id, count(*) FILTER (WHERE i.position = ANY (a.selected)), count(*)
    FROM tasks_assignment a {ITEMS}
    WHERE a.id = ANY (%s) AND i.pair_id IS NOT NULL AND {SEEN}
    GROUP BY i.pair_id
"""
_PAIRS = """
    SELECT p.id, p.image_id, p.label_id, p.label_id = i.dataset_label_id,
           i.dataset_label_id IS NOT NULL, r.selected, r.shown
    FROM tasks_pair p
    JOIN imagesets_image i ON i.id = p.image_id
    JOIN tasks_pairresult r ON r.pair_id = p.id
    WHERE p.campaign_id = %s
      AND p.image_id IN (SELECT image_id FROM tasks_pair WHERE id = ANY (%s))
    ORDER BY p.id
"""


@dataclass(frozen=True)
class _Pairs:
    """All pairs of the pictures that the worker judged: counts as stored, and without theirs."""

    image: NDArray[np.int64]
    label: NDArray[np.int64]
    own: NDArray[np.bool_]
    has_own: NDArray[np.bool_]  # whether the image has a dataset label, in a pair or not
    selected: NDArray[np.int64]
    shown: NDArray[np.int64]
    less_selected: NDArray[np.int64]
    less_shown: NDArray[np.int64]

    @classmethod
    def of(cls, campaign: Campaign, assignments: list[int]) -> "_Pairs":
        with connection.cursor() as cursor:
            cursor.execute(_JUDGED, [assignments])
            judged = {pair: (yes, seen) for pair, yes, seen in cursor.fetchall()}
            cursor.execute(_PAIRS, [campaign.pk, list(judged)])
            rows = cursor.fetchall()
        table = np.array([[int(value or 0) for value in row] for row in rows], np.int64)
        pair, image, label, own, has_own, selected, shown = table.reshape(-1, 7).T
        theirs = np.array([judged.get(each, (0, 0)) for each in pair.tolist()], np.int64)
        yes, seen = theirs.reshape(-1, 2).T
        return cls(
            image,
            label,
            own.astype(bool),
            has_own.astype(bool),
            selected,
            shown,
            np.maximum(selected - yes, 0),
            np.maximum(shown - seen, 0),
        )


def _of_pairs(campaign: Campaign, assignments: list[int]) -> list[Changes]:
    pairs = _Pairs.of(campaign, assignments)
    judged = pairs.less_shown < pairs.shown
    follow_up = follow_up_of(campaign)
    need, share = rules_of(campaign, follow_up)
    half = _accepted(pairs.selected, pairs.shown)
    still = _accepted(pairs.less_selected, pairs.less_shown)
    moved = np.abs(
        pairs.selected / np.maximum(pairs.shown, 1)
        - pairs.less_selected / np.maximum(pairs.less_shown, 1)
    )
    short = judged & (pairs.shown >= need) & (pairs.less_shown < need)
    turned, moving = judged & (half != still), judged & (moved > 0)
    number = int(judged.sum())
    images, changed = _groups(pairs, need, share)
    shown = [at for rows in (turned, short, moving) for at in _first(rows, moved)]
    grouped = {image for image, *_ in changed[:SHOWN]}
    pictures = Image.objects.in_bulk(grouped | {int(pairs.image[at]) for at in shown})
    labels = Label.objects.in_bulk({int(pairs.label[at]) for at in shown})

    def listed(rows: NDArray[np.bool_], words: tuple[str, str] | None = None) -> list[Change]:
        return [
            Change(
                Drawn.of(pictures[int(pairs.image[at])]),
                labels[int(pairs.label[at])].names[0],
                _sf(pairs.selected[at], pairs.shown[at]),
                _sf(pairs.less_selected[at], pairs.less_shown[at]),
                "" if words is None else words[int(still[at])],
            )
            for at in _first(rows, moved)
        ]

    groups = Counter((before, after) for _, before, after in changed)
    return [
        Changes(
            "Pairs whose majority would change",
            int(turned.sum()),
            number,
            "pairs",
            listed(turned, ("no longer at least half", "now at least half")),
        ),
        Changes(
            f"Pairs left with fewer than {need} judgments",
            int(short.sum()),
            number,
            "pairs",
            listed(short),
        ),
        Changes(
            "Images that would change their group",
            len(changed),
            images,
            "images",
            [
                Change(Drawn.of(pictures[image]), "", before, after)
                for image, before, after in changed[:SHOWN]
            ],
            ", ".join(f"{n:,} from {b} to {a}" for (b, a), n in groups.most_common())
            + (f"; {follow_up.name} keeps those it was published with" if follow_up else ""),
        ),
        Changes(
            "Selection frequencies that would move",
            int(moving.sum()),
            number,
            "pairs",
            listed(moving),
            f"on average by {moved[judged].mean():.3f}, at most by {moved[judged].max():.2f}"
            if number
            else "",
        ),
    ]


def rules_of(contains: Campaign, follow_up: Campaign | None) -> tuple[int, Fraction]:
    """`min_judgments` and `min_relative_sf` of its follow-up, or what one would begin with."""
    least = follow_up.min_judgments if follow_up else None
    share = follow_up.min_relative_sf if follow_up else contains.min_relative_sf
    return least or contains.judgments_needed, Fraction(share)


def follow_up_of(contains: Campaign) -> Campaign | None:
    """The newest that is no draft."""
    return Campaign.objects.filter(source=contains).exclude(state=State.DRAFT).first()


def _accepted(selected: NDArray[np.int64], shown: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (shown > 0) & (2 * selected >= shown)


def _first(rows: NDArray[np.bool_], moved: NDArray[np.float64]) -> list[int]:
    """The first of these rows, the largest change first."""
    at = np.flatnonzero(rows)
    return at[np.argsort(-moved[at], kind="stable")][:SHOWN].tolist()


def _sf(selected: int, shown: int) -> str:
    return f"{selected} of {shown}" + (f", {selected / shown:.2f}" if shown else "")


def _groups(pairs: _Pairs, need: int, share: Fraction) -> tuple[int, list[tuple[int, str, str]]]:
    """How many images they judged a pair of; (image, group before, after) of those that change."""
    images, first, number = np.unique(pairs.image, return_index=True, return_inverse=True)
    before, after = (
        image_groups(
            number,
            pairs.own,
            selected,
            shown,
            images.size,
            min_judgments=need,
            min_relative_sf=share,
            has_dataset_label=pairs.has_own[first],
        ).tolist()
        for selected, shown in (
            (pairs.selected, pairs.shown),
            (pairs.less_selected, pairs.less_shown),
        )
    )
    rows = zip(images.tolist(), before, after, strict=True)
    return images.size, [row for row in rows if row[1] != row[2]]


# CLASSIFY

_RESPONSES = f"""
    SELECT i.image_id, a.worker_id, r.response ->> 'main', r.response -> 'selected'
    FROM tasks_assignment a {ITEMS} {RESPONSE}
    WHERE a.campaign_id = %(campaign)s AND {used()} AND {ANSWERED} AND i.role <> 'control'
      AND a.submitted_at <= %(until)s AND i.image_id = ANY (%(images)s)
      AND a.hit_id IN (SELECT h.hit_id FROM tasks_hititem h WHERE h.image_id = ANY (%(images)s))
    ORDER BY a.submitted_at, a.sequence, a.id, s.number
"""
_IMAGES = f"""
    SELECT DISTINCT i.image_id FROM tasks_assignment a {ITEMS} {RESPONSE}
    WHERE a.id = ANY (%s) AND {ANSWERED} AND i.role <> 'control'
"""


def _of_images(
    campaign: Campaign, worker: Worker, assignments: list[int], run: Run
) -> list[Changes]:
    with connection.cursor() as cursor:
        cursor.execute(_IMAGES, [assignments])
        ids = [row[0] for row in cursor.fetchall()]
        params: dict[str, Any] = {"campaign": campaign.pk, "images": ids, "until": run.started_at}
        cursor.execute(_RESPONSES, params)
        rows = cursor.fetchall()
    answers: dict[int, list[tuple[int, str | None, list[int]]]] = defaultdict(list)
    for image, who, main, selected in rows:
        chosen = json.loads(selected) if isinstance(selected, str) else selected
        answers[image].append((who, main, chosen or []))
    images = Image.objects.select_related("dataset_label").in_bulk(ids)
    labels = Label.objects.filter(dataset=campaign.dataset_id, pk__in=_named(answers.values()))
    key = dict(labels.values_list("pk", "key"))
    name = {label.key: label.names[0] for label in labels}
    both: dict[int, tuple[ImageObjects, ImageObjects]] = {}
    for image, given in answers.items():
        own = images[image].dataset_label
        both[image] = (
            _objects(given, None, key, own.key if own else None),
            _objects(given, worker.pk, key, own.key if own else None),
        )
    need = campaign.judgments_needed

    def listed(what: Any, changed: Any) -> tuple[int, list[Change]]:
        """How many images answer `what` differently without the worker, and the first of them."""
        found = [image for image in sorted(both) if changed(*both[image])]
        return len(found), [
            Change(Drawn.of(images[image]), "", what(both[image][0]), what(both[image][1]))
            for image in found[:SHOWN]
        ]

    kinds = (
        (
            "Images whose main label would change",
            lambda found: name.get(found.main_label or "", "none"),
            lambda a, b: a.main_label != b.main_label,
        ),
        (
            "Images whose number of objects would change",
            lambda found: f"{found.num_objects if found.num_objects is not None else 'none'}",
            lambda a, b: a.num_objects != b.num_objects,
        ),
        (
            "Images whose main object would leave the dataset label's, or come back to it",
            lambda found: "another one" if found.disagrees else "the same, or one object",
            lambda a, b: a.disagrees != b.disagrees,
        ),
        (
            f"Images left with fewer than {need} answers",
            lambda found: f"{found.workers} answers",
            lambda a, b: a.workers >= need > b.workers,
        ),
    )
    return [
        Changes(title, number, len(both), "images", first)
        for title, what, changed in kinds
        for number, first in [listed(what, changed)]
    ]


def _named(answers: Iterable[list[tuple[int, str | None, list[int]]]]) -> set[int]:
    return {label for given in answers for _, _, selected in given for label in selected}


def _objects(
    given: list[tuple[int, str | None, list[int]]],
    without: int | None,
    key: dict[int, str],
    own: str | None,
) -> ImageObjects:
    responses = [
        Response([key[label] for label in selected], key.get(int(main)) if main else None)
        for who, main, selected in given
        if who != without
    ]
    return image_objects(responses, own, skip_too_hard=True)
