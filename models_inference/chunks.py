"""Cuts a dataset's open work into chunks, and claims them so that no two workers share one.

A chunk is the images of a dataset whose ids lie in one range of CHUNK ids. A claim is an advisory
lock of the database session: it ends by itself when its holder is killed, and leaves nothing to
clean up. An image is done if it has a prediction; that is recorded nowhere else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from imagesets import locks
from imagesets.locks import Lock, take

CHUNK = 128


@dataclass(frozen=True)
class Chunk:
    """Claimed work. By image: its file (location, SHA-256), and the classifiers that lack it."""

    number: int
    files: dict[int, tuple[str, str]]
    wanted: dict[int, tuple[int, ...]]


MISSING = """
    FROM imagesets_image i CROSS JOIN unnest(%(classifiers)s::bigint[]) AS c(id)
    WHERE i.dataset_id = %(dataset)s
      AND NOT EXISTS (SELECT FROM models_inference_prediction p
                      WHERE p.classifier_id = c.id AND p.image_id = i.id)
      AND NOT EXISTS (SELECT FROM models_inference_skippedimage s WHERE s.image_id = i.id)
"""


def open_chunks(
    dataset_id: int, classifier_ids: Sequence[int], among: Sequence[int] | None = None
) -> dict[int, int]:
    """Numbers of chunks with work left -> how many predictions are missing; ascending.

    `among`: look at these chunks only.
    """
    where = "" if among is None else f"AND i.id / {CHUNK} = ANY(%(among)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT i.id / {CHUNK}, count(*) {MISSING} {where} GROUP BY 1 ORDER BY 1",
            {
                "dataset": dataset_id,
                "classifiers": list(classifier_ids),
                "among": list(among or ()),
            },
        )
        return dict(cursor.fetchall())


def claim(dataset_id: int, classifier_ids: Sequence[int], number: int) -> Chunk | None:
    """Claim a chunk for this database session; None if another has it, or nothing is missing.

    `release` ends the claim, as does the end of the session.
    """
    if not take(Lock.INFERENCE, number):
        return None
    with connection.cursor() as cursor:
        # Only under the lock: its last holder may have finished a moment ago.
        cursor.execute(
            f"SELECT i.id, i.location, i.sha256, array_agg(c.id) {MISSING}"
            " AND i.id >= %(first)s AND i.id < %(end)s GROUP BY i.id ORDER BY i.id",
            {
                "dataset": dataset_id,
                "classifiers": list(classifier_ids),
                "first": number * CHUNK,
                "end": (number + 1) * CHUNK,
            },
        )
        rows = cursor.fetchall()
    if not rows:
        release(number)
        return None
    return Chunk(
        number=number,
        files={image: (location, sha256) for image, location, sha256, _ in rows},
        wanted={image: tuple(wanted) for image, *_, wanted in rows},
    )


def release(number: int) -> None:
    """End the claim of a chunk."""
    locks.release(Lock.INFERENCE, number)


def release_all(numbers: Iterable[int]) -> None:
    """End claims, even after an error; a broken session has lost them already."""
    if connection.is_usable():
        for number in numbers:
            release(number)
