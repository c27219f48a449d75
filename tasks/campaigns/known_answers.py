"""Imports known answers: pairs known to be present or absent, for controls and for practice."""

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
EXPLANATION = "explanation"  # a column that may be missing
LONGEST = 500  # characters of an explanation
BATCH = 5000


@dataclass(frozen=True)
class KnownImported:
    """How many answers were new, and how many known; what was taken for granted, a clause each.

    explained: how many of the known ones got the explanation that they lacked.
    """

    added: int
    unchanged: int
    explained: int
    notes: list[str]


@transaction.atomic
def import_known_answers(dataset: Dataset, path: Path) -> KnownImported:
    """Add the rows of a CSV `image,label,present` (true/false, yes/no, 1/0), all of them or none.

    A fourth column, `explanation`, may say why. The same file again changes nothing. Raises
    ImportRefused naming the rows and the field for an unknown image or label, and for a pair that
    the file repeats or that has another answer, or explanation, already.
    """
    # Of two imports at once the second waits for the first.
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    images = dict(dataset.images.values_list("key", "pk"))
    labels = dict(dataset.labels.values_list("key", "pk"))
    stored = {
        (answer.image_id, answer.label_id): answer
        for answer in KnownAnswer.objects.filter(dataset=dataset)
    }
    first: dict[tuple[int, int], int] = {}
    new, explained = [], []
    paths = ImagePaths(images)
    columns = {name: (name,) for name in COLUMNS}
    table = NamedRows(path, columns, (EXPLANATION,), "img0.jpg,cat,true")
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
        explanation = cells.get(EXPLANATION, "").strip()
        if len(explanation) > LONGEST:
            add(row, EXPLANATION, f"has {len(explanation)} characters; the limit is {LONGEST}")
            continue
        pair = images[image], labels[label]
        what = f"image {short(image)}, label {short(label)}"
        if pair in first:
            add(row, "", f"{what} stands in row {first[pair]} already")
            continue
        first[pair] = row
        if pair not in stored:
            new.append(
                KnownAnswer(
                    dataset=dataset,
                    image_id=pair[0],
                    label_id=pair[1],
                    present=present,
                    explanation=explanation,
                )
            )
        elif stored[pair].present != present:
            was = "true" if stored[pair].present else "false"
            add(row, "", f"present: {what} was imported as {was} before")
        elif explanation and not stored[pair].explanation:
            stored[pair].explanation = explanation
            explained.append(stored[pair])
        elif explanation and stored[pair].explanation != explanation:
            add(row, "", f"explanation: {what} was imported with another before")
    table.refuse_any()
    if paths.taken_for:
        table.note(paths.note())
    KnownAnswer.objects.bulk_create(new, batch_size=BATCH)
    KnownAnswer.objects.bulk_update(explained, ["explanation"], batch_size=BATCH)
    return KnownImported(len(new), len(first) - len(new), len(explained), table.notes)
