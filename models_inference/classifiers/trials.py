"""A classifier on trial: what it says of three pictures, and which label each output means."""

import contextlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from imagesets.files import make_folder
from imagesets.models import Dataset, Image, Label
from models_inference.errors import InferenceError
from models_inference.models import Classifier, Trial
from models_inference.predictions.class_labels import match
from models_inference.predictions.files import (
    ImportedPredictions,
    import_predictions,
    read_predictions,
)

PICTURES = OUTPUTS = ANSWERS = 3
OLD = timedelta(days=1)  # after which a trial that nobody saved is thrown away


@dataclass
class Said:
    """What is shown before saving. An output's index is None where a file names labels itself.

    outputs: (index, label id): the first that mean a label. pictures: image id -> its best answers
    (index, label id or None, score), best first. classes: of how many outputs `matched` have one.
    """

    pictures: dict[int, list[tuple[int | None, int | None, float]]]
    outputs: list[tuple[int, int]] = field(default_factory=list)
    classes: int = 0
    matched: int = 0
    notes: list[str] = field(default_factory=list)


def shown_of(dataset: Dataset, among: Iterable[int] | None = None) -> list[Image]:
    """PICTURES pictures of a dataset, in no order; with a dataset label where there are such."""
    images = dataset.images.all() if among is None else dataset.images.filter(pk__in=list(among))
    rows = images.select_related("dataset_label")
    labelled = rows.exclude(dataset_label=None).order_by("public_id")[:PICTURES]
    return list(labelled) or list(rows.order_by("public_id")[:PICTURES])


def outputs_of(dataset: Dataset, keys: Sequence[str | None]) -> dict[int, int]:
    """Output -> the id of the label that it means; those that mean none are left out."""
    ids = dict(Label.objects.filter(dataset=dataset).values_list("key", "id"))
    matched = match(keys, ids)
    labels = matched.labels[matched.position]
    return dict(zip(matched.kept.tolist(), labels.tolist(), strict=True))


def folder_of(trial: Trial) -> Path:
    """The folder of a trial's files."""
    return Path(settings.DATA_DIR) / "trials" / str(trial.pk)


def keep(trial: Trial, upload: UploadedFile, name: str) -> Path:
    """Write an uploaded file of a trial to its folder; where it lies."""
    path = folder_of(trial) / name
    make_folder(path.parent)
    with path.open("wb") as file:
        file.writelines(upload.chunks())
    return path


def try_file(trial: Trial) -> None:
    """Read a trial's file, and note what it says. Raises InferenceError if it cannot be read."""
    mapping = Path(trial.mapping_file) if trial.mapping_file else None
    read = read_predictions(trial.dataset, Path(trial.file), trial.name, mapping)
    outputs = outputs_of(trial.dataset, read.classes) if read.classes else {}
    output_of = {label: output for output, label in reversed(outputs.items())}
    said = Said(
        pictures={
            image.pk: [
                (output_of.get(int(label)), int(label), float(score))
                for label, score in list(zip(*read.rows[image.pk], strict=True))[:ANSWERS]
            ]
            for image in shown_of(trial.dataset, read.rows)
        },
        outputs=list(outputs.items())[:OUTPUTS],
        classes=len(read.classes or ()),
        matched=len(outputs),
        notes=read.notes,
    )
    note(trial, said)


def note(trial: Trial, said: Said) -> None:
    """Write what a trial's classifier said."""
    trial.said, trial.finished_at = asdict(said), timezone.now()
    trial.save(update_fields=["said", "finished_at"])


def save(trial: Trial) -> Classifier | ImportedPredictions:
    """Make the trial's classifier, which is then run; of a file, import its predictions.

    Raises InferenceError, and keeps the trial, if there is another of that name by now.
    """
    if trial.file:
        mapping = Path(trial.mapping_file) if trial.mapping_file else None
        done = import_predictions(trial.dataset, Path(trial.file), trial.name, mapping)
        throw_away(trial)
        return done
    with transaction.atomic():
        made, new = Classifier.objects.get_or_create(
            dataset=trial.dataset,
            name=trial.name,
            defaults={
                name: getattr(trial, name)
                for name in ("architecture", "weights", "input", "mapping")
            },
        )
        if not new:
            raise InferenceError(f"There is a classifier {trial.name} already.")
        throw_away(trial)
    return made


def throw_away(trial: Trial) -> None:
    """Forget a trial with its files, and those that are older than OLD."""
    old = Trial.objects.filter(queued_at__lt=timezone.now() - OLD)
    for each in {trial, *old}:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder_of(each))
        each.delete()
