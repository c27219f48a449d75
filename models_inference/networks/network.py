"""Loads a classifier's network with its preprocessing and labels, and runs batches through it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models_inference.chunks import CHUNK
from models_inference.errors import InferenceError
from models_inference.models import STORED, Classifier
from models_inference.networks import programs, zero_shot
from models_inference.networks.built_network import Built
from models_inference.networks.checkpoint_matching import load_checkpoint
from models_inference.networks.out_of_memory import out_of_memory
from models_inference.networks.preprocessing import Preprocessing, check_input, resolve
from models_inference.networks.timm_hub import pretrained
from models_inference.networks.timm_import import timm
from models_inference.networks.weights import (
    PRETRAINED,
    first_line,
    read_checkpoint,
    split_part,
    weights_file,
)
from models_inference.predictions.class_labels import ClassLabels, class_labels, imagenet_keys

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

# The first batch size to try; halved until it fits in memory. On a CPU each core has a batch of
# its own: with 4 pictures the activations stay in its cache, and the allocator returns no page to
# the system between layers (32 take 1.5 times as long: EfficientNet-Lite, ResNet-50).
BATCH = {"cpu": 4, "cuda": CHUNK}
TYPE = {"cpu": "float32", "cuda": "bfloat16"}  # of timm's networks, unless an operator lacks it

log = logging.getLogger(__name__)


@dataclass
class Network:
    """A loaded classifier. `batch`: the largest batch size to try, halved when memory runs out.

    model: normalised pictures (N, 3, H, W) of `dtype` -> logits; `only`: N must be this.
    """

    classifier: Classifier
    model: Callable[["Tensor"], "Tensor"]
    preprocessing: Preprocessing
    labels: ClassLabels
    device: "torch.device"
    batch: int
    only: int | None = None
    dtype: "torch.dtype | None" = None  # None: float32
    taken: str = ""  # from the weights file, as a clause

    def logits(self, pixels: "Tensor") -> "Tensor":
        """uint8 (N, 3, H, W) on any device -> float32 (N, C) on the CPU.

        A batch that does not fit in memory is retried at half its size, down to one image.
        """
        import torch

        size = min(self.batch, len(pixels))  # this call's own: other threads halve theirs
        while True:
            try:
                with torch.inference_mode():
                    parts = [self.forward(part) for part in pixels.split(size)]
                    return torch.cat(parts).float().cpu()
            except Exception as error:
                if not out_of_memory(error):
                    raise
                if size == 1 or self.only:
                    raise InferenceError(
                        f"Classifier {self.classifier.name} does not fit in the memory of "
                        f"{self.device}, not even with {self.only or 1} images at a time."
                    ) from error
            size //= 2
            self.batch = min(self.batch, size)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def forward(self, pixels: "Tensor") -> "Tensor":
        """One batch through the network: (N, C) on its device, in its type."""
        import torch

        pixels = pixels.to(self.device, non_blocking=True)
        batch = self.preprocessing.normalise(pixels)
        batch = batch.to(self.dtype or torch.float32, memory_format=torch.channels_last)
        if self.only is None or len(batch) == self.only:
            return self.model(batch)
        filled = batch.new_zeros(self.only, *batch.shape[1:])
        filled[: len(batch)] = batch
        return self.model(filled)[: len(batch)]

    def top(self, logits: "Tensor") -> tuple[np.ndarray, np.ndarray]:
        """float32 (N, C) logits -> ids of labels and their scores, best first, (N, at most STORED).

        Scores are the softmax over all classes of the classifier; those of classes that share a
        label add up, those of classes without one are dropped (so scores need not sum to 1). Among
        equal scores the label of the lower class index is first.
        """
        return top_labels(logits, self.labels)


def top_labels(logits: "Tensor", labels: ClassLabels) -> tuple[np.ndarray, np.ndarray]:
    """As Network.top, for any logits (N, C) and the labels of their C classes."""
    import torch

    shares = torch.softmax(logits.float(), dim=1)
    scores = torch.zeros(len(shares), len(labels.labels))
    scores.index_add_(1, torch.from_numpy(labels.position), shares[:, labels.kept])
    # A stable sort: bfloat16 logits tie often, and a second run must give the same rows.
    ordered = torch.sort(scores, dim=1, descending=True, stable=True)
    count = min(STORED, len(labels.labels))
    return labels.labels[ordered.indices[:, :count].numpy()], ordered.values[:, :count].numpy()


def load(classifier: Classifier, device: "torch.device") -> Network:
    """Build a classifier's network, load its weights and put it on a device.

    Raises InferenceError: unknown architecture, weights that are missing, do not fit or cannot be
    fetched, wrong input settings, classes that are not labels of the dataset.
    """
    if not classifier.architecture:
        raise InferenceError(
            f"Classifier {classifier.name} has no architecture (its predictions were imported): "
            "it cannot be run."
        )
    check_input(classifier.input)
    try:
        built = build(classifier, device)
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise InferenceError(
            f"Classifier {classifier.name} does not fit in the memory of {device} beside those "
            "already loaded: run fewer of them at once."
        ) from error
    keys = built.keys or classifier.mapping
    if keys is None:
        keys = imagenet_keys() if built.classes == 1000 else None
    if keys is None:
        raise InferenceError(
            f"Classifier {classifier.name} has {built.classes} classes, which are not ImageNet's: "
            "give it a mapping."
        )
    if len(keys) > built.classes:
        raise InferenceError(
            f"Classifier {classifier.name} has {built.classes} classes, but its mapping names "
            f"{len(keys)}."
        )
    keys = [*keys, *[None] * (built.classes - len(keys))]  # classes not in the mapping: no label
    return Network(
        classifier=classifier,
        model=built.model,
        preprocessing=resolve(classifier.input, built.config),
        labels=class_labels(classifier.dataset, classifier.name, keys),
        device=device,
        batch=built.batch or min(BATCH[device.type], built.most or CHUNK),
        only=built.batch,
        dtype=built.dtype,
        taken=built.taken,
    )


def build(classifier: Classifier, device: "torch.device") -> Built:
    """The network of a classifier with its weights, for every kind of architecture."""
    if classifier.architecture in programs.KINDS:
        return programs.build(classifier, device)
    if classifier.architecture.startswith(zero_shot.PREFIX):
        return zero_shot.build(classifier, device)
    return build_timm(classifier, device)


def build_timm(classifier: Classifier, device: "torch.device") -> Built:
    """One of timm's architectures, channels last: bfloat16 on CUDA, float32 on the CPU.

    A network with an operator that lacks bfloat16 runs in float32; a warning is logged.
    """
    import torch

    model, taken = timm_network(classifier)
    classes, config = cast("int", model.num_classes), cast("dict", model.pretrained_cfg)
    if not classes:
        raise InferenceError(
            f"Classifier {classifier.name}: {classifier.architecture} is a feature extractor "
            "without classes. Give it a weights file with a last layer."
        )
    keys = None
    if classifier.mapping is None and classes != 1000:
        keys = keys_of_imagenet(model)
    size = resolve(classifier.input, config).resizing.size
    dtype = getattr(torch, TYPE[device.type])
    why = failure(placed(model, device, dtype), classes, size, device, dtype)
    if why and dtype != torch.float32:
        lacking, dtype = why, torch.float32
        model = placed(timm_network(classifier)[0], device, dtype)
        why = failure(model, classes, size, device, dtype)
        if not why:
            log.warning("Classifier %s runs in float32, slower: %s", classifier.name, lacking)
    if why:
        raise InferenceError(
            f"Classifier {classifier.name} does not run on pictures of {size[0]} x {size[1]}: {why}"
        )
    return Built(model=model, classes=classes, config=config, keys=keys, dtype=dtype, taken=taken)


def failure(
    model: "nn.Module",
    classes: int,
    size: tuple[int, int],
    device: "torch.device",
    dtype: "torch.dtype",
) -> str:
    """Why a network does not answer pictures of this size by logits (N, classes); "" if it does."""
    import torch

    batch = torch.zeros(2, 3, *size, device=device, dtype=dtype)
    try:
        with torch.inference_mode():
            answer = model(batch.to(memory_format=torch.channels_last))
    except Exception as error:  # assertions on sizes, operators without this type, ...
        if out_of_memory(error):
            raise
        return first_line(error)
    shape = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
    return "" if shape == (2, classes) else f"it answers 2 by {shape}, not by (2, {classes})"


def placed(model: "nn.Module", device: "torch.device", dtype: "torch.dtype") -> "nn.Module":
    """One of timm's networks on a device, in `dtype` except for its last layer.

    That layer answers in float32: from 8 on, bfloat16 counts in sixteenths, so logits of similar
    labels would tie.
    """
    import torch

    model = model.eval().to(device, dtype)
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.to(memory_format=torch.channels_last)
    last = cast("Any", model).get_classifier()
    for head in last if isinstance(last, tuple | list) else (last,):
        for layer in head.modules():  # CrossViT has a list of them
            if not list(layer.children()):
                layer.float().register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
    return model


def timm_network(classifier: Classifier) -> tuple["nn.Module", str]:
    """The network of one of timm's architectures with its weights, on the CPU.

    Beside it: what was taken from the weights file and what passed over, as a clause or "".
    """
    architecture, weights = classifier.architecture, classifier.weights
    if not timm().is_model(architecture):
        raise InferenceError(
            f"Classifier {classifier.name}: timm {timm().__version__} has no architecture "
            f"{architecture!r} (timm.list_models() lists them; there are also "
            f"{', '.join(programs.KINDS)} and {zero_shot.PREFIX}NAME)."
        )
    try:
        cfg = timm().get_pretrained_cfg(architecture)
    except RuntimeError as error:  # the architecture has no such tag (after the dot)
        raise InferenceError(f"Classifier {classifier.name}: {error}") from None
    wanted = classifier.input.get("input_size")
    size = {"img_size": tuple(wanted[1:])} if cfg.fixed_input_size and wanted else {}
    if weights == PRETRAINED:
        return pretrained(architecture, **size), ""
    if not weights:
        raise InferenceError(f"Classifier {classifier.name} names no weights.")
    checkpoint = read_checkpoint(weights_file(weights), split_part(weights)[1])

    def create(classes: int | None) -> "nn.Module":
        return timm().create_model(architecture, num_classes=classes, **size)

    return load_checkpoint(create, cfg.classifier, checkpoint)


def keys_of_imagenet(model: "nn.Module") -> list[str] | None:
    """WordNet ids of a network's classes, if timm knows which ImageNet it was trained on."""
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset(model)
    return None if subset is None else ImageNetInfo(subset).label_names()
