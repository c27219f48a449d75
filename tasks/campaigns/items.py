"""Lays a campaign's pairs and controls out in HITs, and writes the HITs and their items."""

import io
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from tasks import money
from tasks.campaigns.controls import Control, Laid, draw, of_one_object
from tasks.campaigns.follow_up import CountedPair
from tasks.campaigns.layout import (
    controls_beside,
    lay_out_grids,
    lay_out_images,
    room_beside_controls,
)
from tasks.models import HIT, Campaign, Pair
from tasks.models.campaign import Kind
from tasks.results.prevalence import keep_expected


@dataclass(frozen=True)
class Item:
    """A tile or picture of a HIT being laid out."""

    section: int
    image: int
    label: int | None = None
    pair: int | None = None
    control: Control | None = None

    @property
    def columns(self) -> tuple:
        """section, image, label, pair, role, known, weak."""
        if self.control is None:
            return self.section, self.image, self.label, self.pair, "study", None, False
        known, weak = self.control.present, self.control.weak
        return self.section, self.image, self.label, None, "control", known, weak


def lay_out(campaign: Campaign, of_source: Sequence[CountedPair] = ()) -> tuple[int, list[Control]]:
    """Write the HITs and items of a campaign's pairs, with controls.

    `of_source`: the pairs of its source, counted. Returns how many HITs there are, and the controls
    in them.
    """
    contains = campaign.kind == Kind.CONTAINS
    if contains:
        items, controls = _with_controls(campaign, lambda share: _grids(campaign, share))
    else:
        asked = Pair.objects.filter(campaign=campaign).values_list("image_id", flat=True)
        items, controls, _ = pictures(campaign, set(asked.distinct()), of_source)
    seconds = [money.expected_seconds(campaign.kind, len(hit)) for hit in items]
    hits = HIT.objects.bulk_create(
        [
            HIT(
                campaign=campaign,
                key=f"{number:06d}",
                expected_seconds=expected,
                reward=money.reward_of(campaign, expected),
            )
            for number, expected in enumerate(seconds, 1)
        ],
        batch_size=5000,
    )
    _copy_items(
        (hit.pk, position, *item.columns)
        for hit, laid in zip(hits, items, strict=True)
        for position, item in enumerate(laid)
    )
    if contains:
        keep_expected(campaign)
    return len(hits), controls


def _grids(campaign: Campaign, share: float) -> list[list[Item]]:
    """CONTAINS: the items of each HIT, section by section."""
    pairs = list(
        Pair.objects.filter(campaign=campaign)
        .order_by("pk")
        .values_list("pk", "image_id", "label_id")
    )
    plans = lay_out_grids(
        [(image, label) for _, image, label in pairs],
        campaign.grid_size,
        campaign.max_sections,
        campaign.seed,
        room_beside_controls(campaign.grid_size, share),
    )
    laid = [
        Laid(
            labels=[pairs[section[0]][2] for section in plan.sections],
            images=set(plan.images),
            wanted=min(controls_beside(plan.tiles, share), campaign.grid_size - plan.tiles),
        )
        for plan in plans
    ]
    if share:
        draw(campaign, laid, campaign.seed)
    rng = random.Random(campaign.seed)
    hits = []
    for plan, controls in zip(plans, laid, strict=True):
        sections = [
            [Item(number, pairs[i][1], pairs[i][2], pairs[i][0]) for i in indexes]
            for number, indexes in enumerate(plan.sections)
        ]
        for number, control in controls.drawn:
            where = rng.randrange(len(sections[number]) + 1)
            item = Item(number, control.image, control.label, control=control)
            sections[number].insert(where, item)
        hits.append([item for section in sections for item in section])
    return hits


def pictures(
    campaign: Campaign, asked: Iterable[int], of_source: Sequence[CountedPair]
) -> tuple[list[list[Item]], list[Control], int]:
    """CLASSIFY: the items of each HIT that asks these images, and their controls. Writes nothing.

    `of_source`: the pairs of its source, counted. Last, of how many controls these were drawn.
    """
    images = sorted(asked)
    usable: list[Control] = []
    if campaign.controls.get("share", 0):
        usable = of_one_object(campaign, set(images), of_source, campaign.seed)
    items, controls = _with_controls(
        campaign, lambda share: _pictures(campaign, images, share, list(usable))
    )
    return items, controls, len(usable)


def _with_controls(
    campaign: Campaign, lay: Callable[[float], list[list[Item]]]
) -> tuple[list[list[Item]], list[Control]]:
    """HITs laid out with the campaign's share of controls, and the controls."""
    share = campaign.controls.get("share", 0)
    items = lay(share)
    controls = [item.control for hit in items for item in hit if item.control is not None]
    if share and not controls:
        items = lay(0)  # no room is kept for controls that do not exist (rule K1)
    return items, controls


def _pictures(
    campaign: Campaign, images: list[int], share: float, unused: list[Control]
) -> list[list[Item]]:
    size = room_beside_controls(campaign.images_per_hit, share)
    rng = random.Random(campaign.seed)
    hits = []
    for hit in lay_out_images(images, size, campaign.seed):
        number = min(controls_beside(len(hit), share), len(unused))
        controls = [unused.pop() for _ in range(number)]
        shown: list[tuple[int, Control | None]] = [(image, None) for image in hit]
        for control in controls:
            shown.insert(rng.randrange(len(shown) + 1), (control.image, control))
        hits.append(
            [
                Item(section, image, control.label if control else None, control=control)
                for section, (image, control) in enumerate(shown)
            ]
        )
    return hits


def _copy_items(rows: Iterable[tuple]) -> None:
    """Write items by COPY: (hit, position, section, image, label, pair, role, known, weak)."""
    buffer = io.StringIO()

    def flush(cursor) -> None:
        buffer.seek(0)
        cursor.copy_expert(
            "COPY tasks_hititem (hit_id, position, section, image_id, label_id, pair_id, role,"
            " known, weak) FROM STDIN",
            buffer,
        )
        buffer.seek(0)
        buffer.truncate()

    with connection.cursor() as cursor:
        for number, row in enumerate(rows, 1):
            buffer.write("\t".join(r"\N" if v is None else str(v) for v in row) + "\n")
            if number % 100_000 == 0:
                flush(cursor)
        flush(cursor)
