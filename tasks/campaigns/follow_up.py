"""Chooses the images and labels that CLASSIFY asks about, after a CONTAINS campaign."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import numpy as np
from django.db import connection, transaction

from tasks.aggregation.follow_up import Candidate
from tasks.aggregation.groups import image_groups
from tasks.models import Campaign
from tasks.sql.copying import avoiding
from tasks.sql.judgments import ITEMS_TO_COUNT, SEEN
from tasks.sql.used import used


def _counted_pairs(source: Campaign) -> list[tuple]:
    """(image, label, key, selected, shown, score, models, is dataset label) of each pair, by image.

    Counts used study judgments, from the answers as they are now. Includes each image's dataset
    label even if the campaign did not ask about it.
    """
    with transaction.atomic(), connection.cursor() as cursor, avoiding(cursor, "nestloop"):
        cursor.execute(
            f"""
            WITH judged AS (
              SELECT i.pair_id, count(*) AS shown,
                     count(*) FILTER (WHERE i.position = ANY (a.selected)) AS selected
              FROM tasks_assignment a {ITEMS_TO_COUNT}
              WHERE a.campaign_id = %(source)s AND {used()} AND {SEEN}
                AND i.pair_id IS NOT NULL
              GROUP BY i.pair_id),
            candidate AS (
              SELECT id, image_id, label_id, sources FROM tasks_pair
              WHERE campaign_id = %(source)s
              UNION ALL
              SELECT NULL, c.image_id, im.dataset_label_id, '[]'
              FROM tasks_campaignimage c
              JOIN imagesets_image im ON im.id = c.image_id
              WHERE c.campaign_id = %(source)s AND im.dataset_label_id IS NOT NULL
                AND NOT EXISTS (
                  SELECT FROM tasks_pair p WHERE p.campaign_id = c.campaign_id
                    AND p.image_id = c.image_id AND p.label_id = im.dataset_label_id))
            SELECT p.image_id, p.label_id, l.key, coalesce(j.selected, 0), coalesce(j.shown, 0),
                   (SELECT max((s->>2)::float8) FROM jsonb_array_elements(p.sources) s
                    WHERE jsonb_typeof(s) = 'array'),
                   (SELECT count(*) FROM jsonb_array_elements(p.sources) s
                    WHERE jsonb_typeof(s) = 'array'),
                   p.label_id = im.dataset_label_id
            FROM candidate p
            JOIN imagesets_label l ON l.id = p.label_id
            JOIN imagesets_image im ON im.id = p.image_id
            LEFT JOIN judged j ON j.pair_id = p.id
            ORDER BY p.image_id, l.key COLLATE "C"
            """,
            {"source": source.pk},
        )
        return cursor.fetchall()


def groups_of(
    source: Campaign, min_relative_sf: Decimal | float, min_judgments: int
) -> dict[int, str]:
    """The group of each image of a CONTAINS campaign: amb, mis, easy or fu (rule G1)."""
    rows = _counted_pairs(source)
    images = list(source.campaign_images.order_by("image__key").values_list("image_id", flat=True))
    number = {image: index for index, image in enumerate(images)}
    labelled = dict(source.campaign_images.values_list("image_id", "image__dataset_label_id"))
    groups = image_groups(
        np.array([number[row[0]] for row in rows], dtype=np.int64),
        np.array([bool(row[7]) for row in rows], dtype=bool),
        np.array([row[3] for row in rows], dtype=np.int64),
        np.array([row[4] for row in rows], dtype=np.int64),
        len(images),
        min_judgments=min_judgments,
        min_relative_sf=Fraction(min_relative_sf),
        has_dataset_label=np.array([labelled[image] is not None for image in images], dtype=bool),
    )
    return dict(zip(images, groups.tolist(), strict=True))


def candidates_by_image(source: Campaign) -> dict[int, list[Candidate]]:
    """Each image's candidates with their counts; labels are keys."""
    by_image: dict[int, list[Candidate]] = defaultdict(list)
    for image, _, label, selected, shown, score, models, own in _counted_pairs(source):
        by_image[image].append(Candidate(label, selected, shown, score, models, bool(own)))
    return by_image


def models_candidates(sql: str, params: dict) -> dict[int, list[Candidate]]:
    """Each image's candidates from the classifiers alone; labels are keys."""
    by_image: dict[int, list[Candidate]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT c.image_id, l.key, c.score, c.models, c.sources ? 'dataset'
            FROM ({sql}) c JOIN imagesets_label l ON l.id = c.label_id
            ORDER BY c.image_id, l.key COLLATE "C"
            """,
            params,
        )
        for image, label, score, models, own in cursor.fetchall():
            by_image[image].append(
                Candidate(label, score=score, models=models, is_dataset_label=own)
            )
    return by_image


SETTLED_BY, POSITIVE_FROM, NEGATIVE_TO = 5, Fraction(9, 10), Fraction(1, 10)


def settled_pairs(source: Campaign) -> Iterator[tuple[tuple[int, int], bool]]:
    """((image, label), present) of the pairs that a CONTAINS campaign has settled (rule K3).

    Present: SF at least 0.9 from at least 5 workers; absent: at most 0.1 from at least 5.
    """
    for image, label, _, selected, shown, *_ in _counted_pairs(source):
        if shown >= SETTLED_BY:
            sf = Fraction(selected, shown)
            if sf >= POSITIVE_FROM or sf <= NEGATIVE_TO:
                yield (image, label), sf >= POSITIVE_FROM
