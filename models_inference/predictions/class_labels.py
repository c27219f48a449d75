"""Matches a classifier's classes with a dataset's labels: class index -> label id."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagesets.labels.imagenet import imagenet_classes
from imagesets.models import Dataset, Label
from models_inference.errors import InferenceError


@dataclass(frozen=True)
class ClassLabels:
    """Of C classes, those that have a label in the dataset; several may share a label.

    kept: int64 (K,), indices of classes with a label. position: int64 (K,), the positions of their
    labels in `labels`. labels: int64 (L,), ids of labels, by their first class. classes: C.
    """

    kept: np.ndarray
    position: np.ndarray
    labels: np.ndarray
    classes: int

    @property
    def dropped(self) -> int:
        """How many classes have no label in the dataset."""
        return self.classes - len(self.kept)


def match(keys: Sequence[str | None], ids: dict[str, int]) -> ClassLabels:
    """Class labels from each class's label key (None: dropped) and label ids by key."""
    kept = [index for index, key in enumerate(keys) if key is not None and key in ids]
    label_of = [ids[str(keys[index])] for index in kept]
    labels = list(dict.fromkeys(label_of))
    place = {label: position for position, label in enumerate(labels)}
    return ClassLabels(
        kept=np.array(kept, dtype=np.int64),
        position=np.array([place[label] for label in label_of], dtype=np.int64),
        labels=np.array(labels, dtype=np.int64),
        classes=len(keys),
    )


def class_labels(dataset: Dataset, name: str, keys: Sequence[str | None]) -> ClassLabels:
    """Match a classifier's classes (their label keys in index order) with a dataset's labels.

    Raises InferenceError if none of the classes is a label of the dataset.
    """
    ids = dict(Label.objects.filter(dataset=dataset).values_list("key", "id"))
    matched = match(keys, ids)
    if not len(matched.kept):
        first = next((key for key in keys if key), "none")
        raise InferenceError(
            f"None of the {len(keys)} classes of classifier {name} (the first is {first}) is one "
            f"of the {len(ids)} labels of dataset {dataset.slug}: give the classifier a mapping."
        )
    return matched


def imagenet_keys() -> list[str]:
    """The 1,000 WordNet ids of ImageNet-1k in the order of its classifiers' classes."""
    return [entry.key for entry in imagenet_classes()]
