"""Facets of a view: how many images each further filter would leave, counted in its columns.

A facet's own filter is left out of its counts, so that one can choose another value of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from annotation.explorer.filters import CHOICES
from annotation.explorer.masks import (
    disagreement_mask,
    models_mask,
    models_right,
    objects_mask,
)
from annotation.explorer.view import View
from imagesets.models import Label
from models_inference.models import Classifier

LABELS = 10  # dataset labels listed


@dataclass(frozen=True)
class Choice:
    """A value of a filter; `query` asks for the view with it switched on, or off where it is on."""

    value: str
    text: str
    images: int
    on: bool
    query: str


@dataclass(frozen=True)
class Facet:
    """The values of a filter. more: how many are not listed."""

    name: str
    title: str
    choices: list[Choice]
    more: int = 0


def facets_of(view: View) -> list[Facet]:
    """The facets that say something about this study."""
    columns = view.columns
    columns.read(["group", "objects", "disagreement", "elsewhere", "label", "right", "predicted"])
    facets = []
    if view.campaigns:
        facets.append(_of_choices(view, "disagreement", "Disagreement", _disagreement))
        facets.append(_of_choices(view, "group", "Group", _group))
    if view.classify is not None:
        facets.append(_of_choices(view, "objects", "Objects", _objects))
    if columns.classifiers:
        facets.append(_of_choices(view, "models", "Classifiers", _models))
        facets += _of_classifiers(view)
    facets.append(_of_labels(view))
    return [facet for facet in facets if len(facet.choices) > 1 or _has_one_on(facet)]


def _has_one_on(facet: Facet) -> bool:
    return any(choice.on for choice in facet.choices)


def _of_choices(
    view: View, name: str, title: str, count: Callable[[View, np.ndarray], Mapping[str, int]]
) -> Facet:
    """The facet of a filter of fixed values; those that no image has are left out."""
    counts = count(view, view.mask_without(name))
    choices = [
        _choice(view, name, value, text, counts.get(value, 0))
        for value, text in CHOICES[name].items()
    ]
    return Facet(name, title, [each for each in choices if each.images or each.on])


def _choice(view: View, name: str, value: str, text: str, images: int) -> Choice:
    on = value in getattr(view.filters, name)
    query = view.query(view.filters.with_value(name, value))
    return Choice(value, text, images, on, query)


def _group(view: View, mask: np.ndarray) -> dict[str, int]:
    counts = np.bincount(view.columns.of("group")[mask], minlength=5).tolist()
    return dict(zip(("none", "fu", "mis", "easy", "amb"), counts, strict=True))


def _objects(view: View, mask: np.ndarray) -> dict[str, int]:
    return {
        value: int(np.count_nonzero(objects_mask(view.columns, value) & mask))
        for value in CHOICES["objects"]
    }


def _disagreement(view: View, mask: np.ndarray) -> dict[str, int]:
    return {
        value: int(np.count_nonzero(disagreement_mask(view.columns, value) & mask))
        for value in CHOICES["disagreement"]
    }


def _models(view: View, mask: np.ndarray) -> dict[str, int]:
    told = models_right(view.columns)
    return {
        value: int(np.count_nonzero(models_mask(told, value) & mask)) for value in CHOICES["models"]
    }


def _of_classifiers(view: View) -> list[Facet]:
    """Which classifiers have an image right, and which have it wrong."""
    columns = view.columns
    names = dict(Classifier.objects.filter(pk__in=columns.classifiers).values_list("pk", "name"))
    masks = {name: view.mask_without(name) for name in ("right", "wrong")}
    choices: dict[str, list[Choice]] = {"right": [], "wrong": []}
    for number, pk in enumerate(columns.classifiers):
        if pk not in names:
            continue  # deleted since
        right = columns.of_classifier("right", number)
        wrong = columns.of_classifier("predicted", number) & ~right
        for name, verdict in (("right", right), ("wrong", wrong)):
            images = int(np.count_nonzero(verdict & masks[name]))
            choices[name].append(_choice(view, name, names[pk], names[pk], images))
    return [
        Facet("right", "Right", choices["right"]),
        Facet("wrong", "Wrong", choices["wrong"]),
    ]


def _of_labels(view: View) -> Facet:
    """The dataset labels with most images, and those that the view names."""
    labels = view.columns.of("label")[view.mask_without("label")]
    ids, counts = np.unique(labels[labels > 0], return_counts=True)
    most = np.lexsort([ids, -counts])[:LABELS]
    images = dict(zip(ids[most].tolist(), counts[most].tolist(), strict=True))
    for pk in view.labels_of("label"):
        at = int(np.searchsorted(ids, pk))
        images.setdefault(pk, int(counts[at]) if at < ids.size and ids[at] == pk else 0)
    named = Label.objects.in_bulk(list(images))
    choices = [
        _choice(view, "label", named[pk].key, named[pk].names[0], n)
        for pk, n in images.items()
        if pk in named
    ]
    return Facet("label", "Dataset label", choices, max(0, ids.size - len(most)))
