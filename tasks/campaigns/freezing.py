"""What a campaign asks, frozen: its images, their candidates, the labels' words, HITs and items."""

import io
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from django.db import connection

from tasks import money
from tasks.aggregation.follow_up import labels_to_offer, labels_without_source, sample_groups
from tasks.campaigns.choosing import candidate_rows, chosen_images
from tasks.campaigns.controls import Control, Laid, draw, of_one_object
from tasks.campaigns.follow_up import candidates_by_image, groups_of, models_candidates
from tasks.campaigns.layout import (
    controls_beside,
    lay_out_grids,
    lay_out_images,
    room_beside_controls,
)
from tasks.models import HIT, Campaign, CampaignImage, CampaignLabel, Pair
from tasks.models.campaign import Kind
from tasks.models.refused import Refused
from tasks.results.prevalence import keep_expected


@dataclass
class Published:
    """What publishing laid out, and what it costs: the first round, and all R answers."""

    images: int = 0
    pairs: int = 0
    hits: int = 0
    controls: int = 0  # places of control items in HITs
    groups: Counter = field(default_factory=Counter)  # of the source's images
    nothing_to_offer: int = 0
    first_round: money.Cost = field(default_factory=money.Cost)
    whole: money.Cost = field(default_factory=money.Cost)
    resumed: bool = False


def freeze(campaign: Campaign) -> Published:
    """Write down what a draft asks, by its settings as they are now. Raises Refused."""
    published = _freeze_follow_up(campaign) if campaign.source else _freeze_candidates(campaign)
    if not published.images:
        raise Refused(f"campaign {campaign.slug} cannot be published: no image is left to ask")
    _freeze_labels(campaign)
    published.hits, published.controls = _lay_out(campaign)
    return published


def _freeze_candidates(campaign: Campaign) -> Published:
    """Pairs out of the classifiers' predictions and the dataset labels."""
    images = chosen_images(campaign)
    sql, params = candidate_rows(campaign, images)
    published = Published()
    if campaign.kind == Kind.CONTAINS:
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                INSERT INTO tasks_pair (campaign_id, image_id, label_id, sources)
                SELECT %(campaign)s, image_id, label_id, sources FROM ({sql}) candidates
                ORDER BY image_id, label_id
                """,
                params | {"campaign": campaign.pk},
            )
            published.pairs = cursor.rowcount
    else:
        offered = {
            image: labels_without_source(candidates, max_offered=campaign.max_offered)
            for image, candidates in models_candidates(sql, params).items()
        }
        published.pairs = _store_offered(campaign, offered)
    asked = set(
        Pair.objects.filter(campaign=campaign).values_list("image_id", flat=True).distinct()
    )
    CampaignImage.objects.bulk_create(
        [
            CampaignImage(
                campaign=campaign,
                image_id=image,
                asked=image in asked,
                inclusion_probability=float(image in asked),
            )
            for image in images
        ],
        batch_size=5000,
    )
    published.images = len(asked)
    published.nothing_to_offer = len(images) - len(asked)
    return published


def _freeze_follow_up(campaign: Campaign) -> Published:
    """The source's images by group: which are asked, and with which labels (SCIENCE 3)."""
    source = campaign.source
    assert source is not None
    groups = groups_of(
        source, campaign.min_relative_sf, campaign.min_judgments or source.judgments_needed
    )
    chosen = set(chosen_images(campaign))
    images = [image for image in groups if image in chosen]
    sample = sample_groups(
        [groups[image] for image in images],
        campaign.follow_up_or_default,
        seed=campaign.seed,
    )
    asked = {image for image, yes in zip(images, sample.asked, strict=True) if yes}
    offered = {
        image: labels
        for image, candidates in candidates_by_image(source).items()
        if image in asked
        and (
            labels := labels_to_offer(
                candidates,
                max_offered=campaign.max_offered,
                min_relative_sf=Fraction(campaign.min_relative_sf),
            )
        )
    }
    published = Published(
        images=len(offered),
        pairs=_store_offered(campaign, offered),
        groups=Counter(groups.values()),
        nothing_to_offer=len(asked) - len(offered),
    )
    probability = dict(zip(images, sample.probability, strict=True))
    CampaignImage.objects.bulk_create(
        [
            CampaignImage(
                campaign=campaign,
                image_id=image,
                group=group,
                asked=image in offered,
                inclusion_probability=float(probability.get(image, 0.0)),
            )
            for image, group in groups.items()
        ],
        batch_size=5000,
    )
    return published


def _store_offered(campaign: Campaign, offered: dict[int, list[str]]) -> int:
    """The labels offered (keys) as pairs; their rank is kept in `sources`. Returns how many."""
    ids = dict(campaign.dataset.labels.values_list("key", "pk"))
    pairs = [
        Pair(campaign=campaign, image_id=image, label_id=ids[label], sources=[["offered", rank]])
        for image, labels in sorted(offered.items())
        for rank, label in enumerate(labels, 1)
    ]
    Pair.objects.bulk_create(pairs, batch_size=5000)
    return len(pairs)


def _freeze_labels(campaign: Campaign) -> None:
    """Copy what workers read of each label asked about: a later edit does not reach them."""
    labels = campaign.dataset.labels.filter(
        pk__in=Pair.objects.filter(campaign=campaign).values("label_id")
    )
    CampaignLabel.objects.bulk_create(
        [
            CampaignLabel(
                campaign=campaign,
                label=label,
                names=label.names,
                definition=label.definition,
                wikipedia=label.wikipedia,
            )
            for label in labels
        ],
        batch_size=5000,
        ignore_conflicts=True,
    )


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


def _lay_out(campaign: Campaign) -> tuple[int, int]:
    """HITs and items of a campaign's pairs, with controls. Returns how many HITs and controls."""
    share = campaign.controls.get("share", 0)
    contains = campaign.kind == Kind.CONTAINS
    lay = _grids if contains else _pictures
    items = lay(campaign, share)
    if share and not any(item.control for hit in items for item in hit):
        items = lay(campaign, 0)  # there are none: no room is kept for them
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
    else:
        _store_foils(campaign, items)
    return len(hits), sum(item.control is not None for hit in items for item in hit)


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
        for number, control in controls.found:
            where = rng.randrange(len(sections[number]) + 1)
            item = Item(number, control.image, control.label, control=control)
            sections[number].insert(where, item)
        hits.append([item for section in sections for item in section])
    return hits


def _pictures(campaign: Campaign, share: float) -> list[list[Item]]:
    """CLASSIFY: the items of each HIT."""
    images = sorted(
        Pair.objects.filter(campaign=campaign).values_list("image_id", flat=True).distinct()
    )
    size = room_beside_controls(campaign.images_per_hit, share)
    ready = of_one_object(campaign, set(images), campaign.seed) if share else []
    rng = random.Random(campaign.seed)
    hits = []
    for hit in lay_out_images(images, size, campaign.seed):
        mine = [ready.pop() for _ in range(min(controls_beside(len(hit), share), len(ready)))]
        shown: list[tuple[int, Control | None]] = [(image, None) for image in hit]
        for control in mine:
            shown.insert(rng.randrange(len(shown) + 1), (control.image, control))
        hits.append(
            [
                Item(number, image, control.label if control else None, control=control)
                for number, (image, control) in enumerate(shown)
            ]
        )
    return hits


def _store_foils(campaign: Campaign, hits: list[list[Item]]) -> None:
    """The labels offered for the controls of CLASSIFY: the settled one and its foils."""
    controls = [item.control for hit in hits for item in hit if item.control is not None]
    pairs = [
        Pair(campaign=campaign, image_id=control.image, label_id=label, sources=["control"])
        for control in controls
        for label in (control.label, *control.foils)
    ]
    Pair.objects.bulk_create(pairs, batch_size=5000)
    _freeze_labels(campaign)


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
