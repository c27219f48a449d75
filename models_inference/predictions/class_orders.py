"""Decides which label each class of imported logits is; refuses where two orders may be meant."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imagesets.labels.imagenet import imagenet_classes
from imagesets.models import Dataset, Image, Label
from models_inference.errors import InferenceError, is_text, short
from models_inference.predictions.mapping_files import read_mapping

Keys = list[str | None]
SAY_WHICH = "say by an array `classes` of label keys or a mapping (--mapping) which class is which"


def classes_of(
    dataset: Dataset,
    file: Path,
    logits: np.ndarray,
    images: Sequence[int],
    named: np.ndarray | None,
    mapping: Path | None,
) -> tuple[Keys, str]:
    """The label keys of the classes of logits, and where their order comes from, as a clause.

    logits: (N, C), of the images with these N ids. named: the file's own array `classes`. The rules
    are import_predictions'. Raises InferenceError.
    """
    count = logits.shape[1]
    own_names = None if named is None else _named(file, count, named)
    if mapping is not None:
        keys = read_mapping(dataset, mapping, count)
        if own_names and (differ := _first_difference(keys, own_names)) is not None:
            raise InferenceError(
                f"{file}: class {differ} is {short(own_names[differ] or '')} in its array `classes`"
                f" and {short(keys[differ] or 'without a label')} in {mapping}: leave one out."
            )
        return keys, f"classes as {mapping.name} maps them"
    if own_names is not None:
        return own_names, "classes as the array `classes` names them"
    own = list(Label.objects.filter(dataset=dataset).order_by("id").values_list("key", flat=True))
    imagenet = [entry.key for entry in imagenet_classes()]
    if count == len(imagenet) and set(own) & set(imagenet):
        order, clause = imagenet, "classes in ImageNet's own order"
    elif count == len(own):
        if all(map(str.isdecimal, own)) and own != sorted(own, key=int):
            raise InferenceError(
                f"{file}: the labels of {dataset.slug} are numbers, but were imported in another"
                f" order ({', '.join(own[:4])}, ...): {SAY_WHICH}."
            )
        ends = f"{own[0]} to {own[-1]}" if len(own) > 1 else own[0]
        order, clause = own, f"classes in the order of the dataset's labels, {ends}"
    else:
        raise InferenceError(
            f"{file}: {count} classes, but dataset {dataset.slug} has {len(own)} labels:"
            f" {SAY_WHICH}."
        )
    _refuse_if_another_fits(file, logits, images, order, own)
    return list(order), clause


def usual_orders(dataset: Dataset) -> dict[int, list[str]]:
    """The label keys that `classes_of` takes for the classes of logits where nothing names them, by
    how many classes there are."""
    own = list(Label.objects.filter(dataset=dataset).order_by("id").values_list("key", flat=True))
    imagenet = [entry.key for entry in imagenet_classes()]
    orders = {len(own): own}
    if set(own) & set(imagenet):
        orders[len(imagenet)] = imagenet
    return orders


def _named(file: Path, count: int, named: np.ndarray) -> Keys:
    if named.shape != (count,) or named.dtype.kind != "U":
        raise InferenceError(
            f"{file}, classes: must be {count} label keys as text, not {named.dtype} {named.shape}."
        )
    for index, key in enumerate(named):
        if not is_text(str(key)):
            raise InferenceError(f"{file}, classes: {short(str(key))} of {index} is not text.")
    return [str(key) for key in named]


def _first_difference(one: Keys, other: Keys) -> int | None:
    pairs = enumerate(zip(one, other, strict=True))
    return next((index for index, (a, b) in pairs if a != b), None)


def _refuse_if_another_fits(
    file: Path, logits: np.ndarray, images: Sequence[int], order: list[str], own: list[str]
) -> None:
    """Raise InferenceError if by another usual order far more predictions are dataset labels."""
    labelled = Image.objects.filter(id__in=images, dataset_label__isnull=False)
    labels = dict(labelled.values_list("id", "dataset_label__key"))
    best = logits.argmax(axis=1)

    def hits(keys: list[str]) -> int:
        return sum(labels.get(image) == keys[at] for image, at in zip(images, best, strict=True))

    taken = hits(order)
    others = {"the order of the labels' import": own, "the order of text": sorted(own)}
    for name, keys in others.items():
        if len(keys) == len(order) and (fitting := hits(keys)) > 2 * taken + 2:
            raise InferenceError(
                f"{file}: the first prediction is the dataset label of {fitting} of"
                f" {len(labels)} images if its classes are in {name}, and of {taken} if in that of"
                f" {', '.join(order[:3])}, ...: {SAY_WHICH}."
            )
