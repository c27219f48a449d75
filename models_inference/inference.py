"""Runs classifiers over a dataset's images: each image is decoded once and feeds all of them."""

import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from imagesets.locations import read_same
from imagesets.models import Dataset, Image
from imagesets.pixels import open_rgb
from models_inference.chunks import Chunk, claim, open_chunks, release, release_all
from models_inference.errors import InferenceError
from models_inference.holding import held_classifiers, held_images, hold_weights, settings_of
from models_inference.models import Classifier, Prediction, SkippedImage
from models_inference.network_threads import Workers
from models_inference.networks.network import Network, choose_device, load
from models_inference.networks.preprocessing import Resizing
from models_inference.networks.weights import first_line, sha256_of
from models_inference.predictions.logits import gather, keep_logits, wanted
from models_inference.predictions.storage import Row, store

if TYPE_CHECKING:
    from torch import Tensor

# Chunks under way beside the one that is written. On a CPU one is decoded meanwhile; on a GPU one
# is decoded and one is with the networks, or they would wait for the database.
AHEAD = {"cpu": 1, "cuda": 2}
WAIT = 0.5  # seconds between looks at chunks that another worker has claimed
FEW = 3  # images in a row that may be unreadable before the machine itself is suspected

Progress = Callable[[int, int], None]  # predictions done, predictions in all
Answers = dict[int, "Tensor"]  # classifier -> its logits for a batch
Prepared = dict[Resizing, "Tensor"] | str  # an image's pixels for each input, or what is wrong


@dataclass
class Outcome:
    """What a run did: rows written, rows there before, images skipped, classes without a label."""

    written: int = 0
    already: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # image key, reason
    dropped: dict[str, int] = field(default_factory=dict)  # classifier -> classes without a label
    changed: list[str] = field(default_factory=list)  # classifiers begun anew by new settings
    deleted: list[str] = field(default_factory=list)  # classifiers that were deleted meanwhile
    seconds: float = 0.0
    device: str = ""


@dataclass
class Work:
    """A claimed chunk on its way: its pixels, then what networks say, then what cannot be read."""

    chunk: Chunk
    prepared: dict[int, Future[Prepared]]  # by image
    answers: list[tuple[Sequence[int], Future[Answers]]] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)  # image -> reason

    def leave(self) -> None:
        """Have nothing more done for it."""
        for image in self.prepared.values():
            image.cancel()
        for _, answer in self.answers:
            answer.cancel()


class Renewed(Exception):
    """A classifier was changed or deleted since its network was loaded."""


class Job:
    """One process's part of the inference of some classifiers over a dataset."""

    def __init__(
        self, dataset: Dataset, classifiers: Sequence[Classifier], device: str, progress: Progress
    ) -> None:
        self.dataset = dataset
        self.classifiers = list(classifiers)
        self.ids = [classifier.id for classifier in classifiers]
        self.settings: dict[int, str] = {}  # classifier -> what its network was made of
        self.device_name = device
        self.progress = progress
        self.outcome = Outcome()
        self.networks: dict[int, Network] = {}
        self.kept: set[int] = set()  # classifiers whose logits are
        self.transforms: dict[Resizing, Callable] = {}
        self.images = Image.objects.filter(dataset=dataset).count()
        self.done = 0
        self.unread: dict[int, str] = {}  # images without one that can be read between, reasons
        self.workers = Workers()

    @property
    def total(self) -> int:
        """Predictions asked for."""
        return self.images * len(self.ids)

    def run(self, on_chunk: Callable[[], None] = lambda: None) -> Outcome:
        """Do what is missing; where other workers are at the last of it, wait for its end.

        `on_chunk` is called after each chunk that this process has committed.
        """
        began = time.monotonic()
        left = open_chunks(self.dataset.id, self.ids)
        self.done = self.outcome.already = self.total - sum(left.values())
        if left and not self.networks:
            self.load()
        try:
            while left:
                self.report(left)
                try:
                    finished = self.run_pass(list(left), on_chunk)
                except Renewed:
                    finished = self.renew()
                left = open_chunks(self.dataset.id, self.ids, among=list(left))
                if left and not finished:
                    time.sleep(WAIT)
        finally:
            self.workers.stop()
        if not settings.LOGITS_IN_BUCKET:  # whoever reads them there brings them together
            for network in self.networks.values():
                gather(network.classifier)
        self.done = self.total
        self.progress(self.total, self.total)
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def report(self, left: dict[int, int]) -> None:
        """Show what is done by anyone: other workers may share the job."""
        self.done = self.total - sum(left.values())
        self.progress(self.done, self.total)

    def load(self) -> None:
        """Put all classifiers on the device."""
        self.device = choose_device(self.device_name)
        self.outcome.device = str(self.device)
        self.workers.start(self.device)
        for classifier in self.classifiers:
            self.load_one(classifier)

    def load_one(self, classifier: Classifier) -> None:
        """Put a classifier on the device."""
        network = load(classifier, self.device)
        hold_weights(classifier, sha256_of(classifier.weights))
        self.networks[classifier.id] = network
        self.settings[classifier.id] = settings_of(classifier)
        if wanted(self.images, network.labels.classes):
            self.kept.add(classifier.id)
        self.outcome.dropped[classifier.name] = network.labels.dropped
        if network.preprocessing.resizing not in self.transforms:
            self.transforms[network.preprocessing.resizing] = network.preprocessing.transform()

    def renew(self) -> int:
        """Leave the classifiers that were deleted, begin anew those that were changed; how many.

        Raises InferenceError where none is left, or one cannot be run by its new settings.
        """
        there = Classifier.objects.select_related("dataset").in_bulk(self.ids)
        stale = [c for c in self.classifiers if not self.is_current(c.id, there)]
        for classifier in stale:
            del self.networks[classifier.id]
            self.kept.discard(classifier.id)
            self.outcome.dropped.pop(classifier.name, None)
        self.outcome.changed += [c.name for c in stale if c.id in there]
        self.outcome.deleted += [c.name for c in stale if c.id not in there]
        self.classifiers = [there[one] for one in self.ids if one in there]
        self.ids = [classifier.id for classifier in self.classifiers]
        if not self.ids:
            names = ", ".join(self.outcome.deleted)
            raise InferenceError(f"Deleted while they were run: classifiers {names}.")
        check_same_dataset(self.dataset, self.classifiers)
        for classifier in self.classifiers:
            if classifier.id not in self.networks:
                self.load_one(classifier)
        return len(stale)

    def is_current(self, one: int, there: Mapping[int, Classifier]) -> bool:
        """Whether a classifier is still what its network was made of."""
        return one in there and settings_of(there[one]) == self.settings[one]

    def run_pass(self, numbers: Sequence[int], on_chunk: Callable[[], None]) -> int:
        """Do every chunk that can be claimed; returns how many that were."""
        finished = 0
        claimed: deque[Work] = deque()

        def finish() -> None:
            nonlocal finished
            self.finish(claimed[0])
            release(claimed.popleft().chunk.number)
            finished += 1
            on_chunk()

        try:
            for number in numbers:
                chunk = claim(self.dataset.id, self.ids, number)
                if chunk is None:
                    continue
                claimed.append(Work(chunk, self.decode(chunk)))
                if len(claimed) > 1:
                    self.forward(claimed[-2])
                if len(claimed) > AHEAD[self.device.type]:
                    finish()
            if claimed:
                self.forward(claimed[-1])
            while claimed:
                finish()
        finally:
            for work in claimed:
                work.leave()
            release_all(work.chunk.number for work in claimed)
        return finished

    def decode(self, chunk: Chunk) -> dict[int, Future[Prepared]]:
        """Begin to decode a chunk's images, each once, for the inputs of all that want it."""
        return {
            image: self.workers.decode.submit(
                self.prepare,
                *file,
                {self.networks[one].preprocessing.resizing for one in chunk.wanted[image]},
            )
            for image, file in chunk.files.items()
        }

    def prepare(self, location: str, sha256: str, resizings: set[Resizing]) -> Prepared:
        """One image's uint8 pixels for each input, or why it cannot be had.

        Raises InferenceError where it is not this image that fails, but all of S3.
        """
        try:
            picture = open_rgb(read_same(location, sha256))
            return {one: self.transforms[one](one.middle(picture)) for one in resizings}
        except ConnectionError as error:
            raise InferenceError(" ".join(str(error).split())) from error
        except (OSError, ValueError, MemoryError) as error:  # Undecodable is a ValueError
            return " ".join(str(error).split()) or type(error).__name__

    def forward(self, work: Work) -> None:
        """Hand a chunk to the networks, batch by batch as the decoders have it.

        Networks of one input get one batch: it is put together, and sent to a GPU, once.
        """
        for images in self.batches(list(work.chunk.files)):
            pixels: dict[int, dict[Resizing, Tensor]] = {}
            for image in images:
                prepared = work.prepared.pop(image).result()
                if isinstance(prepared, str):
                    work.skipped[image] = prepared
                else:
                    pixels[image] = prepared
            groups: dict[tuple[Resizing, tuple[int, ...]], list[Network]] = defaultdict(list)
            for one, network in self.networks.items():
                mine = tuple(image for image in pixels if one in work.chunk.wanted[image])
                groups[network.preprocessing.resizing, mine].append(network)
            for (resizing, mine), networks in groups.items():
                if mine:
                    batch = [pixels[image][resizing] for image in mine]
                    answer = self.workers.forward.submit(self.answer, networks, batch)
                    work.answers.append((mine, answer))

    def answer(self, networks: list[Network], pixels: list["Tensor"]) -> Answers:
        """What networks of one input say about a batch: logits float32 (N, C) on the CPU."""
        import torch

        batch = torch.stack(pixels)
        if self.device.type == "cuda":
            batch = batch.pin_memory().to(self.device, non_blocking=True)
        return {network.classifier.id: self.logits(network, batch) for network in networks}

    def logits(self, network: Network, batch: "Tensor") -> "Tensor":
        """A network's logits; InferenceError where it does not run on pictures of this size."""
        try:
            return network.logits(batch)
        except InferenceError:
            raise
        except (RuntimeError, ValueError, AssertionError) as error:  # torch's and timm's
            height, width = batch.shape[-2:]
            raise InferenceError(
                f"Classifier {network.classifier.name} does not run on pictures of {height} x "
                f"{width}: {first_line(error)}"
            ) from error

    def batches(self, images: list[int]) -> Iterator[list[int]]:
        """Images in the largest portions that any network takes at once."""
        size = max(network.batch for network in self.networks.values())
        for start in range(0, len(images), size):
            yield images[start : start + size]

    def finish(self, work: Work) -> None:
        """Wait for a chunk's logits and commit all of its rows in one transaction."""
        said: dict[int, list[tuple[Sequence[int], Tensor]]] = defaultdict(list)
        begun, ready = self.done, 0
        for images, answer in work.answers:
            for one, logits in answer.result().items():
                said[one].append((images, logits))
                ready += len(images)
            self.progress(begun + ready, self.total)
        chunk, skipped = work.chunk, work.skipped
        self.suspect(skipped, of=len(chunk.files))
        with transaction.atomic():
            there = held_classifiers(self.ids)
            if not all(self.is_current(one, there) for one in self.ids):
                raise Renewed
            keys = held_images(chunk.files)
            rows = (row for one, parts in said.items() for row in self.rows(one, parts))
            self.outcome.written += store(row for row in rows if row[1] in keys)
            SkippedImage.objects.bulk_create(
                [SkippedImage(image_id=i, reason=why) for i, why in skipped.items() if i in keys],
                ignore_conflicts=True,
            )
        self.outcome.skipped += [(keys[i], why) for i, why in skipped.items() if i in keys]
        self.done = begun + sum(map(len, chunk.wanted.values()))
        self.progress(self.done, self.total)

    def suspect(self, skipped: Mapping[int, str], of: int) -> None:
        """Tell images that are broken from a folder that is not there.

        Raises InferenceError, and takes back what was skipped, where no image can be read: none of
        more than a FEW in a row, nor one that was read before.
        """
        self.unread = {**self.unread, **skipped} if len(skipped) == of else {}
        if len(self.unread) > FEW:  # those deleted meanwhile tell nothing
            there = Image.objects.in_bulk(list(self.unread))
            self.unread = {image: why for image, why in self.unread.items() if image in there}
        if len(self.unread) <= FEW:
            return
        others = Image.objects.filter(dataset=self.dataset).exclude(id__in=self.unread)
        predicted = Prediction.objects.filter(image=OuterRef("id"))
        for location in others.filter(Exists(predicted)).values_list("location", flat=True)[:FEW]:
            with contextlib.suppress(OSError, ValueError, MemoryError):
                open_rgb(location)
                self.unread = {}
                return
        SkippedImage.objects.filter(image__in=self.unread).delete()
        image, reason = next(iter(self.unread.items()))
        raise InferenceError(
            f"None of {len(self.unread)} images in a row can be read on this machine; the first: "
            f"{there[image].location}: {reason}"
        )

    def rows(self, one: int, parts: list[tuple[Sequence[int], "Tensor"]]) -> Iterator[Row]:
        """A classifier's rows for a chunk; its logits are kept first.

        Before the rows: a kill between the two leaves logits that are made again, never rows
        without them. Raises InferenceError where a network's answer is not made of numbers.
        """
        import torch

        network = self.networks[one]
        images = [image for block, _ in parts for image in block]
        logits = torch.cat([block for _, block in parts])
        finite = torch.isfinite(logits).all(dim=1)
        if not finite.all():
            image = images[int(finite.logical_not().nonzero()[0])]
            key = Image.objects.filter(id=image).values_list("key", flat=True).first()
            raise InferenceError(
                f"Classifier {network.classifier.name} answers image {key} by logits that "
                "are not finite numbers: are its weights, mean and std right?"
            )
        if one in self.kept:
            keep_logits(network.classifier, images, logits.numpy())
        return zip(repeat(one), images, *network.top(logits), strict=False)


def predict(
    dataset: Dataset,
    classifiers: Sequence[Classifier],
    device: str = "auto",
    progress: Progress | None = None,
) -> Outcome:
    """Predict the top labels of a dataset's images by each classifier, where that is missing.

    Several processes, on one machine or many, may do this at once and share the work. A kill at
    any moment loses at most the chunks under way, and the next call goes on from there; rows that
    exist are never changed. Images skipped before are tried again.

    Args: `device`: "auto", "cpu" or "cuda"; `progress(done, total)`: called as predictions (one
    per image and classifier) are made.
    Raises InferenceError: a classifier cannot be loaded, or no image can be read.
    """
    check_same_dataset(dataset, classifiers)
    job = Job(dataset, classifiers, device, progress or (lambda done, total: None))
    skipped = SkippedImage.objects.filter(image__dataset=dataset)
    if skipped.exists() or open_chunks(dataset.id, job.ids):
        job.load()  # or else nothing is changed
    skipped.delete()
    return job.run()


def check_same_dataset(dataset: Dataset, classifiers: Sequence[Classifier]) -> None:
    """Refuse classifiers of another dataset, and none at all."""
    if not classifiers:
        raise InferenceError(f"No classifier of dataset {dataset.slug} was named.")
    for classifier in classifiers:
        if classifier.dataset_id != dataset.id:
            raise InferenceError(
                f"Classifier {classifier.name} is of another dataset than {dataset.slug}."
            )
