"""Writes predictions by COPY: many rows in one statement, rows that exist are left as they are."""

import io
from collections.abc import Iterable, Sequence

from django.db import connection

Row = tuple[int, int, Sequence[int], Sequence[float]]  # classifier, image, labels, scores


def store(rows: Iterable[Row]) -> int:
    """Insert predictions, in the caller's transaction; returns how many were new.

    A prediction that exists (same classifier and image) is kept, whatever the row says.
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
