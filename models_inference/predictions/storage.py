"""Writes predictions by COPY, while their classifiers and images are locked against changes."""

import io
from collections.abc import Iterable, Sequence

from django.db import connection

from imagesets.models import Image
from models_inference.models import Classifier

Row = tuple[int, int, Sequence[int], Sequence[float]]  # classifier, image, labels, scores


def locked_classifiers(ids: Sequence[int]) -> dict[int, Classifier]:
    """Those of the classifiers that exist, as they stay until the transaction ends."""
    _lock(Classifier, ids, "SHARE")
    return Classifier.objects.select_related("dataset").in_bulk(ids)


def locked_images(ids: Iterable[int]) -> dict[int, str]:
    """id -> key of those of the images that exist, as they do until the transaction ends."""
    ids = list(ids)
    _lock(Image, ids, "KEY SHARE")
    return dict(Image.objects.filter(id__in=ids).values_list("id", "key"))


def _lock(model: type[Classifier] | type[Image], ids: Sequence[int], strength: str) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT FROM {table} WHERE id = ANY(%s) ORDER BY id FOR {strength}", [list(ids)]
        )


def store(rows: Iterable[Row]) -> int:
    """Insert predictions in the caller's transaction; return how many were new.

    An existing prediction (same classifier and image) stays as it is.
    """
    lines = io.StringIO()
    for classifier, image, labels, scores in rows:
        lines.write(f"{classifier}\t{image}\t{{{','.join(map(str, labels))}}}\t")
        lines.write(f"{{{','.join(map(shortest, scores))}}}\n")
    if not lines.tell():
        return 0
    lines.seek(0)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS incoming_prediction"
            " (classifier_id bigint, image_id bigint, labels int[], scores float8[])"
            " ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE incoming_prediction")
        cursor.copy_expert("COPY incoming_prediction FROM STDIN", lines)
        cursor.execute(
            "INSERT INTO models_inference_prediction (classifier_id, image_id, labels, scores)"
            " SELECT classifier_id, image_id, labels, scores FROM incoming_prediction"
            " ON CONFLICT (classifier_id, image_id) DO NOTHING"
        )
        return cursor.rowcount


def shortest(score: float) -> str:
    """A score as the shortest text that reads back as the same number (of its own width)."""
    return str(score)
