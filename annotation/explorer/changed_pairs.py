"""CONTAINS: what changes in selection frequencies and groups without the answers of one worker."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotation.drawn.picture import Drawn
from annotation.explorer.changes import SHOWN, Change, Changes
from imagesets.models import Image, Label
from tasks.aggregation.groups import image_groups
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.sql.judgments import ITEMS, SEEN

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


def changed_pairs(campaign: Campaign, assignments: list[int]) -> list[Changes]:
    """What changes without these answers of one worker, all of which have been counted."""
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
