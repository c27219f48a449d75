"""A network on its device, whatever it was built from (timm, a program, open_clip)."""

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
    configuration, in timm's form. keys: the label keys of its classes, if it knows them.
    batch: the only batch size it takes (None: any). most: the largest batch size it takes.
    dtype: of its input (None: float32). taken: what was taken from a weights file that holds more
    than a network, and what was passed over, as a clause.
    """

    model: Callable[["Tensor"], "Tensor"]
    classes: int
    config: Mapping[str, Any]
    keys: list[str] | None = None
    batch: int | None = None
    most: int | None = None
    dtype: "torch.dtype | None" = None
    taken: str = ""
