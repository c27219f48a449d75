"""Takes claimed chunks from image files to logits: decodes each image once, for all networks."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagesets.locations import read_same
from imagesets.pictures.decoding import open_rgb
from models_inference.chunks import Chunk
from models_inference.errors import InferenceError
from models_inference.inference.loaded_networks import LoadedNetworks
from models_inference.inference.threads import Threads
from models_inference.networks.network import Network
from models_inference.networks.preprocessing import Resizing
from models_inference.networks.weights import first_line

if TYPE_CHECKING:
    from torch import Tensor

Answers = dict[int, "Tensor"]  # classifier -> its logits for a batch
Prepared = dict[Resizing, "Tensor"] | str  # an image's pixels for each input, or what is wrong
Batches = list[tuple[Sequence[int], "Tensor"]]  # images and their logits


@dataclass
class ChunkInProgress:
    """A claimed chunk: its images while they are decoded, then the networks' answers."""

    chunk: Chunk
    prepared: dict[int, Future[Prepared]]  # by image
    answers: list[tuple[Sequence[int], Future[Answers]]] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)  # image -> why it cannot be read

    def logits(self, on_batch: Callable[[int], None]) -> dict[int, Batches]:
        """Wait for all answers; classifier -> its batches.

        `on_batch` is called after each batch with the number of predictions ready so far.
        """
        batches: dict[int, Batches] = defaultdict(list)
        ready = 0
        for images, answer in self.answers:
            for classifier, logits in answer.result().items():
                batches[classifier].append((images, logits))
                ready += len(images)
            on_batch(ready)
        return batches

    def cancel(self) -> None:
        """Drop the work that no thread has begun."""
        for image in self.prepared.values():
            image.cancel()
        for _, answer in self.answers:
            answer.cancel()


class Pipeline:
    """Threads that decode chunks and feed them to the networks."""

    def __init__(self, networks: LoadedNetworks) -> None:
        self.networks = networks
        self.device = networks.device
        self.threads = Threads(self.device)

    def stop(self) -> None:
        """End the threads."""
        self.threads.stop()

    def decode(self, chunk: Chunk) -> ChunkInProgress:
        """Begin to decode a chunk's images, each once, for the inputs of all that want it."""
        networks = self.networks.by_classifier
        return ChunkInProgress(
            chunk,
            {
                image: self.threads.decode.submit(
                    self.prepare,
                    *file,
                    {networks[wanting].preprocessing.resizing for wanting in chunk.wanted[image]},
                )
                for image, file in chunk.files.items()
            },
        )

    def prepare(self, location: str, sha256: str, resizings: set[Resizing]) -> Prepared:
        """One image's uint8 pixels for each input, or the reason why it cannot be read.

        Raises InferenceError if S3 as a whole fails, not this image.
        """
        transforms = self.networks.transforms
        try:
            picture = open_rgb(read_same(location, sha256))
            return {
                resizing: transforms[resizing](resizing.middle(picture)) for resizing in resizings
            }
        except ConnectionError as error:
            raise InferenceError(" ".join(str(error).split())) from error
        except (OSError, ValueError, MemoryError) as error:  # Undecodable is a ValueError
            return " ".join(str(error).split()) or type(error).__name__

    def forward(self, work: ChunkInProgress) -> None:
        """Hand a chunk to the networks, batch by batch as the decoders finish.

        Networks with the same input share a batch: it is put together, and sent to a GPU, once.
        """
        for images in self._portions(list(work.chunk.files)):
            pixels: dict[int, dict[Resizing, Tensor]] = {}
            for image in images:
                prepared = work.prepared.pop(image).result()
                if isinstance(prepared, str):
                    work.skipped[image] = prepared
                else:
                    pixels[image] = prepared
            groups: dict[tuple[Resizing, tuple[int, ...]], list[Network]] = defaultdict(list)
            for classifier, network in self.networks.by_classifier.items():
                wanted = tuple(image for image in pixels if classifier in work.chunk.wanted[image])
                groups[network.preprocessing.resizing, wanted].append(network)
            for (resizing, wanted), networks in groups.items():
                if wanted:
                    batch = [pixels[image][resizing] for image in wanted]
                    answer = self.threads.forward.submit(self._answer, networks, batch)
                    work.answers.append((wanted, answer))

    def _portions(self, images: list[int]) -> Iterator[list[int]]:
        """Images in the largest portions that any network takes at once."""
        size = max(network.batch for network in self.networks.by_classifier.values())
        for start in range(0, len(images), size):
            yield images[start : start + size]

    def _answer(self, networks: list[Network], pixels: list["Tensor"]) -> Answers:
        """The answers of networks with the same input: logits float32 (N, C) on the CPU."""
        import torch

        batch = torch.stack(pixels)
        if self.device.type == "cuda":
            batch = batch.pin_memory().to(self.device, non_blocking=True)
        return {network.classifier.id: _logits(network, batch) for network in networks}


def _logits(network: Network, batch: "Tensor") -> "Tensor":
    """A network's logits. Raises InferenceError if it cannot run on pictures of this size."""
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
