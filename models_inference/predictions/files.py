"""Imports predictions made elsewhere: a table of ranked labels, or an archive of logits.

A file is read and checked as a whole before anything is written; then all of it is written in one
transaction. Each error names the file, the row and the field.
"""

import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import transaction

from imagesets.models import Dataset, Image, Label
from imagesets.tables.image_paths import ImagePaths, NoImage
from imagesets.tables.named_rows import NamedRows
from imagesets.tables.problems import Problems
from imagesets.tables.values import has_decimal_comma, number, whole_number
from models_inference.errors import InferenceError, is_text, short
from models_inference.models import LONGEST_NAME, STORED, Classifier, Prediction
from models_inference.predictions.class_labels import class_labels
from models_inference.predictions.class_orders import classes_of
from models_inference.predictions.logits import keep_logits, wanted
from models_inference.predictions.mapping_files import refused
from models_inference.predictions.storage import locked_images, store

Ranked = tuple[Sequence[int], Sequence[float]]  # ids of labels and scores, best first
Show = Callable[[int, int | None], None]  # rows or images done, of how many (None: not known)
USUAL = 5  # labels of a classifier that a campaign takes, unless it says otherwise
COLUMNS = ("image", "rank", "label", "score")
BLOCK = 1024  # images whose logits are ranked at a time
ROWS_SHOWN = 5_000  # rows of a table after which progress is shown


@dataclass(frozen=True)
class ImportedPredictions:
    """What an import did.

    dropped: classes of the logits without a label in the dataset. notes: sentences on what was
    taken for granted and what was left out.
    """

    classifier: Classifier
    new: int
    known: int
    dropped: int
    notes: list[str]


def import_predictions(
    dataset: Dataset,
    file: Path,
    name: str,
    mapping: Path | None = None,
    show: Show = lambda done, total: None,
) -> ImportedPredictions:
    """Store a file's predictions as those of the classifier `name`, which is made if missing.

    CSV: columns `image,rank,label,score` (keys; rank from 1 without gaps; scores that do not rise;
    of more than 10 ranks the first 10 are kept). `.npz`: arrays `logits` (N x C) and `images` (N
    keys), optionally `classes` (C label keys; else `mapping`, a mapping.csv; else ImageNet's order
    for 1,000 classes of a dataset with ImageNet's labels; else, if C is their number, the order in
    which the dataset's labels were imported, unless they are numbers in another order).

    The same predictions again change nothing. Raises InferenceError, and writes nothing: an error
    in the file; a prediction that differs from an existing one; a classifier that the site runs.
    """
    read = read_predictions(dataset, file, name, mapping, show)
    images, rows, keys = read.images, read.rows, read.classes
    with transaction.atomic():
        row, _ = Classifier.objects.get_or_create(
            dataset=dataset, name=name, defaults={"mapping": keys}
        )
        classifier = Classifier.objects.select_for_update().filter(pk=row.pk).first()
        if classifier is None:
            raise InferenceError(f"Classifier {name} was deleted meanwhile.")
        refuse_if_runnable(classifier)
        if keys is not None and classifier.mapping is None:  # a table came first
            classifier.mapping = keys
            classifier.save(update_fields=["mapping"])
        if keys is not None and classifier.mapping != keys:
            raise InferenceError(
                f"{file}: classifier {name} has logits of other classes, or of the same in another "
                "order: import under another name, or give the same classes or mapping."
            )
        existing = locked_images(rows)
        if gone := [key for key, pk in images.items() if pk in rows and pk not in existing]:
            raise InferenceError(f"{file}: image {gone[0]} was deleted meanwhile.")
        known = compare(classifier, rows, file, images)
        new = store((classifier.id, image, *best) for image, best in rows.items())
        if read.logits is not None and wanted(len(images), read.logits.shape[1]):
            keep_logits(classifier, list(rows), read.logits)
    show(len(rows), len(rows))
    return ImportedPredictions(classifier, new, known, read.dropped, read.notes)


@dataclass(frozen=True)
class PredictionsRead:
    """A file's predictions, before anything is stored.

    images: the dataset's, id by key. rows: by image id, in the order of the logits. classes: each
    class's label key, of logits.
    """

    images: dict[str, int]
    rows: dict[int, Ranked]
    logits: np.ndarray | None
    classes: list[str | None] | None
    dropped: int
    notes: list[str]


def read_predictions(
    dataset: Dataset,
    file: Path,
    name: str,
    mapping: Path | None = None,
    show: Show = lambda done, total: None,
) -> PredictionsRead:
    """Read and check a file as import_predictions does; it raises what that raises."""
    if not name.strip() or not is_text(name) or len(name) > LONGEST_NAME:
        raise InferenceError(
            f"The classifier needs a name of at most {LONGEST_NAME} characters, not {short(name)}."
        )
    refuse_if_runnable(Classifier.objects.filter(dataset=dataset, name=name).first())
    images = dict(Image.objects.filter(dataset=dataset).values_list("key", "id"))
    notes: list[str] = []
    if file.suffix.lower() != ".npz":
        if mapping is not None:
            raise InferenceError("A mapping is for logits (.npz): a CSV names the labels itself.")
        rows = read_table(dataset, file, images, notes, show)
        return PredictionsRead(images, rows, None, None, 0, notes + notes_on(dataset, rows))
    logits, ids, (keys, order) = read_logits(dataset, file, images, mapping, notes)
    matched = class_labels(dataset, name, keys)
    rows = {}
    for start in range(0, len(ids), BLOCK):
        block = slice(start, start + BLOCK)
        rows.update(zip(ids[block], ranked(logits[block], matched), strict=True))
        show(min(start + BLOCK, len(ids)), len(ids))
    notes.append(f"Taken for granted: {order}.")
    if shared := len(matched.kept) - len(matched.labels):
        notes.append(f"Classes that share a label with another: {shared:,}; their scores add up.")
    notes += notes_on(dataset, rows)
    return PredictionsRead(images, rows, logits, keys, matched.dropped, notes)


def notes_on(dataset: Dataset, rows: dict[int, Ranked]) -> list[str]:
    """Sentences by which a person sees whether predictions mean what they should."""
    labels = dict(dataset.images.exclude(dataset_label=None).values_list("id", "dataset_label_id"))
    firsts = [(best[0][0], labels[image]) for image, best in rows.items() if image in labels]
    notes = []
    if firsts:
        agreeing = sum(first == label for first, label in firsts)
        notes.append(
            f"The first label is the dataset label of {agreeing:,} of {len(firsts):,} images."
        )
    enough = min(USUAL, dataset.labels.count())
    if few := sum(len(best[0]) < enough for best in rows.values()):
        notes.append(f"Images with fewer than {enough} labels: {few:,}; campaigns take those.")
    return notes


def refuse_if_runnable(classifier: Classifier | None) -> None:
    """Raise InferenceError for a classifier whose predictions the site makes itself."""
    if classifier and classifier.architecture:
        raise InferenceError(
            f"Classifier {classifier.name} of {classifier.dataset.slug} is run by the site itself "
            f"(architecture {classifier.architecture}): import under another name."
        )


def read_table(
    dataset: Dataset, file: Path, images: dict[str, int], notes: list[str], show: Show
) -> dict[int, Ranked]:
    """The rows of a CSV by image id; `notes` gets what was taken for granted or left out.

    Raises InferenceError naming the rows and field.
    """
    labels = dict(Label.objects.filter(dataset=dataset).values_list("key", "id"))
    paths = ImagePaths(images)
    table = NamedRows(file, {name: (name,) for name in COLUMNS}, (), "img0.jpg,1,cat,0.7")
    add = table.problems.add
    ranks_by_image: dict[str, dict[int, tuple[int, float, int]]] = {}
    commas = 0
    with refused():
        for row, cells in table:
            if row % ROWS_SHOWN == 0:
                show(row, None)
            label, rank = labels.get(cells["label"]), whole_number(cells["rank"])
            commas += has_decimal_comma(cells["score"])
            try:
                key, score = paths.key(cells["image"]), number(cells["score"])
            except NoImage as error:
                add(row, "image", str(error))
                continue
            except ValueError as error:
                add(row, "score", f"{short(cells['score'])} {error}")
                continue
            ranks = ranks_by_image.setdefault(key, {})
            if label is None:
                message = f"dataset {dataset.slug} has no label {short(cells['label'])}"
                add(row, "label", message)
            elif rank is None or rank < 1:
                add(row, "rank", f"{short(cells['rank'])} is not a whole number from 1")
            elif not math.isfinite(score):
                add(row, "score", f"{short(cells['score'])} is not a number")
            elif rank in ranks:
                add(row, "rank", f"{key!r} has rank {rank} already in row {ranks[rank][2]}")
            else:
                ranks[rank] = (label, score, row)
        if not table.problems:
            for key, ranks in ranks_by_image.items():
                check_order(key, ranks, table.problems)
        table.refuse_any()
    if not ranks_by_image:
        raise InferenceError(f"{file} has no rows.")
    if commas:
        table.note(f"{commas:,} scores with a comma were read as with a decimal point")
    if paths.taken_for:
        table.note(paths.note())
    notes += [f"{note}." for note in table.notes]
    if cut := sum(len(ranks) > STORED for ranks in ranks_by_image.values()):
        notes.append(f"Images with more than {STORED} ranks: {cut:,}; the first {STORED} are kept.")
    return {images[key]: in_order(ranks) for key, ranks in ranks_by_image.items()}


def check_order(key: str, ranks: dict[int, tuple[int, float, int]], problems: Problems) -> None:
    """Note the first error of an image's ranks: a gap, a label twice, scores that rise."""
    labels: set[int] = set()
    above = math.inf
    for expected, rank in enumerate(sorted(ranks), 1):
        label, score, row = ranks[rank]
        if rank != expected:
            problems.add(row, "rank", f"{key!r} has rank {rank}, but no rank {expected}")
            return
        if label in labels:
            problems.add(row, "label", f"{key!r} names this label at two ranks")
            return
        if score > above:
            message = f"{score} of rank {rank} is above {above} of rank {rank - 1}"
            problems.add(row, "score", message)
            return
        labels.add(label)
        above = score


def in_order(ranks: dict[int, tuple[int, float, int]]) -> Ranked:
    """One image's labels and scores, best first, as many as are stored."""
    best = [ranks[rank] for rank in sorted(ranks)[:STORED]]
    return [label for label, *_ in best], [score for _, score, _ in best]


def read_logits(
    dataset: Dataset, file: Path, images: dict[str, int], mapping: Path | None, notes: list[str]
) -> tuple[np.ndarray, list[int], tuple[list[str | None], str]]:
    """Logits float (N, C), ids of the N images, `classes_of` the C classes, of an .npz file.

    Adds to `notes` which images were meant by other paths than their keys.
    """
    if not zipfile.is_zipfile(file):
        raise InferenceError(f"{file} cannot be read: there is no .npz archive at this path.")
    try:
        with np.load(file, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
    except Exception as error:  # NumPy's, zipfile's and its decompressors'
        if "allow_pickle" in str(error):
            raise InferenceError(
                f"{file}: an array holds Python objects, whose loading could run code: save image "
                'keys as text (np.array(keys, dtype="U")).'
            ) from None
        raise InferenceError(f"{file} cannot be read as .npz: {error}.") from None
    for name in ("logits", "images"):
        if name not in content:
            raise InferenceError(
                f"{file}: array {name} is missing (it holds {', '.join(content)})."
            )
    for name in {"logits", "images", "classes"} & set(content):
        if not isinstance(content[name], np.ndarray):
            raise InferenceError(f"{file}, {name}: is not a NumPy array.")
    logits, keys = content["logits"], content["images"]
    if logits.ndim != 2 or logits.dtype.kind != "f" or not logits.size:
        raise InferenceError(
            f"{file}, logits: must be numbers with a fraction, images x classes, not "
            f"{logits.dtype} {logits.shape}."
        )
    if keys.shape != (len(logits),) or keys.dtype.kind not in "US":
        raise InferenceError(
            f"{file}, images: must be {len(logits)} keys as text, one per row of logits, not "
            f"{keys.dtype} {keys.shape}."
        )
    try:
        names = [key.decode() if isinstance(key, bytes) else str(key) for key in keys]
    except UnicodeDecodeError:
        raise InferenceError(f"{file}, images: the keys are not text in UTF-8.") from None
    ids: list[int] = []
    seen: dict[str, int] = {}
    paths = ImagePaths(images)
    faults: list[str] = []
    for row, name in enumerate(names):
        try:
            key = paths.key(name)
        except NoImage as error:
            faults.append(f"row {row}, images: {error}")
            continue
        if key in seen:
            faults.append(f"row {row}, images: {name} is already in row {seen[key]}")
        seen.setdefault(key, row)
        ids.append(images[key])
    if faults:
        more = f" ({len(faults) - 1:,} more rows are wrong)" if len(faults) > 1 else ""
        raise InferenceError(f"{file}, {faults[0]}{more}.")
    if paths.taken_for:
        notes.append(f"{file.name}: {paths.note()}.")
    # Rows, not cells: a whole table of booleans would be as large as the logits.
    with np.errstate(over="ignore", invalid="ignore"):
        bad = np.flatnonzero(~np.isfinite(logits.sum(axis=1, dtype=np.float64)))
    if len(bad):
        raise InferenceError(f"{file}, row {bad[0]}, logits: not all are finite numbers.")
    return logits, ids, classes_of(dataset, file, logits, ids, content.get("classes"), mapping)


def ranked(logits: np.ndarray, labels) -> Iterator[Ranked]:
    """The best labels and their softmax scores, row by row (as in network.top_labels)."""
    values = logits.astype(np.float64)
    values = np.exp(values - values.max(axis=1, keepdims=True))
    values /= values.sum(axis=1, keepdims=True)
    scores = np.zeros((len(values), len(labels.labels)))
    np.add.at(scores.T, labels.position, values[:, labels.kept].T)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :STORED]
    best = np.take_along_axis(scores, order, axis=1).astype(np.float32)
    yield from zip(labels.labels[order], best, strict=True)


def compare(
    classifier: Classifier, rows: dict[int, Ranked], file: Path, images: dict[str, int]
) -> int:
    """How many of the rows exist already. Raises InferenceError if one exists and differs."""
    existing = Prediction.objects.filter(classifier=classifier, image__in=list(rows))
    known = 0
    for image, labels, scores in existing.values_list("image_id", "labels", "scores").iterator():
        new_labels, new_scores = rows[image]
        same = list(new_labels) == labels and [float(str(s)) for s in new_scores] == scores
        if not same:
            key = next(key for key, number in images.items() if number == image)
            raise InferenceError(
                f"{file}: classifier {classifier.name} has another prediction for image {key} "
                "already; predictions are never replaced: import under another name."
            )
        known += 1
    return known
