"""Candidate labels: an image's dataset label and its classifiers' top k (rules C1 to C3).

One SQL statement makes them, so that 50,000 images x 10 classifiers take seconds and a campaign can
freeze the result by INSERT .. SELECT.
"""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db import connection

from imagesets.models import Dataset
from models_inference.models import Classifier


class Candidate(NamedTuple):
    """One (image, label) and where it came from.

    sources: "dataset" (if it is the dataset label), then [classifier name, rank from 1, score] by
    name. models: how many classifiers name it. score: their best, None for the dataset label alone.
    """

    image_id: int
    label_id: int
    sources: list
    models: int
    score: float | None


# Classifiers that name the dataset label are counted too, but min_models applies to other labels.
CANDIDATES = """
WITH chosen AS (
    SELECT id, dataset_label_id FROM imagesets_image
    WHERE dataset_id = %(dataset)s AND (%(images)s::bigint[] IS NULL OR id = ANY(%(images)s))
), named AS (
    SELECT p.image_id, top.label AS label_id,
           jsonb_agg(jsonb_build_array(c.name, top.rank, top.score) ORDER BY c.name) AS sources,
           count(*)::int AS models, max(top.score) AS score
    FROM models_inference_prediction p
    JOIN chosen i ON i.id = p.image_id
    JOIN models_inference_classifier c ON c.id = p.classifier_id
    CROSS JOIN LATERAL unnest(p.labels[:%(k)s], p.scores[:%(k)s])
        WITH ORDINALITY AS top(label, score, rank)
    WHERE p.classifier_id = ANY(%(classifiers)s)
    GROUP BY p.image_id, top.label
), given AS (
    SELECT id AS image_id, dataset_label_id AS label_id FROM chosen
    WHERE dataset_label_id IS NOT NULL
)
SELECT coalesce(given.image_id, named.image_id)::bigint AS image_id,
       coalesce(given.label_id, named.label_id)::int AS label_id,
       CASE WHEN given.image_id IS NULL THEN named.sources
            ELSE '["dataset"]'::jsonb || coalesce(named.sources, '[]'::jsonb) END AS sources,
       coalesce(named.models, 0) AS models,
       named.score::real AS score
FROM given FULL JOIN named ON named.image_id = given.image_id AND named.label_id = given.label_id
WHERE given.image_id IS NOT NULL OR named.models >= %(min_models)s
"""


def candidate_sql(
    dataset: Dataset,
    image_ids: Sequence[int] | None = None,
    classifiers: Sequence[str] | None = None,
    k: int = 5,
    min_models: int = 1,
) -> tuple[str, dict]:
    """The statement that `candidate_pairs` runs, and its parameters.

    It returns columns image_id bigint, label_id int, sources jsonb, models int, score real (as in
    Candidate), each (image, label) once, in no order; fit for INSERT .. SELECT and subqueries.

    Args:
        image_ids: these images only (of the dataset); None: all.
        classifiers: names; None: every classifier of the dataset (those without predictions add
            nothing).
        k: how many of a classifier's labels count, or as many as are stored.
        min_models: how many classifiers must name a label other than the dataset label.

    Raises ValueError naming an unknown classifier, or a k or min_models that cannot be.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}.")
    if min_models < 1:
        raise ValueError(f"min_models must be at least 1, not {min_models}.")
    ids = dict(Classifier.objects.filter(dataset=dataset).values_list("name", "id"))
    names = list(ids) if classifiers is None else list(dict.fromkeys(classifiers))
    unknown = [name for name in names if name not in ids]
    if unknown:
        known = ", ".join(sorted(ids)) or "none"
        raise ValueError(
            f"Unknown classifier {', '.join(unknown)} of dataset {dataset.slug} (known: {known})."
        )
    if classifiers and min_models > len(names):
        raise ValueError(
            f"min_models is {min_models}, but only {len(names)} classifiers are named."
        )
    return CANDIDATES, {
        "dataset": dataset.id,
        "images": None if image_ids is None else list(image_ids),
        "classifiers": [ids[name] for name in names],
        "k": k,
        "min_models": min_models,
    }


def candidate_pairs(
    dataset: Dataset,
    image_ids: Sequence[int] | None = None,
    classifiers: Sequence[str] | None = None,
    k: int = 5,
    min_models: int = 1,
) -> Iterator[Candidate]:
    """The candidates of a dataset's images, by image id, then label id; arguments: candidate_sql.

    The union of the dataset label and every classifier's top k (Tsipras et al. 2020, section 2.1:
    top 5 of each model and the ImageNet label).
    """
    sql, parameters = candidate_sql(dataset, image_ids, classifiers, k, min_models)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY 1, 2", parameters)
        for image_id, label_id, sources, models, score in cursor:
            # Django's cursor gives jsonb as text.
            yield Candidate(image_id, label_id, json.loads(sources), models, score)
