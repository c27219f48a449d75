"""Chooses the device that networks run on, and counts the CPU's cores."""

import os
from typing import TYPE_CHECKING

from models_inference.errors import InferenceError

if TYPE_CHECKING:
    import torch


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread() -> None:
    """Make torch's operations on the CPU use only the thread that calls them."""
    import torch

    torch.set_num_threads(1)


def choose_device(device: str) -> "torch.device":
    """The torch device for "auto" (a CUDA GPU if there is one), "cpu" or "cuda"."""
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise InferenceError(f"Unknown device {device!r}: choose auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InferenceError(
            "Device cuda was asked for, but torch finds no CUDA GPU: use --device cpu, or install "
            "the CUDA build of torch (README)."
        )
    if device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    # With its number, as tensors have it: programs compare the two.
    return torch.device("cuda", torch.cuda.current_device())
