"""Runs classifiers over a dataset's images: each image is decoded once and feeds all of them."""

import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction

from imagesets.models import Dataset, Image
from imagesets.pixels import Undecodable, open_rgb
from models_inference.chunks import Chunk, claim, open_chunks, release, release_all
from models_inference.errors import InferenceError
from models_inference.logits import gather, keep_logits
from models_inference.models import Classifier, SkippedImage
from models_inference.network import Network, choose_device, cores, load, one_thread
from models_inference.preprocessing import Resizing
from models_inference.storage import Row, store

if TYPE_CHECKING:
    import torch
    from torch import Tensor

AHEAD = 1  # chunks that are decoded while one is on the device
WAIT = 0.5  # seconds between looks at chunks that another worker has claimed

Progress = Callable[[int, int], None]  # predictions done, predictions in all
Answer = tuple[np.ndarray, np.ndarray, np.ndarray]  # logits, labels, scores
Prepared = dict[Resizing, "Tensor"] | str  # an image's pixels for each input, or what is wrong


@dataclass
class Outcome:
    """What a run did: rows written, rows there before, images skipped, classes without a label."""

    written: int = 0
    already: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # image key, reason
    dropped: dict[str, int] = field(default_factory=dict)  # classifier -> classes without a label
    seconds: float = 0.0
    device: str = ""


class Workers:
    """The threads that decode and those that run networks.

    On a CPU both are the same threads, one per core, each with a batch of its own: threads that
    share one batch wait for each other at every layer, and for whatever else is on the cores. On
    a GPU one thread feeds it while the cores decode. PIL and torch let go of Python's lock.
    """

    decode: ThreadPoolExecutor
    forward: ThreadPoolExecutor

    def start(self, device: "torch.device") -> None:
        """Start the threads for a device."""
        self.decode = ThreadPoolExecutor(cores(), "decode", initializer=one_thread)
        self.forward = self.decode if device.type == "cpu" else ThreadPoolExecutor(1, "forward")

    def stop(self) -> None:
        """Stop them; what they have not begun is left undone."""
        for name in ("decode", "forward"):
            if pool := self.__dict__.pop(name, None):
                pool.shutdown(cancel_futures=True)


class Job:
    """One process's part of the inference of some classifiers over a dataset."""

    def __init__(
        self, dataset: Dataset, classifiers: Sequence[Classifier], device: str, progress: Progress
    ) -> None:
        self.dataset = dataset
        self.classifiers = list(classifiers)
        self.ids = [classifier.id for classifier in classifiers]
        self.device_name = device
        self.progress = progress
        self.outcome = Outcome()
        self.networks: dict[int, Network] = {}
        self.transforms: dict[Resizing, Callable] = {}
        self.total = Image.objects.filter(dataset=dataset).count() * len(self.ids)
        self.done = 0
        self.workers = Workers()

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
                finished = self.run_pass(list(left), on_chunk)
                left = open_chunks(self.dataset.id, self.ids, among=list(left))
                if left and not finished:
                    time.sleep(WAIT)
        finally:
            self.workers.stop()
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
        device = choose_device(self.device_name)
        self.outcome.device = str(device)
        self.workers.start(device)
        for classifier in self.classifiers:
            network = load(classifier, device)
            self.networks[classifier.id] = network
            self.outcome.dropped[classifier.name] = network.labels.dropped
            if network.preprocessing.resizing not in self.transforms:
                self.transforms[network.preprocessing.resizing] = network.preprocessing.transform()

    def run_pass(self, numbers: Sequence[int], on_chunk: Callable[[], None]) -> int:
        """Do every chunk that can be claimed; returns how many that were."""
        finished = 0
        claimed: deque[tuple[Chunk, dict[int, Future[Prepared]]]] = deque()
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: release_all(chunk.number for chunk, _ in claimed))

            def finish() -> None:
                chunk, futures = claimed[0]
                self.finish(chunk, futures)
                claimed.popleft()
                release(chunk.number)
                on_chunk()

            for number in numbers:
                chunk = claim(self.dataset.id, self.ids, number)
                if chunk is None:
                    continue
                claimed.append((chunk, self.decode(chunk)))
                if len(claimed) > AHEAD:
                    finish()
                    finished += 1
            while claimed:
                finish()
                finished += 1
        return finished

    def decode(self, chunk: Chunk) -> dict[int, Future[Prepared]]:
        """Begin to decode a chunk's images, each once, for the inputs of all that want it."""
        return {
            image: self.workers.decode.submit(
                self.prepare,
                location,
                {self.networks[one].preprocessing.resizing for one in chunk.wanted[image]},
            )
            for image, location in chunk.locations.items()
        }

    def prepare(self, location: str, resizings: set[Resizing]) -> Prepared:
        """One image's uint8 pixels for each input, or why it cannot be read."""
        try:
            picture = open_rgb(location)
        except (Undecodable, OSError) as error:
            return " ".join(str(error).split()) or type(error).__name__
        return {resizing: self.transforms[resizing](picture) for resizing in resizings}

    def finish(self, chunk: Chunk, futures: dict[int, Future[Prepared]]) -> None:
        """Run the networks on a chunk and commit all of its rows in one transaction."""
        rows: list[Row] = []
        answers: list[tuple[int, list[int], Future[Answer]]] = []
        said: dict[int, list[tuple[list[int], np.ndarray]]] = defaultdict(list)
        skipped: dict[int, str] = {}
        begun = self.done
        for images in self.batches(list(chunk.locations)):
            pixels: dict[int, dict[Resizing, Tensor]] = {}
            for image in images:
                prepared = futures.pop(image).result()
                if isinstance(prepared, str):
                    skipped[image] = prepared
                else:
                    pixels[image] = prepared
            for one, network in self.networks.items():
                wanted = [image for image in pixels if one in chunk.wanted[image]]
                if wanted:
                    answer = self.workers.forward.submit(self.answer, network, wanted, pixels)
                    answers.append((one, wanted, answer))
        for one, wanted, answer in answers:
            logits, labels, scores = answer.result()
            said[one].append((wanted, logits))
            rows.extend(zip(repeat(one), wanted, labels, scores, strict=False))
            self.progress(begun + len(rows), self.total)
        if len(skipped) == len(chunk.locations) > 3:
            image, reason = next(iter(skipped.items()))
            raise InferenceError(
                f"None of {len(skipped)} images in a row can be read on this machine; the first: "
                f"{chunk.locations[image]}: {reason}"
            )
        # Before the rows: a kill between the two leaves logits that are made again, never rows
        # without them.
        for one, parts in said.items():
            images = [image for block, _ in parts for image in block]
            logits = np.concatenate([block for _, block in parts])
            keep_logits(self.networks[one].classifier, images, logits)
        with transaction.atomic():
            self.outcome.written += store(rows)
            SkippedImage.objects.bulk_create(
                [SkippedImage(image_id=image, reason=why) for image, why in skipped.items()],
                ignore_conflicts=True,
            )
        keys = dict(Image.objects.filter(id__in=skipped).values_list("id", "key"))
        self.outcome.skipped += [(keys[image], why) for image, why in skipped.items()]
        self.done = begun + sum(map(len, chunk.wanted.values()))
        self.progress(self.done, self.total)

    def batches(self, images: list[int]) -> Iterator[list[int]]:
        """Images in the largest portions that any network takes at once."""
        size = max(network.batch for network in self.networks.values())
        for start in range(0, len(images), size):
            yield images[start : start + size]

    def answer(
        self, network: Network, images: list[int], pixels: dict[int, dict[Resizing, "Tensor"]]
    ) -> Answer:
        """The logits float32 (N, C) of one network for some images; their best labels, scores."""
        import torch

        resizing = network.preprocessing.resizing
        logits = network.logits(torch.stack([pixels[image][resizing] for image in images]))
        return logits.numpy(), *network.top(logits)


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
    SkippedImage.objects.filter(image__dataset=dataset).delete()
    return Job(dataset, classifiers, device, progress or (lambda done, total: None)).run()


def check_same_dataset(dataset: Dataset, classifiers: Sequence[Classifier]) -> None:
    """Refuse classifiers of another dataset, and none at all."""
    if not classifiers:
        raise InferenceError(f"No classifier of dataset {dataset.slug} was named.")
    for classifier in classifiers:
        if classifier.dataset_id != dataset.id:
            raise InferenceError(
                f"Classifier {classifier.name} is of another dataset than {dataset.slug}."
            )
