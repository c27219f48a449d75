"""Runs classifiers over a dataset's images, chunk by chunk, and stores their predictions."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from django.conf import settings
from django.db import transaction

from imagesets.models import Dataset, Image
from models_inference.chunks import claim, open_chunks, release, release_all
from models_inference.errors import InferenceError
from models_inference.inference.loaded_networks import LoadedNetworks, check_same_dataset
from models_inference.inference.pipeline import Batches, ChunkInProgress, Pipeline
from models_inference.inference.unreadable_images import UnreadableImages
from models_inference.models import Classifier, SkippedImage
from models_inference.predictions.logits import gather, keep_logits
from models_inference.predictions.storage import Row, locked_classifiers, locked_images, store

# Chunks under way besides the one that is stored. On a CPU one is decoded meanwhile; on a GPU one
# is decoded and one is with the networks, which would else wait for the database.
AHEAD = {"cpu": 1, "cuda": 2}
WAIT = 0.5  # seconds between looks at chunks that another worker has claimed

Progress = Callable[[int, int], None]  # predictions done, predictions in all


@dataclass
class InferenceReport:
    """What a run did: rows written, rows that existed, images skipped, classifiers affected."""

    written: int = 0
    already: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # image key, reason
    dropped: dict[str, int] = field(default_factory=dict)  # classifier -> classes without a label
    taken: dict[str, str] = field(default_factory=dict)  # classifier -> from its weights file
    changed: list[str] = field(default_factory=list)  # classifiers restarted by new settings
    deleted: list[str] = field(default_factory=list)  # classifiers deleted during the run
    seconds: float = 0.0
    device: str = ""


class ClassifierChanged(Exception):
    """A classifier was changed or deleted since its network was loaded."""


def predict(
    dataset: Dataset,
    classifiers: Sequence[Classifier],
    device: str = "auto",
    progress: Progress | None = None,
) -> InferenceReport:
    """Predict the top labels of a dataset's images by each classifier, where they are missing.

    Several processes, on one machine or many, may do this at once and share the work. A kill at
    any moment loses at most the chunks under way, and the next call resumes there; existing rows
    never change. Images skipped before are tried again.

    Args: `device`: "auto", "cpu" or "cuda"; `progress(done, total)`: called as predictions (one
    per image and classifier) are made.
    Raises InferenceError: a classifier cannot be loaded, or no image can be read.
    """
    check_same_dataset(dataset, classifiers)
    run = Run(dataset, classifiers, device, progress or (lambda done, total: None))
    skipped = SkippedImage.objects.filter(image__dataset=dataset)
    if skipped.exists() or open_chunks(dataset.id, run.networks.ids):
        run.networks.load()  # if it fails, nothing has changed
    skipped.delete()
    return run.run()


class Run:
    """One process's part in the inference of some classifiers over a dataset."""

    def __init__(
        self, dataset: Dataset, classifiers: Sequence[Classifier], device: str, progress: Progress
    ) -> None:
        self.dataset = dataset
        self.networks = LoadedNetworks(dataset, classifiers, device)
        self.unreadable = UnreadableImages(dataset)
        self.report = InferenceReport()
        self.progress = progress
        self.done = 0

    @property
    def total(self) -> int:
        """Predictions asked for."""
        return self.networks.images * len(self.networks.ids)

    def run(self, on_chunk: Callable[[], None] = lambda: None) -> InferenceReport:
        """Predict what is missing; if other workers have claimed the last of it, wait for them.

        `on_chunk` is called after each chunk that this process has committed.
        """
        began = time.monotonic()
        left = open_chunks(self.dataset.id, self.networks.ids)
        self.done = self.report.already = self.total - sum(left.values())
        if left:
            self.networks.load()
            self.report.device = str(self.networks.device)
            pipeline = Pipeline(self.networks)
            try:
                self._run_passes(pipeline, left, on_chunk)
            finally:
                pipeline.stop()
        if not settings.LOGITS_IN_BUCKET:  # from there, whoever reads them gathers them
            for network in self.networks.by_classifier.values():
                gather(network.classifier)
        self.done = self.total
        self.progress(self.total, self.total)
        self.report.dropped = self.networks.dropped()
        self.report.taken = self.networks.taken()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _run_passes(
        self, pipeline: Pipeline, left: dict[int, int], on_chunk: Callable[[], None]
    ) -> None:
        """Pass over the open chunks until none is left. `left`: chunk -> predictions missing."""
        while left:
            self.done = self.total - sum(left.values())  # other workers' predictions too
            self.progress(self.done, self.total)
            try:
                progressed = self._run_pass(pipeline, list(left), on_chunk)
            except ClassifierChanged:
                progressed = self._refresh()
            left = open_chunks(self.dataset.id, self.networks.ids, among=list(left))
            if left and not progressed:
                time.sleep(WAIT)

    def _refresh(self) -> int:
        """Restart classifiers that were changed, drop those deleted; return how many these are.

        Raises InferenceError if none is left, or one cannot be run by its new settings.
        """
        changed, deleted = self.networks.refresh()
        self.report.changed += changed
        self.report.deleted += deleted
        if not self.networks.classifiers:
            names = ", ".join(self.report.deleted)
            raise InferenceError(f"Deleted during their run: classifiers {names}.")
        return len(changed) + len(deleted)

    def _run_pass(
        self, pipeline: Pipeline, numbers: Sequence[int], on_chunk: Callable[[], None]
    ) -> int:
        """Claim and finish every chunk that is free; return how many."""
        finished = 0
        under_way: deque[ChunkInProgress] = deque()

        def finish_first() -> None:
            nonlocal finished
            self._store(under_way[0])
            release(under_way.popleft().chunk.number)
            finished += 1
            on_chunk()

        try:
            for number in numbers:
                chunk = claim(self.dataset.id, self.networks.ids, number)
                if chunk is None:
                    continue
                under_way.append(pipeline.decode(chunk))
                if len(under_way) > 1:
                    pipeline.forward(under_way[-2])
                if len(under_way) > AHEAD[self.networks.device.type]:
                    finish_first()
            if under_way:
                pipeline.forward(under_way[-1])
            while under_way:
                finish_first()
        finally:
            for work in under_way:
                work.cancel()
            release_all(work.chunk.number for work in under_way)
        return finished

    def _store(self, work: ChunkInProgress) -> None:
        """Wait for a chunk's logits and commit all of its rows in one transaction."""
        begun = self.done
        logits = work.logits(lambda ready: self.progress(begun + ready, self.total))
        chunk, skipped = work.chunk, work.skipped
        self.unreadable.add_chunk(skipped, len(chunk.files))
        with transaction.atomic():
            if not self.networks.are_current(locked_classifiers(self.networks.ids)):
                raise ClassifierChanged
            keys = locked_images(chunk.files)
            rows = (row for pk, batches in logits.items() for row in self._rows(pk, batches))
            self.report.written += store(row for row in rows if row[1] in keys)
            SkippedImage.objects.bulk_create(
                [SkippedImage(image_id=i, reason=why) for i, why in skipped.items() if i in keys],
                ignore_conflicts=True,
            )
        self.report.skipped += [(keys[i], why) for i, why in skipped.items() if i in keys]
        self.done = begun + sum(map(len, chunk.wanted.values()))
        self.progress(self.done, self.total)

    def _rows(self, classifier: int, batches: Batches) -> Iterator[Row]:
        """A classifier's rows for a chunk; keeps its logits first.

        First, so that a kill between the two leaves logits that are made again, never rows
        without them. Raises InferenceError if a network's answer is not made of finite numbers.
        """
        import torch

        network = self.networks.by_classifier[classifier]
        images = [image for part, _ in batches for image in part]
        logits = torch.cat([part for _, part in batches])
        finite = torch.isfinite(logits).all(dim=1)
        if not finite.all():
            image = images[int(finite.logical_not().nonzero()[0])]
            key = Image.objects.filter(id=image).values_list("key", flat=True).first()
            raise InferenceError(
                f"Classifier {network.classifier.name} answers image {key} by logits that "
                "are not finite numbers: are its weights, mean and std right?"
            )
        if classifier in self.networks.with_logits:
            keep_logits(network.classifier, images, logits.numpy())
        return zip(repeat(classifier), images, *network.top(logits), strict=False)
