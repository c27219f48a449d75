"""Cards: what a study found in an image, in short, beside its picture."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.drawn.picture import Drawn
from annotation.explorer.columns import GROUPS
from annotation.explorer.masks import models_right
from annotation.explorer.none_won import count_votes
from annotation.explorer.view import View
from imagesets.models import Image, Label
from tasks.models import ImageResult, Pair, PairResult

ROWS = 4  # labels on a card


@dataclass(frozen=True)
class Row:
    """A label and how many workers selected it; `sf` is "" where nobody was shown it."""

    key: str
    name: str
    of_dataset: bool
    selected: int = 0
    shown: int = 0
    sf: str = ""
    low: str = ""
    high: str = ""
    share: float = 0.0

    @property
    def percent(self) -> str:
        return f"{100 * self.share:.0f}"

    @classmethod
    def of(cls, label: Label, of_dataset: bool, result: PairResult | None) -> "Row":
        if result is None or not result.shown or result.sf is None:
            return cls(label.key, label.names[0], of_dataset)
        return cls(
            label.key,
            label.names[0],
            of_dataset,
            result.selected,
            result.shown,
            short(result.sf),
            short(result.sf_low or 0.0),
            short(1.0 if result.sf_high is None else result.sf_high),
            result.sf,
        )


@dataclass(frozen=True)
class Card:
    """An image of a view. more: its labels that somebody selected and the card has no room for."""

    image: Image
    picture: Drawn
    rows: list[Row]
    more: int
    main: str
    objects: list[str]
    group: str
    models: str


def cards_of(view: View, ids: Sequence[int]) -> list[Card]:
    """A card for each of these images; a fixed number of queries."""
    images = view.images(list(ids))
    rows = _rows(view, images)
    results = {
        result.image_id: result
        for result in ImageResult.objects.filter(
            campaign=view.classify, image__in=images, workers__gt=0
        )
    }
    if view.classify is not None:
        count_votes(view.classify, results.values())
    names = names_of(view, results.values())
    places = view.places_of(ids)
    right, predicted = models_right(view.columns)
    cards = []
    for image in images:
        place, result = places[image.pk], results.get(image.pk)
        shown = rows[image.pk]
        told = f"{right[place]} of {predicted[place]} classifiers right"
        cards.append(
            Card(
                image=image,
                picture=Drawn.of(image),
                rows=shown[:ROWS],
                more=len(shown[ROWS:]),
                main=main_votes(result, names) if result else "",
                objects=[names.get(each["name"], each["name"]) for each in result.objects_found]
                if result
                else [],
                group=GROUPS[view.columns.of("group")[place]],
                models=told if predicted[place] and image.dataset_label_id else "",
            )
        )
    return cards


def _rows(view: View, images: Sequence[Image]) -> dict[int, list[Row]]:
    """By image: the dataset label, then what workers selected in CONTAINS by falling SF."""
    pairs = Pair.objects.filter(campaign=view.contains, image__in=images).select_related("result")
    by_image: dict[int, dict[int, PairResult | None]] = defaultdict(dict)
    for pair in pairs if view.contains else ():
        result = getattr(pair, "result", None)
        by_image[pair.image_id][pair.label_id] = result
    chosen = {
        image: {
            label: result
            for label, result in results.items()
            if result is not None and result.selected
        }
        for image, results in by_image.items()
    }
    labels = Label.objects.in_bulk({label for some in chosen.values() for label in some})
    rows = {}
    for image in images:
        own, found = image.dataset_label, by_image[image.pk]
        first = [Row.of(own, True, found.get(own.pk))] if own is not None else []
        others = [
            (Row.of(labels[label], False, result), result)
            for label, result in chosen.get(image.pk, {}).items()
            if label != image.dataset_label_id and label in labels
        ]
        others.sort(key=lambda each: (-(each[1].sf or 0), each[0].key))
        rows[image.pk] = [*first, *(row for row, _ in others)]
    return rows


def names_of(view: View, results: Iterable[ImageResult]) -> dict[str, str]:
    """First names by key, of the labels in results of CLASSIFY."""
    keys = {key for result in results for key in _keys_in(result)}
    if not keys:
        return {}
    labels = view.dataset.labels.filter(key__in=keys).values_list("key", "names")
    return {key: names[0] for key, names in labels}


def _keys_in(result: ImageResult) -> set[str]:
    objects = {key for each in result.objects_found for key in each["labels"]}
    return objects | set(result.main_votes or {}) | set(_posteriors(result))


def _posteriors(result: ImageResult) -> Mapping[str, Any]:
    return result.main_posteriors or {}


def main_votes(result: ImageResult, names: Mapping[str, str]) -> str:
    """ "branch 7, bulbul 2, none of these 1": who named which main label, the most named first."""
    votes = dict(result.main_votes or {})
    told = [
        f"{names.get(key, key)} {number}"
        for key, number in sorted(votes.items(), key=lambda each: (-each[1], each[0]))
    ]
    if none := result.workers - sum(votes.values()):
        told.append(f"none of these {none}")
    return ", ".join(told)


def short(share: float) -> str:
    """A share by two digits: .67, 1.00."""
    text = f"{share:.2f}"
    return text if text.startswith("1") else text[1:]
