"""Counts what asking about a dataset's candidates would take, before any money is spent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from imagesets.models import Dataset
from models_inference.models import Classifier
from models_inference.predictions.candidates import candidate_sql

AGREEING = (1, 2, 3)  # the values of min_models that are compared


@dataclass(frozen=True)
class Added:
    """What a classifier contributes: images predicted, pairs named, pairs that only it names."""

    name: str
    images: int
    named: int
    alone: int  # neither another classifier nor the dataset names them


@dataclass(frozen=True)
class Choice:
    """The candidates at one value of min_models.

    images: number of candidates -> how many images have that many, ascending, from 0.
    labels: label key -> its pairs, the largest number first, then by key; labels with none omitted.
    """

    min_models: int
    images: dict[int, int]
    labels: dict[str, int]

    @property
    def pairs(self) -> int:
        return sum(self.labels.values())

    @property
    def mean(self) -> float | None:
        """Candidates per image; None without images."""
        images = sum(self.images.values())
        return self.pairs / images if images else None

    def quantile(self, share: float) -> int | None:
        """Pairs per label at the quantile `share` (0 to 1); None without pairs."""
        sizes = sorted(self.labels.values())
        return sizes[round(share * (len(sizes) - 1))] if sizes else None


@dataclass(frozen=True)
class CandidateSummary:
    """A dataset's candidates at one k: total images and labels, choices, what classifiers add."""

    k: int
    images: int
    labels: int
    choices: list[Choice]  # in the order of AGREEING
    classifiers: list[Added]  # by name; those without predictions too


COUNTS = """
WITH gone AS (
    SELECT id FROM imagesets_image WHERE dataset_id = %(dataset)s AND withdrawn_at IS NOT NULL
), named AS (
    SELECT p.image_id, top.label AS label_id, count(*)::int AS models, min(p.classifier_id) AS one
    FROM models_inference_prediction p CROSS JOIN LATERAL unnest(p.labels[:%(k)s]) AS top(label)
    WHERE p.classifier_id = ANY(%(classifiers)s) AND p.image_id NOT IN (SELECT id FROM gone)
    GROUP BY p.image_id, top.label
), given AS (
    SELECT id AS image_id, dataset_label_id AS label_id FROM imagesets_image
    WHERE dataset_id = %(dataset)s AND dataset_label_id IS NOT NULL AND withdrawn_at IS NULL
), pairs AS MATERIALIZED (
    SELECT coalesce(given.image_id, named.image_id) AS image_id,
           coalesce(given.label_id, named.label_id) AS label_id,
           CASE WHEN given.image_id IS NULL THEN named.models ELSE 3 END AS agreeing,
           CASE WHEN given.image_id IS NULL AND named.models = 1 THEN named.one END AS alone
    FROM given
    FULL JOIN named ON named.image_id = given.image_id AND named.label_id = given.label_id
), by_image AS (
    SELECT count(*) AS n1, count(*) FILTER (WHERE agreeing >= 2) AS n2,
           count(*) FILTER (WHERE agreeing >= 3) AS n3
    FROM pairs GROUP BY image_id
), by_label AS (
    SELECT label_id, count(*) AS n1, count(*) FILTER (WHERE agreeing >= 2) AS n2,
           count(*) FILTER (WHERE agreeing >= 3) AS n3
    FROM pairs GROUP BY label_id
)
SELECT
    (SELECT json_agg(json_build_array(n1, n2, n3, images))
     FROM (SELECT n1, n2, n3, count(*) AS images FROM by_image GROUP BY n1, n2, n3) AS h),
    (SELECT json_agg(json_build_array(l.key, n1, n2, n3))
     FROM by_label JOIN imagesets_label l ON l.id = label_id),
    (SELECT json_object_agg(alone, pairs)
     FROM (SELECT alone, count(*) AS pairs FROM pairs WHERE alone IS NOT NULL GROUP BY alone) AS a),
    (SELECT json_object_agg(classifier_id, counts) FROM (
        SELECT classifier_id,
               json_build_array(count(*), sum(least(cardinality(labels), %(k)s))) AS counts
        FROM models_inference_prediction
        WHERE classifier_id = ANY(%(classifiers)s) AND image_id NOT IN (SELECT id FROM gone)
        GROUP BY classifier_id) AS p)
"""


def candidate_summary(
    dataset: Dataset, classifiers: Sequence[str] | None = None, k: int = 5
) -> CandidateSummary:
    """Count the candidates that `candidates.candidate_pairs` would give for min_models 1, 2, 3,
    but for those of images that were withdrawn: no campaign asks them.

    `classifiers`: names; None: every classifier of the dataset. Takes seconds for 50,000 images
    x 10 classifiers. Raises ValueError as candidate_sql does.
    """
    _, parameters = candidate_sql(dataset, classifiers=classifiers, k=k)  # checks the arguments
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, parameters)
        by_image, by_label, alone, predicted = (
            json.loads(cell) if isinstance(cell, str) else cell for cell in cursor.fetchone()
        )
    images = dataset.images.filter(withdrawn_at=None).count()
    names = Classifier.objects.filter(id__in=parameters["classifiers"]).order_by("name")
    counts = predicted or {}
    return CandidateSummary(
        k=k,
        images=images,
        labels=dataset.labels.count(),
        choices=[
            _choice(least, place, images, by_image or [], by_label or [])
            for place, least in enumerate(AGREEING)
        ],
        classifiers=[
            Added(name, *counts.get(str(pk), (0, 0))[:2], alone=(alone or {}).get(str(pk), 0))  # type: ignore[misc]
            for pk, name in names.values_list("id", "name")
        ],
    )


def _choice(least: int, place: int, images: int, by_image: list, by_label: list) -> Choice:
    histogram: dict[int, int] = {}
    for row in by_image:
        histogram[row[place]] = histogram.get(row[place], 0) + row[-1]
    none = images - sum(histogram.values())  # neither a label nor a prediction
    if none:
        histogram[0] = histogram.get(0, 0) + none
    sizes = ((key, counts[place]) for key, *counts in by_label if counts[place])
    return Choice(
        min_models=least,
        images=dict(sorted(histogram.items())),
        labels=dict(sorted(sizes, key=lambda label: (-label[1], label[0]))),
    )
