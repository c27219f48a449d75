"""Chooses a campaign's images and their candidate labels, by its settings."""

import random
from collections import defaultdict
from collections.abc import Sequence

from django.db import connection
from django.db.models import QuerySet

from imagesets.models import Image
from models_inference.predictions.candidates import candidate_sql
from tasks.campaigns.missing import only_missing
from tasks.models import Campaign
from tasks.models.refused import Refused


def chosen_images(campaign: Campaign) -> list[int]:
    """The ids of the images that the setting `images` names, in order of key.

    "all"; {"per_label": n, "seed": s}: n at random of each dataset label; or a list of keys; less
    those withdrawn. Of a campaign that adds to another: those of them with a missing pair. Raises
    Refused naming a key that is not in the dataset.
    """
    images = _named_images(campaign)
    if campaign.adds_to_id is None:
        return images
    sql, params = candidate_rows(campaign, images)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT image_id FROM ({sql}) candidates", params)
        missing = {image for (image,) in cursor.fetchall()}
    return [image for image in images if image in missing]


def _named_images(campaign: Campaign) -> list[int]:
    rows = list(
        Image.objects.filter(dataset=campaign.dataset)
        .order_by("key")
        .values_list("pk", "key", "dataset_label_id")
    )
    withdrawn = set(withdrawn_images(campaign).values_list("pk", flat=True))
    return [pk for pk in _named(campaign, rows, withdrawn) if pk not in withdrawn]


def withdrawn_images(campaign: Campaign) -> QuerySet[Image]:
    """The images of its dataset that were withdrawn."""
    return Image.objects.filter(dataset=campaign.dataset_id, withdrawn_at__isnull=False)


def _named(
    campaign: Campaign, rows: Sequence[tuple[int, str, int | None]], withdrawn: set[int]
) -> list[int]:
    """The images that the setting names, be they withdrawn or not, in order of key.

    `rows`: id, key and dataset label of all of them. In a new campaign others are drawn in place of
    those withdrawn; what was drawn for an earlier one stays as it is.
    """
    if campaign.images == "all":
        return [pk for pk, _, _ in rows]
    if isinstance(campaign.images, dict):
        by_label = defaultdict(list)
        for pk, _, label in rows:
            if label is not None:
                by_label[label].append(pk)
        rng = random.Random(campaign.images.get("seed", 0))
        per_label = campaign.images["per_label"]
        is_new = not campaign.campaign_images.exists() if campaign.pk else True
        chosen: set[int] = set()
        for label, images in sorted(by_label.items()):
            drawn = rng.sample(images, min(per_label, len(images)))
            chosen.update(drawn)
            if is_new and (lacking := len(withdrawn.intersection(drawn))):
                others = sorted({*images} - {*drawn} - withdrawn)
                again = random.Random(f"{campaign.images.get('seed', 0)} {label}")
                chosen.update(again.sample(others, min(lacking, len(others))))
        return [pk for pk, _, _ in rows if pk in chosen]
    keys = {key: pk for pk, key, _ in rows}
    unknown = [key for key in campaign.images if key not in keys]
    if unknown:
        raise Refused(
            f"campaign {campaign.slug}: images: {unknown[0]!r} is not in dataset"
            f" {campaign.dataset.slug} ({len(unknown)} such keys)"
        )
    return sorted((keys[key] for key in set(campaign.images)), key=lambda pk: pk)


def candidate_rows(campaign: Campaign, images: list[int]) -> tuple[str, dict]:
    """SQL, with its parameters, of the candidate labels of these images (rules C1 to C3, C5)."""
    try:
        sql, params = candidate_sql(
            campaign.dataset, image_ids=images, **campaign.candidates_or_default
        )
    except ValueError as error:
        raise Refused(f"campaign {campaign.slug}: candidates: {error}") from None
    return (sql, params) if campaign.adds_to_id is None else only_missing(campaign, sql, params)
