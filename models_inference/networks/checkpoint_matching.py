"""Matches the tensors of a weights file with a network's, whatever names the file gives them.

Files of other implementations or an older timm have other names, and buffers that timm now
computes. Every parameter of the network must be in the file; none keeps its initial value.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, cast

from models_inference.errors import InferenceError
from models_inference.networks.checkpoint_parts import UNUSED, Checkpoint, Part
from models_inference.networks.weights import unreadable

if TYPE_CHECKING:
    from torch import Tensor, nn

State = Mapping[str, "Tensor"]

# timm's functions that translate other implementations' names, in the modules of its networks.
FILTERS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")
HEADS = ("head.fc", "head", "fc", "classifier")


def load_checkpoint(
    create: Callable[[int | None], "nn.Module"], head: object, checkpoint: Checkpoint
) -> tuple["nn.Module", str]:
    """A network with the weights of a checkpoint, and what was taken from it, as a clause or "".

    create: number of classes (None: the architecture's own) -> the network; head: the name of its
    last layer, or a list of names. Raises InferenceError if no part of the checkpoint, or more
    than one, is such a network.
    """
    layers = [*(head if isinstance(head, list | tuple) else [head]), *HEADS]
    model = create(checkpoint.rows_of(layers))
    own = needed(model)
    part = checkpoint.part_named(own)
    parts = [part] if part else []
    if not part or not own.keys() <= part.state.keys():  # other names, of all or of a few
        parts += checkpoint.parts_sized(len(own))
    error = None
    fitting: list[tuple[Part, nn.Module, dict[str, Tensor]]] = []
    for part in parts:
        classes = classes_of(part.state, head)
        if classes != cast("int", model.num_classes):
            model = create(classes)
        try:
            fitting.append((part, model, matched(model, part.state, checkpoint.path)))
        except InferenceError as misfit:
            error = error or misfit
    if not fitting:
        raise checkpoint.unfit(error)
    part, model, state = fitting[0]
    if different := [other for other, _, theirs in fitting[1:] if not same(state, theirs)]:
        raise checkpoint.several([part.prefix, *(other.prefix for other in different)])
    checkpoint.check_rest(part)
    fill(model, state, checkpoint.path)
    return model, part.note()


def load_matched(model: "nn.Module", state: State, path: Path) -> None:
    """Load tensors into a model, as `matched` finds them."""
    fill(model, matched(model, state, path), path)


def fill(model: "nn.Module", state: State, path: Path) -> None:
    """Load tensors under the model's own names; of those that no answer depends on, some may lack.

    Raises InferenceError for tensors that cannot be copied.
    """
    try:
        model.load_state_dict(state, strict=False)
    except RuntimeError as error:  # sparse tensors, for one
        raise unreadable(path, error) from None


def matched(model: "nn.Module", state: State, path: Path) -> dict[str, "Tensor"]:
    """A file's tensors under a model's names: by name, by names that timm translates, or by order.

    By order: the file must have as many tensors as the model, each with the shape and the last
    part of the name (weight, bias, running_mean, ...) of the model's tensor at its position.
    Otherwise raises InferenceError naming the first tensor that does not match.
    """
    own = needed(model)
    computed = {name for name, _ in model.named_buffers()} - set(model.state_dict())
    for renamed in (lambda state: state, *filters(model)):
        try:
            theirs = without_unused(renamed(dict(state)), own, computed)
            if shapes(theirs) == shapes(own):
                return theirs
        except Exception:  # of any kind: the function is for other names than these
            continue
    return in_order(own, without_unused(state, own, computed), path)


def needed(model: "nn.Module") -> dict[str, "Tensor"]:
    """The tensors of a model that a file must have, by name."""
    learned = {name for name, _ in model.named_parameters()}
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name in learned or not UNUSED.fullmatch(name)
    }


def same(one: State, other: State) -> bool:
    """Whether two sets of tensors hold the same numbers."""
    import torch

    return all(torch.equal(one[name], other[name]) for name in one)


def filters(model: "nn.Module") -> list[Callable[[State], State]]:
    """timm's functions that rename tensors of a network's other implementations."""
    module = sys.modules[type(model).__module__]
    functions = [getattr(module, name) for name in FILTERS if hasattr(module, name)]
    return [
        function if len(signature(function).parameters) == 1 else partial(function, model=model)
        for function in functions
    ]


def without_unused(state: State, own: State, computed: set[str]) -> dict[str, "Tensor"]:
    """The tensors that an answer depends on."""
    return {
        name: tensor
        for name, tensor in state.items()
        if name in own or not (name in computed or UNUSED.fullmatch(name))
    }


def shapes(state: State) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def in_order(own: State, state: State, path: Path) -> dict[str, "Tensor"]:
    """A file's tensors under the names of the model's at their positions."""
    if set(own) != set(state):
        if len(own) != len(state):
            raise InferenceError(
                f"Weights file {path} holds {len(state)} tensors, the architecture {len(own)}: "
                f"they are not of the same network{differing(own, state)}."
            )
        for (name, tensor), (other, theirs) in zip(own.items(), state.items(), strict=True):
            same_part = name.rpartition(".")[2] == other.rpartition(".")[2]
            if tensor.shape != theirs.shape or not same_part:
                raise misfit(path, other, theirs, name, tensor)
        return dict(zip(own, state.values(), strict=True))
    for name, tensor in own.items():
        if tensor.shape != state[name].shape:
            raise misfit(path, name, state[name], name, tensor)
    return dict(state)


def differing(own: State, state: State) -> str:
    """Which tensors are missing and which superfluous, if most names agree."""
    missing = [name for name in own if name not in state]
    superfluous = [name for name in state if name not in own]
    if len(missing) + len(superfluous) > len(own) / 2:
        return ""
    return "".join(
        f"; {what} {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        for what, names in (("it lacks", missing), ("it also has", superfluous))
        if names
    )


def classes_of(state: State, head: object) -> int | None:
    """How many classes a classifier's weights are for: the rows of its last layer."""
    name = head[0] if isinstance(head, tuple | list) else head
    for layer in (name, *HEADS):
        if (weight := state.get(f"{layer}.weight")) is not None:
            return int(weight.shape[0])
    last = next(reversed(list(state.values())))
    return int(last.shape[0]) if last.ndim else None


def misfit(path, other: str, theirs: "Tensor", name: str, tensor: "Tensor") -> InferenceError:
    """The error for two tensors that are not the same parameter."""
    return InferenceError(
        f"Weights file {path}: its tensor {other} {tuple(theirs.shape)} does not fit the "
        f"architecture's {name} {tuple(tensor.shape)}."
    )
