"""Loads networks that come as one file with their weights: TorchScript and torch.export programs.

Their `input` must give input_size, mean and std: a program carries no preprocessing of its own.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models_inference.errors import InferenceError
from models_inference.models import Classifier
from models_inference.networks.built_network import Built
from models_inference.networks.out_of_memory import out_of_memory
from models_inference.networks.program_checks import check_exported, check_torchscript
from models_inference.networks.program_devices import export_for_cpu, script_for
from models_inference.networks.weights import first_line, weights_file

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TORCHSCRIPT, EXPORTED = "torchscript", "torch.export"
KINDS = (TORCHSCRIPT, EXPORTED)
NEEDED = ("input_size", "mean", "std")
FREE = 2  # torch.export's least size for a dimension that may vary; such programs take 1 too

Forward = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class Program:
    """A loaded file. dtypes, batches: types of its input and batch sizes to try, in this order.

    fixed: the only batch size it takes. most: the largest batch size it takes.
    """

    forward: Forward
    dtypes: tuple["torch.dtype", ...]
    batches: tuple[int, ...]
    fixed: int | None = None
    most: int | None = None


def build(classifier: Classifier, device: "torch.device") -> Built:
    """The network in a classifier's file, on a device, with the type of numbers that it takes.

    Raises InferenceError: a file that is refused or not such a program, an incomplete input, an
    answer that is not logits (N, C).
    """
    if missing := [name for name in NEEDED if classifier.input.get(name) is None]:
        raise InferenceError(
            f"Classifier {classifier.name} is a {classifier.architecture} file: its input must give"
            f" {', '.join(missing)}."
        )
    path = weights_file(classifier.weights)
    load = load_torchscript if classifier.architecture == TORCHSCRIPT else load_exported
    try:
        program = load(path, device)
        classes, batch, dtype = try_out(program, classifier.input["input_size"], device)
    except InferenceError:
        raise
    except Exception as error:  # torch's own, of all kinds
        if out_of_memory(error):
            raise
        raise InferenceError(
            f"Weights file {path} does not run as {classifier.architecture} on pictures of"
            f" {classifier.input['input_size']}: {first_line(error)}"
        ) from None
    return Built(
        # Programs may take views of a picture's memory that channels last does not allow.
        model=lambda pictures: program.forward(pictures.contiguous()),
        classes=classes,
        config={},
        batch=program.fixed or (1 if batch == 1 else None),
        most=program.most,
        dtype=dtype,
    )


def load_torchscript(path: Path, device: "torch.device") -> Program:
    """A TorchScript program, checked first; a traced one may take only one picture at a time."""
    import torch

    check_torchscript(path)
    with (
        warnings.catch_warnings(action="ignore"),  # TorchScript is deprecated
        script_for(path, str(device)) as file,
    ):
        script = torch.jit.load(file, map_location=device).eval()
    own = [tensor.dtype for tensor in script.parameters() if tensor.is_floating_point()]
    dtypes = (*own[-1:], torch.float32, torch.float16, torch.bfloat16)
    return Program(script, tuple(dict.fromkeys(dtypes)), (2, 1))


def load_exported(path: Path, device: "torch.device") -> Program:
    """A torch.export program, checked first, with the type and the batches it was exported for."""
    import torch
    from torch.export.passes import move_to_device_pass

    check_exported(path)
    with export_for_cpu(path) as file:
        program = torch.export.load(file)
    program._guards_code = []
    if device.type != "cpu":
        program = move_to_device_pass(program, device)
    names = program.graph_signature.user_inputs
    inputs = [n.meta["val"] for n in program.graph.nodes if n.name in names]
    if len(inputs) != 1 or not isinstance(inputs[0], torch.Tensor) or inputs[0].ndim != 4:
        raise InferenceError(f"Weights file {path} must take one batch of pictures as its input.")
    if not inputs[0].is_floating_point():
        raise InferenceError(
            f"Weights file {path} takes pictures as {inputs[0].dtype}, not as normalised numbers."
        )
    # Guards are texts that torch would run as Python; the operators check shapes themselves.
    forward = program.module(check_guards=False)
    least, most = batches(inputs[0].shape[0], program.range_constraints)
    fixed = least if least == most or least > FREE else None
    sizes = (fixed or min(FREE, most or FREE),)
    return Program(forward, (inputs[0].dtype,), sizes, fixed, None if fixed else most)


def batches(size: Any, ranges: Any) -> tuple[int, int | None]:
    """The smallest and the largest batch (None: any) that an export takes."""
    if isinstance(size, int):
        return size, size
    if (known := ranges.get(size.node.expr)) is None:
        return 1, None
    return int(known.lower), int(known.upper) if known.upper.is_Integer else None


def try_out(
    program: Program, input_size: list[int], device: "torch.device"
) -> tuple[int, int, "torch.dtype"]:
    """A program's number of classes, and the first batch size and type that it answers in.

    If it answers in none, raises the error of the first try.
    """
    import torch

    first: Exception | None = None
    for batch, dtype in product(program.batches, program.dtypes):
        pictures = torch.zeros(batch, *input_size, device=device, dtype=dtype)
        try:
            with torch.inference_mode():
                return classes_of(program.forward(pictures), batch), batch, dtype
        except Exception as error:  # torch's own, of all kinds
            if out_of_memory(error):
                raise
            first = first or error
    assert first is not None
    raise first


def classes_of(answer: object, batch: int) -> int:
    """The number of classes in an answer to a batch. Raises InferenceError if it is not logits."""
    import torch

    if not isinstance(answer, torch.Tensor) or answer.ndim != 2 or len(answer) != batch:
        what = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise InferenceError(
            f"The program answers {batch} pictures by {what}, not by logits (pictures, classes)."
        )
    return int(answer.shape[1])
