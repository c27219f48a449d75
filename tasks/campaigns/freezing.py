"""Freezes what a campaign asks: its images, their candidate labels and the labels' texts."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from django.db import connection

from tasks import money
from tasks.aggregation.follow_up import labels_to_offer, labels_without_source, sample_groups
from tasks.campaigns.choosing import candidate_rows, chosen_images, withdrawn_images
from tasks.campaigns.controls import Control
from tasks.campaigns.coverage import gaps
from tasks.campaigns.follow_up import (
    CountedPair,
    candidates_by_image,
    counted_pairs,
    groups_of,
    models_candidates,
)
from tasks.campaigns.items import lay_out
from tasks.campaigns.practice import lay_out_practice
from tasks.models import Campaign, CampaignImage, CampaignLabel, Pair
from tasks.models.campaign import Kind
from tasks.models.refused import Refused


@dataclass
class Published:
    """What publishing laid out, and the cost of the first round and of all R answers."""

    images: int = 0
    pairs: int = 0
    hits: int = 0
    controls: int = 0  # items of HITs that are controls
    groups: Counter = field(default_factory=Counter)  # of the source's images
    nothing_to_offer: int = 0
    gaps: list[str] = field(default_factory=list)  # sentences
    first_round: money.Cost = field(default_factory=money.Cost)
    whole: money.Cost = field(default_factory=money.Cost)
    practice: money.Cost = field(default_factory=money.Cost)  # of one person who needs all tries
    session: str = ""  # what a session is and pays, as a sentence
    audience: str = ""  # who may take part at the marketplace, likewise
    resumed: bool = False
    tests: list[str] = field(default_factory=list)  # where it can be tried out, in lines

    @property
    def notes(self) -> list[str]:
        """What it leaves out and what it rests on, a sentence each."""
        left_out = f"{self.nothing_to_offer:,} images have no labels to offer and are not asked."
        practised = (
            f"Whoever comes practises first, and passes or gets no work: at most"
            f" {self.practice.answers} tries, which cost {self.practice} beside the HITs."
        )
        return [
            *([left_out] if self.nothing_to_offer else []),
            *([self.session] if self.session else []),
            *([self.audience] if self.audience else []),
            *self.gaps,
            *([practised] if self.practice.answers else []),
        ]


def freeze(campaign: Campaign) -> Published:
    """Freeze what a draft asks, by its present settings, and lay it out. Raises Refused."""
    of_source: list[CountedPair] = []
    if campaign.source is None:
        published = _freeze_candidates(campaign)
    else:
        of_source = counted_pairs(campaign.source)
        published = _freeze_follow_up(campaign, campaign.source, of_source)
    if not published.images:
        raise nothing_to_ask(campaign)
    if withdrawn := withdrawn_images(campaign).count():
        published.gaps.append(f"Images withdrawn from the dataset, so not asked: {withdrawn:,}.")
    _freeze_labels(campaign)
    lay_out_practice(campaign)
    published.practice = money.cost_of_practice(campaign, people=1)
    published.hits, controls = lay_out(campaign, of_source)
    money.fix_session(campaign)
    published.session = money.session_in_words(campaign)
    published.controls = len(controls)
    if campaign.kind == Kind.CLASSIFY:
        _store_foils(campaign, controls)
    return published


def nothing_to_ask(campaign: Campaign) -> Refused:
    """What to say where the settings leave no image to ask."""
    return Refused(f"campaign {campaign.slug} cannot be published: no image is left to ask")


def _freeze_candidates(campaign: Campaign) -> Published:
    """Store the pairs of the candidate labels (rules C1 to C4)."""
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
        published.pairs = _store_offered(campaign, offered_by_models(campaign, sql, params))
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
    published.gaps = gaps(images, params)
    return published


def offered_by_models(campaign: Campaign, sql: str, params: dict) -> dict[int, list[str]]:
    """The labels that CLASSIFY offers for each image without a source: keys (rule G6)."""
    return {
        image: labels_without_source(candidates, max_offered=campaign.max_offered)
        for image, candidates in models_candidates(sql, params).items()
    }


@dataclass(frozen=True)
class Draw:
    """A source's images by group, and those drawn for CLASSIFY (rules G1 to G4)."""

    groups: dict[int, str]
    probability: dict[int, float]  # of being drawn; images that the campaign leaves out are missing
    drawn: set[int]

    @classmethod
    def of(cls, campaign: Campaign, source: Campaign, pairs: Sequence[CountedPair]) -> "Draw":
        """`pairs`: those of its source, counted."""
        groups = groups_of(
            source,
            pairs,
            campaign.min_relative_sf,
            campaign.min_judgments or source.judgments_needed,
        )
        chosen = set(chosen_images(campaign))
        images = [image for image in groups if image in chosen]
        sample = sample_groups(
            [groups[image] for image in images], campaign.follow_up_or_default, seed=campaign.seed
        )
        probability = dict(zip(images, sample.probability.tolist(), strict=True))
        drawn = {image for image, yes in zip(images, sample.asked, strict=True) if yes}
        return cls(groups, probability, drawn)

    def store(self, campaign: Campaign, asked: Container[int]) -> None:
        CampaignImage.objects.bulk_create(
            [
                CampaignImage(
                    campaign=campaign,
                    image_id=image,
                    group=group,
                    asked=image in asked,
                    inclusion_probability=self.probability.get(image, 0.0),
                )
                for image, group in self.groups.items()
            ],
            batch_size=5000,
        )


@dataclass(frozen=True)
class FollowUp:
    """What a campaign asks of its source's images: those drawn, and the labels offered for each.

    `offered`: keys of labels by image; images that have none are missing.
    """

    draw: Draw
    offered: dict[int, list[str]]

    @classmethod
    def of(cls, campaign: Campaign, source: Campaign, pairs: Sequence[CountedPair]) -> "FollowUp":
        """By rules G1 to G5; `pairs`: those of its source, counted. Changes nothing."""
        draw = Draw.of(campaign, source, pairs)
        offered = {
            image: labels
            for image, candidates in candidates_by_image(pairs).items()
            if image in draw.drawn
            and (
                labels := labels_to_offer(
                    candidates,
                    max_offered=campaign.max_offered,
                    min_relative_sf=Fraction(campaign.min_relative_sf),
                )
            )
        }
        return cls(draw, offered)

    @property
    def nothing_to_offer(self) -> int:
        """How many images are drawn and not asked, since no label can be offered."""
        return len(self.draw.drawn) - len(self.offered)


def _freeze_follow_up(
    campaign: Campaign, source: Campaign, pairs: Sequence[CountedPair]
) -> Published:
    """Store the source's images by group: which are asked, and with which labels (rules G1-G5)."""
    plan = FollowUp.of(campaign, source, pairs)
    published = Published(
        images=len(plan.offered),
        pairs=_store_offered(campaign, plan.offered),
        groups=Counter(plan.draw.groups.values()),
        nothing_to_offer=plan.nothing_to_offer,
    )
    plan.draw.store(campaign, plan.offered)
    return published


def freeze_groups(campaign: Campaign, source: Campaign) -> Counter:
    """Store the groups of a draft's source and its images' chances of being drawn, as publishing
    does, for answers collected elsewhere. Returns how many images each group has.

    No image is asked yet: the import says which were. Raises Refused.
    """
    campaign.seed = seed_of(campaign)
    campaign.save(update_fields=["seed"])
    draw = Draw.of(campaign, source, counted_pairs(source))
    draw.store(campaign, ())
    return Counter(draw.groups.values())


def seed_of(campaign: Campaign) -> int:
    """From its public id, which is random: so publishing lays out what the preview showed."""
    return campaign.seed or 1 + int.from_bytes(campaign.public_id.encode()) % (2**31 - 1)


def _store_offered(campaign: Campaign, offered: dict[int, list[str]]) -> int:
    """Store the labels offered (keys) as pairs, with their rank. Returns how many."""
    ids = dict(campaign.dataset.labels.values_list("key", "pk"))
    pairs = [
        Pair(campaign=campaign, image_id=image, label_id=ids[label], sources=[["offered", rank]])
        for image, labels in sorted(offered.items())
        for rank, label in enumerate(labels, 1)
    ]
    Pair.objects.bulk_create(pairs, batch_size=5000)
    return len(pairs)


def _freeze_labels(campaign: Campaign) -> None:
    """Copy what workers read about each label, so that later edits do not reach them (rule C4)."""
    labels = campaign.dataset.labels.filter(
        pk__in=Pair.objects.filter(campaign=campaign).values("label_id")
    )
    CampaignLabel.objects.bulk_create(
        [CampaignLabel.frozen(campaign, label) for label in labels],
        batch_size=5000,
        ignore_conflicts=True,
    )


def _store_foils(campaign: Campaign, controls: list[Control]) -> None:
    """Store the labels offered for the controls of CLASSIFY: the settled one and its foils."""
    pairs = [
        Pair(campaign=campaign, image_id=control.image, label_id=label, sources=["control"])
        for control in controls
        for label in (control.label, *control.foils)
    ]
    Pair.objects.bulk_create(pairs, batch_size=5000)
    _freeze_labels(campaign)
