"""Chooses the images and labels that CLASSIFY asks about, after a CONTAINS campaign."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from tasks.aggregation.follow_up import Candidate
from tasks.aggregation.groups import image_groups
from tasks.models import Campaign
from tasks.sql.copying import avoiding
from tasks.sql.judgments import ITEMS_TO_COUNT, SEEN
from tasks.sql.used import used


class CountedPair(NamedTuple):
    """A pair of a CONTAINS campaign, with how often it was judged."""

    image: int
    label: int
    key: str  # of the label
    selected: int
    shown: int
    score: float | None
    """The best that a model gave it, as the campaign froze it; of imported pairs, which carry none,
    as the campaign's classifiers give it now."""
    is_dataset_label: bool | None


def counted_pairs(source: Campaign) -> list[CountedPair]:
    """Each pair of a CONTAINS campaign, by image, then key.

    Counts used study judgments, from the answers as they are now. Includes each image's dataset
    label even if the campaign did not ask about it. Images that were withdrawn are left out.
    """
    filled_by_import = source.published_at is None
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
                    AND p.image_id = c.image_id AND p.label_id = im.dataset_label_id)),
            predicted AS (
              SELECT m.image_id, top.label AS label_id, max(top.score) AS score
              FROM models_inference_prediction m
              CROSS JOIN LATERAL unnest(m.labels, m.scores) AS top (label, score)
              WHERE m.classifier_id = ANY (%(classifiers)s)
              GROUP BY m.image_id, top.label)
            SELECT p.image_id, p.label_id, l.key, coalesce(j.selected, 0), coalesce(j.shown, 0),
                   coalesce((SELECT max((s->>2)::float8) FROM jsonb_array_elements(p.sources) s
                             WHERE jsonb_typeof(s) = 'array'), t.score),
                   p.label_id = im.dataset_label_id
            FROM candidate p
            JOIN imagesets_label l ON l.id = p.label_id
            JOIN imagesets_image im ON im.id = p.image_id
            LEFT JOIN judged j ON j.pair_id = p.id
            LEFT JOIN predicted t ON t.image_id = p.image_id AND t.label_id = p.label_id
            WHERE im.withdrawn_at IS NULL
            ORDER BY p.image_id, l.key COLLATE "C"
            """,
            {
                "source": source.pk,
                "classifiers": _classifiers(source) if filled_by_import else [],
            },
        )
        return list(map(CountedPair._make, cursor.fetchall()))


def _classifiers(campaign: Campaign) -> list[int]:
    """The ids of the classifiers that its setting `candidates` means."""
    names = campaign.candidates_or_default["classifiers"]
    of_dataset = campaign.dataset.classifiers.all()
    wanted = of_dataset if names is None else of_dataset.filter(name__in=names)
    return list(wanted.values_list("pk", flat=True))


def groups_of(
    source: Campaign,
    pairs: Sequence[CountedPair],
    min_relative_sf: Decimal | float,
    min_judgments: int,
) -> dict[int, str]:
    """The group of each image of a CONTAINS campaign: amb, mis, easy or fu (rule G1)."""
    kept = source.campaign_images.filter(image__withdrawn_at=None).order_by("image__key")
    labelled = dict(kept.values_list("image_id", "image__dataset_label_id"))
    images = list(labelled)
    number = {image: index for index, image in enumerate(images)}
    groups = image_groups(
        np.array([number[pair.image] for pair in pairs], dtype=np.int64),
        np.array([bool(pair.is_dataset_label) for pair in pairs], dtype=bool),
        np.array([pair.selected for pair in pairs], dtype=np.int64),
        np.array([pair.shown for pair in pairs], dtype=np.int64),
        len(images),
        min_judgments=min_judgments,
        min_relative_sf=Fraction(min_relative_sf),
        has_dataset_label=np.array([labelled[image] is not None for image in images], dtype=bool),
    )
    return dict(zip(images, groups.tolist(), strict=True))


def candidates_by_image(pairs: Sequence[CountedPair]) -> dict[int, list[Candidate]]:
    """Each image's candidates with their counts; labels are keys."""
    by_image: dict[int, list[Candidate]] = defaultdict(list)
    for image, _, label, selected, shown, score, own in pairs:
        by_image[image].append(Candidate(label, selected, shown, score, is_dataset_label=bool(own)))
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


def settled_pairs(pairs: Sequence[CountedPair]) -> Iterator[tuple[tuple[int, int], bool]]:
    """((image, label), present) of the pairs that are settled (rule K3).

    Present: SF at least 0.9 from at least 5 workers; absent: at most 0.1 from at least 5.
    """
    for pair in pairs:
        if pair.shown >= SETTLED_BY:
            sf = Fraction(pair.selected, pair.shown)
            if sf >= POSITIVE_FROM or sf <= NEGATIVE_TO:
                yield (pair.image, pair.label), sf >= POSITIVE_FROM
