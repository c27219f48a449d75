"""Publishing: freeze what a campaign asks, lay it out, open the first round; pause and close."""

import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from imagesets.models import Image
from models_inference.candidates import candidate_sql
from tasks.aggregation.follow_up import labels_to_offer, labels_without_source, sample_groups
from tasks.crowds import crowd_of
from tasks.follow_up import candidates_by_image, groups_of, models_candidates
from tasks.layout import lay_out_grids, lay_out_images
from tasks.models import HIT, Campaign, CampaignImage, CampaignLabel, Pair
from tasks.models.campaign import Kind, State
from tasks.models.transition import IllegalTransition
from tasks.rounds import finish_if_done, open_round

DEFAULT_FOLLOW_UP = {"fu": 1, "mis": 1, "easy": 0.05}
DEFAULT_CANDIDATES = {"classifiers": None, "k": 5, "min_models": 1}


class Refused(Exception):
    """Something is missing or not allowed; the message names all of it, and nothing was changed."""


@dataclass
class Published:
    """What publishing laid out."""

    images: int = 0
    pairs: int = 0
    hits: int = 0
    groups: Counter = field(default_factory=Counter)  # of the source's images
    nothing_to_offer: int = 0
    resumed: bool = False


def publish(campaign: Campaign, who: str) -> Published:
    """Put a draft before its crowd, or resume a paused campaign; an open one stays as it is.

    All or nothing. Raises Refused naming everything that is missing, at once.
    """
    with transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if locked.state == State.PAUSED:
            return resume(campaign, who)
        if locked.state == State.OPEN:
            return _summary(locked)
        if locked.state != State.DRAFT:
            raise Refused(f"campaign {locked.slug} is {locked.state}: it cannot be published again")
        if locked.hits.exists():
            raise Refused(f"campaign {locked.slug} was filled by import: it has no places to give")
        if missing := _missing(locked):
            raise Refused(f"campaign {locked.slug} cannot be published: {'; '.join(missing)}")
        locked.seed = random.SystemRandom().getrandbits(31) if not locked.seed else locked.seed
        published = _freeze_follow_up(locked) if locked.source else _freeze_candidates(locked)
        if not published.images:
            raise Refused(f"campaign {locked.slug} cannot be published: no image is left to ask")
        _freeze_labels(locked)
        published.hits = _lay_out(locked)
        locked.published_at = timezone.now()
        locked.save(update_fields=["seed", "published_at"])
        locked.move_to(State.OPEN, who, f"{published.hits} HITs")
        open_round(locked, after=0, who=who)
    campaign.refresh_from_db()
    return published


def _missing(campaign: Campaign) -> list[str]:
    """Everything that keeps a draft from being published, as sentences."""
    missing = []
    if campaign.source:
        if campaign.source.state not in (State.FINISHED, State.CLOSED):
            missing.append(
                f"its source {campaign.source.slug} is {campaign.source.state}"
                " (it must be finished or closed)"
            )
    elif not campaign.dataset.images.exists():
        missing.append(f"dataset {campaign.dataset.slug} has no images")
    elif not campaign.dataset.classifiers.filter(predictions__isnull=False).exists():
        missing.append(
            f"dataset {campaign.dataset.slug} has no predictions"
            f" (run: manage.py predict {campaign.dataset.slug})"
        )
    return missing


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
    hits = HIT.objects.bulk_create(
        [
            HIT(
                campaign=campaign,
                key=f"{number:06d}",
                expected_seconds=expected_seconds(campaign.kind, len(tiles)),
            )
            for number, tiles in enumerate(items, 1)
        ],
        batch_size=5000,
    )
    _copy_items(
        (hit.pk, position, *item)
        for hit, tiles in zip(hits, items, strict=True)
        for position, item in enumerate(tiles)
    )
    return len(hits)


def expected_seconds(kind: str, items: int) -> float:
    """How long a HIT of so many tiles (CONTAINS) or images (CLASSIFY) should take, in seconds."""
    each = settings.SECONDS_PER_TILE if kind == Kind.CONTAINS else settings.SECONDS_PER_IMAGE
    return settings.SECONDS_PER_HIT + each * items


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


def _summary(campaign: Campaign) -> Published:
    """What a published campaign consists of."""
    return Published(
        images=campaign.campaign_images.filter(asked=True).count(),
        pairs=campaign.pairs.count(),
        hits=campaign.hits.count(),
        groups=Counter(campaign.campaign_images.exclude(group="").values_list("group", flat=True)),
        resumed=True,
    )


def _move(campaign: Campaign, state: State, who: str, why: str) -> None:
    with transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if locked.state == state:
            return
        try:
            locked.move_to(state, who, why)
        except IllegalTransition as error:
            raise Refused(str(error)) from None
        crowd = crowd_of(locked)
        (crowd.offer if state == State.OPEN else crowd.withdraw)(locked)
    campaign.refresh_from_db()


def pause(campaign: Campaign, who: str, why: str = "") -> None:
    """Stop giving work; what is running may be finished. Raises Refused unless it is open."""
    _move(campaign, State.PAUSED, who, why)


def resume(campaign: Campaign, who: str, why: str = "") -> Published:
    """Give work again. Raises Refused unless it is paused (or open already)."""
    if campaign.state == State.DRAFT:
        raise Refused(f"campaign {campaign.slug} is a draft: publish it first")
    _move(campaign, State.OPEN, who, why)
    finish_if_done(campaign)
    return _summary(campaign)


def close(campaign: Campaign, who: str, why: str = "") -> None:
    """End the study with the counts as they are. Raises Refused where it cannot."""
    _move(campaign, State.CLOSED, who, why)
