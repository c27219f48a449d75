"""Builds networks with timm's pretrained weights, from its hub or the copies fetched before."""

from typing import TYPE_CHECKING, Any

import httpx

from models_inference.errors import InferenceError
from models_inference.networks.timm_import import timm
from models_inference.networks.weights import first_line

if TYPE_CHECKING:
    from torch import nn

INSTEAD = " Instead: "  # parts the cause from what to do on the command line
SECONDS = 10.0  # for the hub to answer at all


def pretrained(architecture: str, **arguments: Any) -> "nn.Module":
    """The architecture with its pretrained weights.

    Raises InferenceError, which says what to do instead, if they can neither be fetched nor were
    fetched before.
    """
    from huggingface_hub import constants

    reason = unreachable(constants.ENDPOINT)
    offline = constants.HF_HUB_OFFLINE
    if reason:
        # Otherwise the hub's client retries for most of a minute, writing a line each time.
        constants.HF_HUB_OFFLINE = True
    try:
        return timm().create_model(architecture, pretrained=True, **arguments)
    except Exception as error:  # the hub's client raises its own, httpx's and OSErrors
        why = reason or f"{type(error).__name__}: {first_line(error)}"
        raise InferenceError(
            f"The pretrained weights of {architecture} could not be fetched from timm's hub, "
            f"{constants.ENDPOINT} ({why}).{INSTEAD}give a weights file fetched on a connected "
            f"machine (predict SLUG --classifier {architecture} --weights FILE), import its "
            "predictions (import_predictions SLUG FILE --classifier NAME), or use classifiers "
            "whose weights are installed (efficientnet_lite0, efficientnet_lite1, "
            "efficientnet_lite2)."
        ) from None
    finally:
        constants.HF_HUB_OFFLINE = offline


def unreachable(endpoint: str) -> str:
    """Why the hub does not answer; "" if it does."""
    try:
        httpx.head(endpoint, timeout=SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        return first_line(error)
    return ""
