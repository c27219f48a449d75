"""What a campaign asks, frozen: its images, their candidates, the labels' words, HITs and items."""

import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from imagesets.models import Image
from models_inference.candidates import candidate_sql
from tasks import money
from tasks.aggregation.follow_up import labels_to_offer, labels_without_source, sample_groups
from tasks.follow_up import candidates_by_image, groups_of, models_candidates
from tasks.layout import lay_out_grids, lay_out_images
from tasks.models import HIT, Campaign, CampaignImage, CampaignLabel, Pair
from tasks.models.campaign import Kind
from tasks.refused import Refused

DEFAULT_FOLLOW_UP = {"fu": 1, "mis": 1, "easy": 0.05}
DEFAULT_CANDIDATES = {"classifiers": None, "k": 5, "min_models": 1}


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
    published.hits = _lay_out(campaign)
    return published


def chosen_images(campaign: Campaign) -> list[int]:
    """Ids of the images that the setting `images` names, in order of key.

    "all"; {"per_label": n, "seed": s}: n at random of each dataset label; or a list of keys.
    Raises Refused naming a key that is not in the dataset.
    """
    rows = list(
        Image.objects.filter(dataset=campaign.dataset)
        .order_by("key")
        .values_list("pk", "key", "dataset_label_id")
    )
    if campaign.images == "all":
        return [pk for pk, _, _ in rows]
    if isinstance(campaign.images, dict):
        by_label = defaultdict(list)
        for pk, _, label in rows:
            if label is not None:
                by_label[label].append(pk)
        rng = random.Random(campaign.images.get("seed", 0))
        per_label = campaign.images["per_label"]
        chosen = {
            pk
            for label in sorted(by_label)
            for pk in rng.sample(by_label[label], min(per_label, len(by_label[label])))
        }
        return [pk for pk, _, _ in rows if pk in chosen]
    keys = {key: pk for pk, key, _ in rows}
    unknown = [key for key in campaign.images if key not in keys]
    if unknown:
        raise Refused(
            f"campaign {campaign.slug}: images: {unknown[0]!r} is not in dataset"
            f" {campaign.dataset.slug} ({len(unknown)} such)"
        )
    return sorted((keys[key] for key in set(campaign.images)), key=lambda pk: pk)


def _candidate_rows(campaign: Campaign, images: list[int]) -> tuple[str, dict]:
    """The SQL of the campaign's candidate labels for these images."""
    setting = DEFAULT_CANDIDATES | (campaign.candidates or {})
    try:
        return candidate_sql(
            campaign.dataset,
            image_ids=images,
            classifiers=setting["classifiers"],
            k=setting["k"],
            min_models=setting["min_models"],
        )
    except ValueError as error:
        raise Refused(f"campaign {campaign.slug}: candidates: {error}") from None


def _freeze_candidates(campaign: Campaign) -> Published:
    """Pairs out of the classifiers' predictions and the dataset labels."""
    images = chosen_images(campaign)
    sql, params = _candidate_rows(campaign, images)
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
    groups = groups_of(
        source, campaign.min_relative_sf, campaign.min_judgments or source.judgments_needed
    )
    chosen = set(chosen_images(campaign))
    images = [image for image in groups if image in chosen]
    sample = sample_groups(
        [groups[image] for image in images],
        campaign.follow_up or DEFAULT_FOLLOW_UP,
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
                min_relative_sf=campaign.min_relative_sf,
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
    )


def _lay_out(campaign: Campaign) -> int:
    """HITs and items of a campaign's pairs. Returns how many HITs."""
    pairs = list(
        Pair.objects.filter(campaign=campaign)
        .order_by("pk")
        .values_list("pk", "image_id", "label_id")
    )
    if campaign.kind == Kind.CONTAINS:
        plans = lay_out_grids(
            [(image, label) for _, image, label in pairs],
            campaign.grid_size,
            campaign.max_sections,
            campaign.seed,
        )
        items = [
            [
                (section, image, label, pk)
                for section, indexes in enumerate(plan.sections)
                for pk, image, label in (pairs[index] for index in indexes)
            ]
            for plan in plans
        ]
    else:
        images = sorted({image for _, image, _ in pairs})
        items = [
            [(section, image, None, None) for section, image in enumerate(hit)]
            for hit in lay_out_images(images, campaign.images_per_hit, campaign.seed)
        ]
    seconds = [money.expected_seconds(campaign.kind, len(tiles)) for tiles in items]
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
        (hit.pk, position, *item)
        for hit, tiles in zip(hits, items, strict=True)
        for position, item in enumerate(tiles)
    )
    return len(hits)


def _copy_items(rows: Iterable[tuple]) -> None:
    """Write study items by COPY: (hit, position, section, image, label, pair)."""
    buffer = io.StringIO()

    def flush(cursor) -> None:
        buffer.seek(0)
        cursor.copy_expert(
            "COPY tasks_hititem (hit_id, position, section, image_id, label_id, pair_id, role)"
            " FROM STDIN",
            buffer,
        )
        buffer.seek(0)
        buffer.truncate()

    with connection.cursor() as cursor:
        for number, row in enumerate(rows, 1):
            fields = (r"\N" if value is None else str(value) for value in row)
            buffer.write("\t".join((*fields, "study")) + "\n")
            if number % 100_000 == 0:
                flush(cursor)
        flush(cursor)
