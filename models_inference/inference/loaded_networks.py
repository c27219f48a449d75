"""The networks that a run has loaded, kept in step with their classifiers' rows."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from imagesets.models import Dataset, Image
from models_inference.classifiers.changes import record_weights, settings_of
from models_inference.errors import InferenceError
from models_inference.models import Classifier
from models_inference.networks.devices import choose_device
from models_inference.networks.network import Network, load
from models_inference.networks.preprocessing import Resizing
from models_inference.networks.weights import sha256_of
from models_inference.predictions.logits import wanted

if TYPE_CHECKING:
    import torch


log = logging.getLogger(__name__)


class LoadedNetworks:
    """Classifiers of one dataset and, once loaded, their networks on one device."""

    def __init__(self, dataset: Dataset, classifiers: Sequence[Classifier], device: str) -> None:
        self.dataset = dataset
        self.classifiers = list(classifiers)
        self.images = Image.objects.filter(dataset=dataset).count()
        self.by_classifier: dict[int, Network] = {}
        self.transforms: dict[Resizing, Callable] = {}  # from a picture to an input's pixels
        self.with_logits: set[int] = set()  # classifiers whose logits are kept
        self._device_name = device
        self._settings: dict[int, str] = {}  # classifier -> the settings its network was made by

    @functools.cached_property
    def device(self) -> "torch.device":
        """The device of all networks; asking for it loads torch."""
        return choose_device(self._device_name)

    @property
    def ids(self) -> list[int]:
        """The classifiers' ids."""
        return [classifier.id for classifier in self.classifiers]

    def dropped(self) -> dict[str, int]:
        """Classifier's name -> how many of its classes have no label in the dataset."""
        networks = self.by_classifier.values()
        return {network.classifier.name: network.labels.dropped for network in networks}

    def taken(self) -> dict[str, str]:
        """Classifier's name -> what was taken from a weights file that holds more than it."""
        networks = self.by_classifier.values()
        return {network.classifier.name: network.taken for network in networks if network.taken}

    def load(self) -> None:
        """Put on the device whatever is not there. Raises InferenceError."""
        for classifier in self.classifiers:
            if classifier.id not in self.by_classifier:
                self._load_one(classifier)

    def _load_one(self, classifier: Classifier) -> None:
        network = load(classifier, self.device)
        record_weights(classifier, sha256_of(classifier.weights))
        if network.taken:
            log.info("Weights of %s: %s.", classifier.name, network.taken)
        self.by_classifier[classifier.id] = network
        self._settings[classifier.id] = settings_of(classifier)
        if wanted(self.images, network.labels.classes):
            self.with_logits.add(classifier.id)
        if network.preprocessing.resizing not in self.transforms:
            self.transforms[network.preprocessing.resizing] = network.preprocessing.transform()

    def are_current(self, rows: Mapping[int, Classifier]) -> bool:
        """Whether every network is what its classifier's row (by id) now says."""
        return all(self._is_current(classifier, rows) for classifier in self.classifiers)

    def _is_current(self, classifier: Classifier, rows: Mapping[int, Classifier]) -> bool:
        row = rows.get(classifier.id)
        return row is not None and settings_of(row) == self._settings[classifier.id]

    def refresh(self) -> tuple[list[str], list[str]]:
        """Reload classifiers whose rows have changed, drop the deleted; the names of both.

        Raises InferenceError if none is left, or one cannot be run by its new settings.
        """
        rows = Classifier.objects.select_related("dataset").in_bulk(self.ids)
        stale = [c for c in self.classifiers if not self._is_current(c, rows)]
        for classifier in stale:
            del self.by_classifier[classifier.id]
            self.with_logits.discard(classifier.id)
        changed = [c.name for c in stale if c.id in rows]
        deleted = [c.name for c in stale if c.id not in rows]
        self.classifiers = [rows[c.id] for c in self.classifiers if c.id in rows]
        if self.classifiers:
            check_same_dataset(self.dataset, self.classifiers)
            self.load()
        return changed, deleted


def check_same_dataset(dataset: Dataset, classifiers: Sequence[Classifier]) -> None:
    """Raise InferenceError for classifiers of another dataset, or for none at all."""
    if not classifiers:
        raise InferenceError(f"No classifier of dataset {dataset.slug} was named.")
    for classifier in classifiers:
        if classifier.dataset_id != dataset.id:
            raise InferenceError(
                f"Classifier {classifier.name} is of another dataset than {dataset.slug}."
            )
