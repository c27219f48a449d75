"""Networks that come as one file with their weights: TorchScript and torch.export programs.

Their `input` must say input_size, mean and std: a program carries no preprocessing of its own.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from models_inference.built import Built
from models_inference.errors import InferenceError
from models_inference.models import Classifier
from models_inference.program_checks import check_exported, check_torchscript
from models_inference.weights import first_line, weights_file

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TORCHSCRIPT, EXPORTED = "torchscript", "torch.export"
KINDS = (TORCHSCRIPT, EXPORTED)
NEEDED = ("input_size", "mean", "std")

Forward = Callable[["Tensor"], "Tensor"]


def build(classifier: Classifier, device: "torch.device") -> Built:
    """The network in a classifier's file, in float32, on a device.

    Raises InferenceError: a file that is refused or no such program, an input that is not said, an
    answer that is not logits (N, C).
    """
    if missing := [name for name in NEEDED if classifier.input.get(name) is None]:
        raise InferenceError(
            f"Classifier {classifier.name} is a {classifier.architecture} file: its input must say"
            f" {', '.join(missing)}."
        )
    path = weights_file(classifier.weights)
    load = load_torchscript if classifier.architecture == TORCHSCRIPT else load_exported
    try:
        forward, batch = load(path, device)
        classes = classes_of(forward, classifier.input["input_size"], batch or 1, device)
    except InferenceError:
        raise
    except Exception as error:  # torch's own, of all kinds
        raise InferenceError(
            f"Weights file {path} does not run as {classifier.architecture} on pictures of"
            f" {classifier.input['input_size']}: {first_line(error)}"
        ) from None
    return Built(model=forward, classes=classes, config={}, batch=batch)


def load_torchscript(path: Path, device: "torch.device") -> tuple[Forward, int | None]:
    """A TorchScript program, checked first; any batch fits."""
    import torch

    check_torchscript(path)
    with warnings.catch_warnings(action="ignore"):  # that TorchScript is not developed further
        return torch.jit.load(path, map_location=device).eval(), None


def load_exported(path: Path, device: "torch.device") -> tuple[Forward, int | None]:
    """A torch.export program, checked first, and the batch it was exported for (None: any)."""
    import torch
    from torch.export.passes import move_to_device_pass

    check_exported(path)
    with path.open("rb") as file:
        program = torch.export.load(file)
    program._guards_code = []
    if device.type != "cpu":
        program = move_to_device_pass(program, device)
    names = program.graph_signature.user_inputs
    shapes = [n.meta["val"].shape for n in program.graph.nodes if n.name in names]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise InferenceError(f"Weights file {path} takes other inputs than one batch of pictures.")
    batch = shapes[0][0]
    # Guards are texts that would be run as Python; shapes are checked by the operators.
    forward = program.module(check_guards=False)
    return forward, batch if isinstance(batch, int) else None


def classes_of(forward: Forward, input_size: list[int], batch: int, device: "torch.device") -> int:
    """How many classes a program tells apart, by trying it."""
    import torch

    with torch.inference_mode():
        said = forward(torch.zeros(batch, *input_size, device=device))
    if not isinstance(said, torch.Tensor) or said.ndim != 2 or len(said) != batch:
        what = tuple(said.shape) if isinstance(said, torch.Tensor) else type(said).__name__
        raise InferenceError(
            f"The program answers {batch} pictures by {what}, not by logits (pictures, classes)."
        )
    return int(said.shape[1])
