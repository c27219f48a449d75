"""What predictions came from stays as it was: rows are locked while they are written or changed.

Who stores predictions holds their classifiers and images to the end of the transaction; who changes
a classifier locks its row first. So either the change sees the predictions and is refused, or who
predicts sees the change.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction

from imagesets.models import Dataset, Image
from models_inference.errors import InferenceError
from models_inference.models import Classifier, InferenceJob


def settings_of(classifier: Classifier) -> str:
    """All that a classifier's predictions and the place of its logits depend on, to compare."""
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


def held_classifiers(ids: Sequence[int]) -> dict[int, Classifier]:
    """Classifiers as they are now, and stay until the transaction ends; without those deleted."""
    _lock(Classifier, ids, "SHARE")
    return Classifier.objects.select_related("dataset").in_bulk(ids)


def held_images(ids: Iterable[int]) -> dict[int, str]:
    """Those of the images that exist, and do until the transaction ends: ids and keys."""
    ids = list(ids)
    _lock(Image, ids, "KEY SHARE")
    return dict(Image.objects.filter(id__in=ids).values_list("id", "key"))


def _lock(model: type[Classifier] | type[Image], ids: Sequence[int], strength: str) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT FROM {table} WHERE id = ANY(%s) ORDER BY id FOR {strength}", [list(ids)]
        )


def change(classifier: Classifier, **values: object) -> dict[str, object]:
    """Give a classifier without predictions other values, in its row too; what they were before.

    Raises InferenceError where it has predictions made with others, or was deleted.
    """
    with transaction.atomic():
        row = Classifier.objects.select_for_update().filter(pk=classifier.pk).first()
        if row is None:
            raise InferenceError(f"Classifier {classifier.name} was deleted meanwhile.")
        before = {name: getattr(row, name) for name in values if getattr(row, name) != values[name]}
        for name, there in before.items():
            if row.predictions.exists():
                other = f"{name} {there!r}, not {values[name]!r}"
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


def hold_weights(classifier: Classifier, sha256: str) -> None:
    """Note which weights file a classifier's predictions are made with, from now on.

    Raises InferenceError where it has predictions made with another file.
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
    """What a run made or changed of classifiers' rows, so that its failure can take it back."""

    steps: list[tuple[int, dict[str, object], dict[str, object] | None]] = field(
        default_factory=list  # classifier, what was set, what it was before (None: no row)
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
        """As `change`."""
        if before := change(classifier, **values):
            self.steps.append((classifier.pk, {name: values[name] for name in before}, before))

    def take_back(self) -> None:
        """Undo all of it, but for what somebody changed, asked the queue for or predicted with."""
        with transaction.atomic():
            for pk, values, before in reversed(self.steps):
                row = Classifier.objects.select_for_update().filter(pk=pk, **values).first()
                asked = InferenceJob.objects.filter(classifiers__contains=[pk], finished_at=None)
                if row is None or row.predictions.exists() or asked.exists():
                    continue
                if before is None:
                    row.delete()
                else:
                    Classifier.objects.filter(pk=pk).update(**before)
