"""A network as it was built, whatever it was built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Built:
    """A network on its device.

    model: normalised pictures (N, 3, H, W) -> logits (N, classes). config: its own data
    configuration, as timm has it. keys: the label keys of its classes, where it knows them.
    batch: it takes batches of this size only (None: any). most: it takes none that are larger.
    dtype: of its input (None: float32).
    """

    model: Callable[["Tensor"], "Tensor"]
    classes: int
    config: Mapping[str, Any]
    keys: list[str] | None = None
    batch: int | None = None
    most: int | None = None
    dtype: "torch.dtype | None" = None
