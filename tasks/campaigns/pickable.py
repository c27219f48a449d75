"""Pairs from which a researcher picks controls by eye, label by label (rule K3)."""

from typing import NamedTuple

from django.db import connection

from imagesets.models import Image, Label
from tasks.campaigns.asked import images_asked
from tasks.models import Campaign

KNOWN, NAMED, OTHER = range(3)  # in this order they are offered


class Pickable(NamedTuple):
    """An image under a label; `present`: the known answer, None where there is none."""

    image: Image
    rank: int
    present: bool | None


_ROWS = """
    WITH offered AS (
      SELECT i.id, i.public_id, k.present,
             CASE WHEN k.id IS NOT NULL THEN 0
                  WHEN i.dataset_label_id = %(label)s OR EXISTS (
                    SELECT FROM models_inference_prediction m
                    WHERE m.image_id = i.id AND %(label)s = ANY (m.labels)) THEN 1
                  ELSE 2 END AS rank
      FROM imagesets_image i
      LEFT JOIN tasks_knownanswer k ON k.image_id = i.id AND k.label_id = %(label)s
      WHERE i.dataset_id = %(dataset)s AND i.withdrawn_at IS NULL
        AND NOT i.id = ANY (%(asked)s))
    SELECT id, rank, present FROM offered
    WHERE (rank, public_id) > (%(rank)s, %(after)s)
    ORDER BY rank, public_id LIMIT %(limit)s
"""


def pickable(
    draft: Campaign, label: Label, limit: int, after: tuple[int, str] = (KNOWN, "")
) -> list[Pickable]:
    """Images that may become controls of the label, since the draft does not ask that pair.

    First those whose answer is known, then those that the dataset or a classifier says show the
    label, then all others; within each in an order that tells nothing. `after`: rank and public id
    of the last one seen. Raises Refused or ValueError.
    """
    rank, public_id = after
    with connection.cursor() as cursor:
        cursor.execute(
            _ROWS,
            {
                "dataset": draft.dataset_id,
                "label": label.pk,
                "asked": images_asked(draft, label),
                "rank": rank,
                "after": public_id,
                "limit": limit,
            },
        )
        rows = cursor.fetchall()
    images = Image.objects.in_bulk([image for image, _, _ in rows])
    return [Pickable(images[image], rank, present) for image, rank, present in rows]
