"""Imports known answers: pairs known to be present or absent, for use as controls."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from imagesets.models import Dataset
from imagesets.tables.image_paths import ImagePaths, NoImage
from imagesets.tables.named_rows import NamedRows
from imagesets.tables.problems import short
from imagesets.tables.values import BOOLEANS
from tasks.models import KnownAnswer

COLUMNS = ("image", "label", "present")
BATCH = 5000


@dataclass(frozen=True)
class KnownImported:
    """How many answers were new, and how many known; what was taken for granted, a clause each."""

    added: int
    unchanged: int
    notes: list[str]


@transaction.atomic
def import_known_answers(dataset: Dataset, path: Path) -> KnownImported:
    """Add the rows of a CSV `image,label,present` (true/false, yes/no, 1/0), all of them or none.

    The same file again changes nothing. Raises ImportRefused naming the rows and the field for an
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
    paths = ImagePaths(images)
    table = NamedRows(path, {name: (name,) for name in COLUMNS}, (), "img0.jpg,cat,true")
    add = table.problems.add
    for row, cells in table:
        label, present = cells["label"], BOOLEANS.get(cells["present"].lower())
        try:
            image = paths.key(cells["image"])
        except NoImage as error:
            add(row, "", str(error))
            continue
        if label not in labels:
            add(row, "", f"label {short(label)} is not in dataset {dataset.slug}")
            continue
        if present is None:
            add(row, "", f"present is {short(cells['present'])}; it must be true or false")
            continue
        pair = images[image], labels[label]
        what = f"image {short(image)}, label {short(label)}"
        if pair in first:
            add(row, "", f"{what} stands in row {first[pair]} already")
            continue
        first[pair] = row
        if pair not in stored:
            new.append(
                KnownAnswer(dataset=dataset, image_id=pair[0], label_id=pair[1], present=present)
            )
        elif stored[pair] != present:
            was = "true" if stored[pair] else "false"
            add(row, "", f"present: {what} was imported as {was} before")
    table.refuse_any()
    if paths.taken_for:
        table.note(paths.note())
    KnownAnswer.objects.bulk_create(new, batch_size=BATCH)
    return KnownImported(len(new), len(first) - len(new), table.notes)
