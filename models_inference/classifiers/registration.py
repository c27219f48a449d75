"""Checks a new classifier's row when it is registered, without loading torch."""

import functools
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagesets.models import Dataset, Label
from models_inference.errors import InferenceError, short
from models_inference.networks.preprocessing import check_input
from models_inference.networks.programs import KINDS, NEEDED
from models_inference.networks.weights import PACKAGE, PRETRAINED
from models_inference.networks.zero_shot import PREFIX


def faults(
    dataset: Dataset,
    architecture: str,
    weights: str,
    input: Mapping[str, Any],
    mapping: list[str | None] | None,
    may_read_server: bool,
) -> dict[str, str]:
    """Field -> what is wrong with it; {} if the classifier can be registered.

    `may_read_server`: whether `weights` may be a path on the server. Whether the weights exist and
    fit shows only when the classifier runs.
    """
    texts = {
        "architecture": _architecture(architecture),
        "weights": _weights(architecture, weights, may_read_server),
        "input": _input(architecture, input),
        "mapping": _mapping(dataset, mapping),
    }
    return {field: text for field, text in texts.items() if text}


def _architecture(name: str) -> str:
    if name in KINDS or (name.startswith(PREFIX) and name != PREFIX):
        return ""
    if name.partition(".")[0] in timm_names():
        return ""
    return (
        f"{short(name)} is not one of timm's architectures, nor {', '.join(KINDS)} or"
        f" {PREFIX}NAME (of open_clip)."
    )


def _weights(architecture: str, weights: str, may_read_server: bool) -> str:
    if weights == PRETRAINED:
        return "A program's weights are its file." if architecture in KINDS else ""
    if weights.startswith((PACKAGE, "s3://")):
        return ""
    if Path(weights).is_absolute():
        return "" if may_read_server else "Only a superuser can name a file on the server."
    if architecture.startswith(PREFIX) and re.fullmatch(r"[\w.-]+", weights):
        return ""
    return f"Must be {PRETRAINED}, {PACKAGE}NAME, s3://BUCKET/KEY or a file's whole path."


def _input(architecture: str, input: Mapping[str, Any]) -> str:
    try:
        check_input(input)
    except InferenceError as error:
        return str(error)
    for name, value in input.items():
        if value is None:
            return f"{name} is null: leave it out to use the network's own."
    missing = [name for name in NEEDED if architecture in KINDS and name not in input]
    return f"A program's input must give {', '.join(missing)}." if missing else ""


def _mapping(dataset: Dataset, mapping: list[str | None] | None) -> str:
    if mapping is None:
        return ""
    keys = set(Label.objects.filter(dataset=dataset).values_list("key", flat=True))
    for index, key in enumerate(mapping):
        if key is not None and key not in keys:
            return f"Class {index}: dataset {dataset.slug} has no label {short(key)}."
    return "" if any(mapping) else "No class has a label."


@functools.cache
def timm_names() -> frozenset[str]:
    """The architectures that the installed timm registers, read from its source as text."""
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        return frozenset()
    names: set[str] = set()
    for file in (Path(spec.origin).parent / "models").glob("*.py"):
        names.update(re.findall(r"^@register_model\s+def (\w+)", file.read_text(), re.MULTILINE))
    return frozenset(names)
