"""Imports known answers: pairs known to be present or absent, for use as controls."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from imagesets.errors import ImportRefused
from imagesets.models import Dataset
from imagesets.tables import rows_of
from tasks.models import KnownAnswer

WORDS = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}
COLUMNS = ("image", "label", "present")
BATCH = 5000


@dataclass(frozen=True)
class KnownImported:
    """How many answers were new, and how many had been imported before; columns passed over."""

    added: int
    unchanged: int
    passed_over: list[str]


@transaction.atomic
def import_known_answers(dataset: Dataset, path: Path) -> KnownImported:
    """Add the rows of a CSV `image,label,present` (true/false, yes/no, 1/0), all of them or none.

    The same file again changes nothing. Raises ImportRefused naming the row and the field for an
    unknown image or label, and for a pair that the file repeats or that has another answer already.
    """
    # Of two imports at once the second waits for the first.
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    images = dict(dataset.images.values_list("key", "pk"))
    labels = dict(dataset.labels.values_list("key", "pk"))
    stored = {
        (image, label): present
        for image, label, present in KnownAnswer.objects.filter(dataset=dataset).values_list(
            "image_id", "label_id", "present"
        )
    }
    first: dict[tuple[int, int], int] = {}
    new = []
    passed_over: list[str] = []
    for row, cells in rows_of(path, COLUMNS):
        passed_over = passed_over or [name for name in cells if name not in COLUMNS]
        at = f"{path}, row {row}"
        for field, known in (("image", images), ("label", labels)):
            if cells[field] not in known:
                raise ImportRefused(
                    f"{at}: {field} {cells[field]!r} is not in dataset {dataset.slug}"
                )
        present = WORDS.get(cells["present"].lower())
        if present is None:
            raise ImportRefused(f"{at}: present is {cells['present']!r}; it must be true or false")
        pair = images[cells["image"]], labels[cells["label"]]
        what = f"image {cells['image']!r}, label {cells['label']!r}"
        if pair in first:
            raise ImportRefused(f"{at}: {what} stands in row {first[pair]} already")
        first[pair] = row
        if pair not in stored:
            new.append(
                KnownAnswer(dataset=dataset, image_id=pair[0], label_id=pair[1], present=present)
            )
        elif stored[pair] != present:
            was = "true" if stored[pair] else "false"
            raise ImportRefused(f"{at}: present: {what} was imported as {was} before")
    KnownAnswer.objects.bulk_create(new, batch_size=BATCH)
    return KnownImported(len(new), len(first) - len(new), passed_over)
