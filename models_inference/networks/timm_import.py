"""Imports timm even if the installed torchvision was built for another torch.

torch and timm take seconds and hundreds of megabytes, so importing this module does not import
them: `timm()` does, and only code that runs classifiers calls it. Web processes never do.
"""

import functools
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

# torchvision registers fake versions of these two when it is imported, and fails if its compiled
# library, which declares them, does not load (PyPI's torchvision beside a CPU torch).
SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


@functools.cache
def timm() -> ModuleType:
    """timm, ready for use (with torchvision's transforms on PIL pictures, which it needs)."""
    declare_missing_operators()
    return importlib.import_module("timm")


@functools.cache
def declare_missing_operators() -> object:
    """Declare torchvision's `nms` and `qnms` if its own library cannot.

    Returns the torch.library.Library (None if nothing was missing). The declarations live as long
    as it does, so the cache keeps it.
    """
    import torch

    load_torchvision_library(torch)
    missing = [name for name in SCHEMAS if not declared(torch, name)]
    if not missing:
        return None
    # A FRAGMENT may add to a library that declares the rest; a DEF may not.
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in missing:
        library.define(SCHEMAS[name])
    return library


def load_torchvision_library(torch: ModuleType) -> None:
    """Load torchvision's compiled operators, if they fit this torch, and no other part of it."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    for path in sorted(Path(spec.origin).parent.glob("_C*.*")):
        try:
            torch.ops.load_library(path)
        except (OSError, RuntimeError):
            continue


def declared(torch: ModuleType, name: str) -> bool:
    """Whether an operator torchvision::NAME exists."""
    return hasattr(torch.ops.torchvision, name)
