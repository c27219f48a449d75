"""Finds images that workers would be asked about twice: identical files, pictures that look alike.

What an import finds is stored with the dataset, so that pages need not compare again.
"""

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, QuerySet

from imagesets.models import Comparison, Dataset, Image
from imagesets.pictures.near_duplicates import near_duplicates

KEPT, KEPT_KEYS = 200, 20  # groups of each kind, and images of a group, stored by name


class Duplicates(NamedTuple):
    """Groups of keys, each sorted, in the order of their first keys."""

    identical: list[list[str]]  # the same bytes
    alike: list[list[str]]  # other bytes that look the same; one key of each that is identical


def duplicates(images: QuerySet[Image]) -> Duplicates:
    """The duplicates among these images (of one dataset).

    Memory grows by 50 bytes an image; a million images take about half a minute.
    """
    images = images.order_by()
    repeated = images.values("sha256").annotate(n=Count("id")).filter(n__gt=1)
    identical = repeated.annotate(keys=ArrayAgg("key")).values_list("keys", flat=True)
    hashed = images.exclude(perceptual_hash=None).order_by("sha256", "key").distinct("sha256")
    rows = hashed.values_list("id", "perceptual_hash").iterator(chunk_size=10_000)
    table = np.fromiter(rows, dtype=[("id", "i8"), ("looks", "i8")])
    groups = [[int(table["id"][i]) for i in group] for group in near_duplicates(table["looks"])]
    names = dict(images.filter(id__in=list(chain(*groups))).values_list("id", "key"))
    return Duplicates(
        sorted(sorted(keys) for keys in identical),
        sorted(sorted(names[image] for image in group) for group in groups),
    )


def compare_all(dataset: Dataset) -> Duplicates:
    """The duplicates in a dataset; their counts and first groups are stored as its Comparison."""
    images = dataset.images.count()
    groups = duplicates(dataset.images.all())
    Comparison.objects.update_or_create(
        dataset=dataset,
        defaults={
            "images": images,
            "identical": in_short(groups.identical),
            "alike": in_short(groups.alike),
        },
    )
    return groups


def in_short(groups: list[list[str]]) -> dict[str, Any]:
    """{"n": number of groups, "images": number in them, "first": [[key, ...], ...]}."""
    return {
        "n": len(groups),
        "images": sum(map(len, groups)),
        "first": [keys[:KEPT_KEYS] for keys in groups[:KEPT]],
    }
