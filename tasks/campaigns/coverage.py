"""Says where a campaign's candidates rest on less than its settings ask for, with counts."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

_WITHOUT_ANY = """
    SELECT count(*), count(i.dataset_label_id) FROM imagesets_image i
    WHERE i.id = ANY(%(images)s)
      AND NOT EXISTS (SELECT FROM models_inference_prediction p
                      WHERE p.image_id = i.id AND p.classifier_id = ANY(%(classifiers)s))
"""
_BY_CLASSIFIER = """
    SELECT c.name, count(p.image_id),
           count(p.image_id) FILTER (WHERE cardinality(p.labels) < least(%(k)s, (
             SELECT count(*) FROM imagesets_label l WHERE l.dataset_id = %(dataset)s)))
    FROM models_inference_classifier c
    LEFT JOIN models_inference_prediction p
      ON p.classifier_id = c.id AND p.image_id = ANY(%(images)s)
    WHERE c.id = ANY(%(classifiers)s)
    GROUP BY c.name ORDER BY c.name
"""


def gaps(images: Sequence[int], candidates: dict[str, Any]) -> list[str]:
    """Sentences on images without predictions, and on classifiers that name fewer than k labels.

    candidates: the parameters of candidate_sql.
    """
    params = candidates | {"images": list(images)}
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT_ANY, params)
        without_any, labelled = cursor.fetchone()
        cursor.execute(_BY_CLASSIFIER, params)
        by_classifier = cursor.fetchall()
    sentences = []
    if labelled:
        sentences.append(
            "Without any prediction, so asked about their dataset label alone:"
            f" {labelled:,} of {len(images):,} images."
        )
    for name, predicted, few in by_classifier:
        if 0 < predicted < len(images) - without_any:
            sentences.append(f"Of {len(images):,} images {name} has predictions for {predicted:,}.")
        if few:
            sentences.append(
                f"Images for which {name} names fewer than {candidates['k']} labels: {few:,}."
            )
    return sentences
