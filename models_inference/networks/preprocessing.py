"""Turns a decoded picture into a classifier's input by timm's own transform, left as bytes.

timm's `create_transform` ends with ToTensor and Normalize on each image. Here these two steps run
on a whole batch, on the device, by the same arithmetic in the same order: so images travel as
bytes (a quarter of the size), and classifiers that differ only in mean share all earlier steps.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard, cast

from models_inference.errors import InferenceError, is_text, short
from models_inference.networks.timm_import import timm

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

LONGEST = 100  # longest side to resize, in short sides; the crop sees only a few of these
MOST = 1e6  # limit of mean and std (of pixels from 0 to 1); std must be at least 1 / MOST
LEAST_CROP, LARGEST = 0.1, 8192  # limits of crop_pct, and of the resized short side in pixels
INPUT = {"input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode", "prompts"}


@dataclass(frozen=True)
class Resizing:
    """The geometry of an input; classifiers with the same one share the prepared pixels."""

    size: tuple[int, int]  # height, width
    interpolation: str
    crop_pct: float
    crop_mode: str
    fill: tuple[float, ...]  # of the border in crop_mode "border": timm takes the mean

    def middle(self, picture: "Image.Image") -> "Image.Image":
        """The part that the crop can see of a picture too long to be resized whole.

        A strip of 1 x 60,000 pixels, resized to a short side of 256, would fill 12 GB. Other
        pictures are returned unchanged.
        """
        short = min(picture.size)
        if self.crop_mode != "center" or max(picture.size) <= LONGEST * short:
            return picture
        sides = [(side, min(side, LONGEST * short)) for side in picture.size]
        left, top = ((side - kept) // 2 for side, kept in sides)
        return picture.crop((left, top, left + sides[0][1], top + sides[1][1]))


@dataclass(frozen=True)
class Preprocessing:
    """A data configuration that timm has resolved."""

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
    """Whether a value is a finite number up to MOST (true and false are not)."""
    return type(value) in (int, float) and abs(cast("float", value)) <= MOST


def check_input(overrides: Mapping[str, object]) -> None:
    """Raise InferenceError for a Classifier.input that timm would ignore or fail on."""
    unknown = sorted(set(overrides) - INPUT)
    if unknown:
        names = ", ".join(name if is_text(name) else short(name) for name in unknown)
        raise InferenceError(
            f"Unknown input setting {names}: known are {', '.join(sorted(INPUT))}."
        )
    size = overrides.get("input_size")
    if size is not None and not (
        isinstance(size, list | tuple)
        and len(size) == 3
        and size[0] == 3
        and all(type(side) is int and 1 <= side <= 4096 for side in size[1:])
    ):
        raise InferenceError(f"input_size must be [3, height, width], not {short(size)}.")
    for name in ("mean", "std"):
        values = overrides.get(name)
        if values is not None and not (
            isinstance(values, list | tuple)
            and len(values) == 3
            and all(is_number(value) and (value >= 1 / MOST or name == "mean") for value in values)
        ):
            least = "" if name == "mean" else f" above 0 (at least {1 / MOST:g})"
            raise InferenceError(
                f"{name} must be a list of 3 numbers{least} up to {MOST:,.0f}, not {short(values)}."
            )
    crop = overrides.get("crop_pct")
    if crop is not None and not (is_number(crop) and LEAST_CROP <= crop <= 1):
        raise InferenceError(
            f"crop_pct must be at least {LEAST_CROP} and at most 1, not {short(crop)}."
        )
    if crop is not None and size is not None:
        check_resized(size[1:], crop)
    mode = overrides.get("crop_mode")
    if mode not in (None, "center", "squash", "border"):
        raise InferenceError(f"crop_mode must be center, squash or border, not {short(mode)}.")
    interpolation = overrides.get("interpolation")
    if interpolation not in (None, "nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"):
        raise InferenceError(f"Unknown interpolation {short(interpolation)}.")
    prompts = overrides.get("prompts")
    if prompts is not None and not (
        isinstance(prompts, list | tuple)
        and prompts
        and all(
            is_text(text) and [text.count(sign) for sign in ("{}", "{", "}")] == [1, 1, 1]
            for text in prompts
        )
    ):
        raise InferenceError(
            "prompts must be a list of texts with one {} for the name and no other braces, such as "
            f'"a photo of a {{}}.", not {short(prompts)}.'
        )


def check_resized(size: Sequence[int], crop_pct: float) -> None:
    """Raise InferenceError if pictures would be resized to more than any memory holds."""
    side = math.ceil(max(size) / crop_pct)
    if side > LARGEST:
        raise InferenceError(
            f"crop_pct {crop_pct:g} of an input_size of {size[0]} x {size[1]} would resize pictures"
            f" to {side:,} pixels, more than {LARGEST:,}."
        )


def resolve(overrides: Mapping[str, object], pretrained_cfg: Mapping[str, object]) -> Preprocessing:
    """The preprocessing that timm resolves from a model's configuration and the overrides."""
    timm()
    from timm.data import resolve_data_config

    check_input(overrides)
    args = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in overrides.items()
        if name != "prompts" and value is not None
    }
    config = resolve_data_config(args, pretrained_cfg=dict(pretrained_cfg))
    mean = tuple(float(value) for value in config["mean"])
    crop_mode = config["crop_mode"] or "center"
    check_resized(config["input_size"][1:], float(config["crop_pct"]))
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
