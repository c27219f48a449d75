"""Changes a classifier's row, but only while it has no predictions made by other settings.

Whoever stores predictions locks their classifiers until the transaction ends (storage.py); whoever
changes a classifier locks its row first. So either the change sees the predictions and is refused,
or the run sees the change and starts over.
"""

import json
from dataclasses import dataclass, field

from django.db import transaction

from imagesets.models import Dataset
from models_inference.errors import InferenceError
from models_inference.models import Classifier, InferenceJob


def settings_of(classifier: Classifier) -> str:
    """Everything that a classifier's predictions and its logits' folder depend on, to compare."""
    return json.dumps(
        [
            classifier.dataset_id,
            classifier.name,
            classifier.architecture,
            classifier.weights,
            classifier.weights_sha256,
            classifier.input,
            classifier.mapping,
        ],
        sort_keys=True,
    )


def change(classifier: Classifier, **values: object) -> dict[str, object]:
    """Set fields of a classifier, in memory and in its row; return the old values of those changed.

    Raises InferenceError if it has predictions made with other values, or was deleted.
    """
    with transaction.atomic():
        row = Classifier.objects.select_for_update().filter(pk=classifier.pk).first()
        if row is None:
            raise InferenceError(f"Classifier {classifier.name} was deleted meanwhile.")
        before = {name: getattr(row, name) for name in values if getattr(row, name) != values[name]}
        for name, old in before.items():
            if row.predictions.exists():
                other = f"{name} {old!r}, not {values[name]!r}"
                raise InferenceError(
                    f"Classifier {row.name} of {row.dataset.slug} has predictions made with "
                    f"{'another mapping' if name == 'mapping' else other}: register it under "
                    "another name."
                )
        if before:
            Classifier.objects.filter(pk=row.pk).update(**{name: values[name] for name in before})
    for name, value in values.items():
        setattr(classifier, name, value)
    return before


def record_weights(classifier: Classifier, sha256: str) -> None:
    """Record the weights file that a classifier's predictions are made with from now on.

    Raises InferenceError if it has predictions made with another file.
    """
    with transaction.atomic():
        others = Classifier.objects.exclude(weights_sha256=sha256)
        row = others.select_for_update().filter(pk=classifier.pk).first()
        if row is not None:
            if row.weights_sha256 and row.predictions.exists():
                raise InferenceError(
                    f"Classifier {row.name} of {row.dataset.slug} has predictions made with "
                    f"another file than is now at {row.weights}: register it under another name."
                )
            others.filter(pk=row.pk).update(weights_sha256=sha256)
    classifier.weights_sha256 = sha256


@dataclass
class Changes:
    """The classifiers that a command made or changed, so that its failure can undo it."""

    steps: list[tuple[int, dict[str, object], dict[str, object] | None]] = field(
        default_factory=list  # classifier, new values, old values (None: there was no row)
    )

    def make(self, dataset: Dataset, name: str, **values: object) -> Classifier:
        """A classifier with these values: a new one, or the one of that name, changed."""
        classifier, new = Classifier.objects.get_or_create(
            dataset=dataset, name=name, defaults=values
        )
        if new:
            self.steps.append((classifier.pk, values, None))
        else:
            self.change(classifier, **values)
        return classifier

    def change(self, classifier: Classifier, **values: object) -> None:
        """As the function `change`."""
        if before := change(classifier, **values):
            self.steps.append((classifier.pk, {name: values[name] for name in before}, before))

    def undo(self) -> None:
        """Undo all of it, except for classifiers since changed, queued or predicted with."""
        with transaction.atomic():
            for pk, values, before in reversed(self.steps):
                row = Classifier.objects.select_for_update().filter(pk=pk, **values).first()
                queued = InferenceJob.objects.filter(classifiers__contains=[pk], finished_at=None)
                if row is None or row.predictions.exists() or queued.exists():
                    continue
                if before is None:
                    row.delete()
                else:
                    Classifier.objects.filter(pk=pk).update(**before)
