"""Masks of a study's images, made of its columns: what the values of the filters mean."""

from collections.abc import Iterable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from annotation.explorer.columns import END, NOT_SETTLED, Bools, Columns

Ints = NDArray[np.integer]


def objects_mask(columns: Columns, value: str) -> Bools:
    """Images with this number of objects, as the filter says it."""
    objects = columns.of("objects")
    if value == "none":
        return objects >= NOT_SETTLED
    return (objects == int(value)) if value != "4" else (objects >= 4) & (objects < NOT_SETTLED)


def disagreement_mask(columns: Columns, value: str) -> Bools:
    """Images on which workers disagree so with the dataset label, as the filter says it."""
    if value == "object":
        return columns.of("elsewhere") == 1
    share = columns.of("disagreement")
    with np.errstate(invalid="ignore"):
        match value:
            case "all":
                return share == 1
            case "half":
                return (share >= 0.5) & (share < 1)
            case "some":
                return (share > 0) & (share < 0.5)
            case "no":
                return share == 0
    return np.isnan(share)


def models_right(columns: Columns) -> tuple[Ints, Ints]:
    """(n,), (n,): of how many classifiers that predicted an image the top 1 is its dataset label,
    and how many predicted it; images without a dataset label have no right one."""
    return columns.counted("right"), columns.counted("predicted")


def models_mask(told: tuple[Ints, Ints], value: str) -> Bools:
    """Images that so many classifiers have right, as the filter says it; `told` by models_right."""
    right, predicted = told
    match value:
        case "no":
            return (right == 0) & (predicted > 0)
        case "some":
            return (right > 0) & (right < predicted)
        case "all":
            return (right == predicted) & (predicted > 0)
    return predicted == 0


def any_of(masks: Iterable[Bools]) -> Bools:
    """Images that pass one of them at least."""
    return reduce(np.logical_or, masks)


def keys_with(keys: NDArray[np.uint8], text: str, n: int) -> Bools:
    """The images whose keys contain a text."""
    mask = np.zeros(n, bool)
    wanted = text.encode()
    at = np.flatnonzero(keys[: max(keys.size - len(wanted), 0)] == wanted[0])
    for number, byte in enumerate(wanted[1:], start=1):
        at = at[keys[at + number] == byte]
    ends = np.flatnonzero(keys == END[0])
    mask[np.searchsorted(ends, at)] = True
    return mask
