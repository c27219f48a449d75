"""From a decoded picture to a classifier's input: timm's own transform, with numbers left as bytes.

timm's `create_transform` ends in ToTensor and Normalize on one image; here these two last steps
are done on a whole batch, on the device, by the same arithmetic in the same order, so that images
travel as bytes (a quarter of the size) and classifiers that differ in mean only share the rest.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard, cast

from models_inference.errors import InferenceError
from models_inference.timm_import import timm

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

LONGEST = 100  # times a picture's short side that are resized, of which the crop sees 1 or a few
INPUT = {"input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode", "prompts"}


@dataclass(frozen=True)
class Resizing:
    """The geometry of an input; classifiers with equal ones share the prepared pixels."""

    size: tuple[int, int]  # height, width
    interpolation: str
    crop_pct: float
    crop_mode: str
    fill: tuple[float, ...]  # of the border in crop_mode "border": timm takes the mean

    def middle(self, picture: "Image.Image") -> "Image.Image":
        """What the crop can see of a picture that is too long to be resized whole.

        A strip of 1 x 60,000 pixels, its short side made 256, would fill 12 GB. Others: as given.
        """
        short = min(picture.size)
        if self.crop_mode != "center" or max(picture.size) <= LONGEST * short:
            return picture
        sides = [(side, min(side, LONGEST * short)) for side in picture.size]
        left, top = ((side - kept) // 2 for side, kept in sides)
        return picture.crop((left, top, left + sides[0][1], top + sides[1][1]))


@dataclass(frozen=True)
class Preprocessing:
    """A resolved data configuration of timm's."""

    resizing: Resizing
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def transform(self) -> Callable[["Image.Image"], "Tensor"]:
        """A function from an RGB picture to a uint8 tensor (3, height, width)."""
        timm()
        from timm.data import create_transform

        return create_transform(
            input_size=(3, *self.resizing.size),
            interpolation=self.resizing.interpolation,
            crop_pct=self.resizing.crop_pct,
            crop_mode=self.resizing.crop_mode,
            mean=self.mean,
            std=self.std,
            use_prefetcher=True,
        )

    def normalise(self, pixels: "Tensor") -> "Tensor":
        """uint8 (N, 3, H, W) -> float32, as ToTensor and Normalize have it, on the same device."""
        import torch

        mean, std = (
            torch.tensor(values, device=pixels.device).view(-1, 1, 1)
            for values in (self.mean, self.std)
        )
        return pixels.to(torch.float32).div_(255).sub_(mean).div_(std)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number (true and false are none)."""
    return type(value) in (int, float) and math.isfinite(cast("float", value))


def check_input(overrides: Mapping[str, object]) -> None:
    """Refuse a Classifier.input that timm would ignore or fail on."""
    unknown = sorted(set(overrides) - INPUT)
    if unknown:
        raise InferenceError(
            f"Unknown input setting {', '.join(unknown)}: known are {', '.join(sorted(INPUT))}."
        )
    size = overrides.get("input_size")
    if size is not None and not (
        isinstance(size, list | tuple)
        and len(size) == 3
        and size[0] == 3
        and all(type(side) is int and 1 <= side <= 4096 for side in size[1:])
    ):
        raise InferenceError(f"input_size must be [3, height, width], not {size!r}.")
    for name in ("mean", "std"):
        values = overrides.get(name)
        if values is not None and not (
            isinstance(values, list | tuple)
            and len(values) == 3
            and all(is_number(value) and (value > 0 or name == "mean") for value in values)
        ):
            what = "3 numbers" if name == "mean" else "3 numbers above 0"
            raise InferenceError(f"{name} must be a list of {what}, not {values!r}.")
    crop = overrides.get("crop_pct")
    if crop is not None and not (is_number(crop) and 0 < crop <= 1):
        raise InferenceError(f"crop_pct must be above 0 and at most 1, not {crop!r}.")
    mode = overrides.get("crop_mode")
    if mode not in (None, "center", "squash", "border"):
        raise InferenceError(f"crop_mode must be center, squash or border, not {mode!r}.")
    interpolation = overrides.get("interpolation")
    if interpolation not in (None, "nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"):
        raise InferenceError(f"Unknown interpolation {interpolation!r}.")
    prompts = overrides.get("prompts")
    if prompts is not None and not (
        isinstance(prompts, list | tuple)
        and prompts
        and all(
            isinstance(text, str) and text.count("{}") == 1 == text.count("{") for text in prompts
        )
    ):
        raise InferenceError(
            'prompts must be a list of texts with one {} for the name, such as "a photo of a {}.".'
        )


def resolve(overrides: Mapping[str, object], pretrained_cfg: Mapping[str, object]) -> Preprocessing:
    """What timm resolves from a model's own configuration and the classifier's overrides."""
    timm()
    from timm.data import resolve_data_config

    check_input(overrides)
    args = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in overrides.items()
        if name != "prompts"
    }
    config = resolve_data_config(args, pretrained_cfg=dict(pretrained_cfg))
    mean = tuple(float(value) for value in config["mean"])
    crop_mode = config["crop_mode"] or "center"
    return Preprocessing(
        resizing=Resizing(
            size=tuple(config["input_size"][1:]),
            interpolation=config["interpolation"],
            crop_pct=float(config["crop_pct"]),
            crop_mode=crop_mode,
            fill=mean if crop_mode == "border" else (),
        ),
        mean=mean,
        std=tuple(float(value) for value in config["std"]),
    )
