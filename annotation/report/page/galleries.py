"""Pictures that stand beside figures: examples, disagreements, pairs of labels, likely errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from annotation.report.wording import Plain, count
from imagesets.models import Dataset, Image
from tasks.models import Campaign, CampaignImage, ImageResult, PairResult

MOST = 12  # pictures of a gallery, and pairs of R9
ERRORS = 6  # of each verdict of B2
T = TypeVar("T")


@dataclass(frozen=True)
class Example:
    """A picture and what is said below it."""

    image: Image
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """Some pictures of a figure. title: what they show, and of how many they are some."""

    title: str
    examples: list[Example]


def galleries_of(
    report: Plain,
    dataset: Dataset,
    contains: Campaign | None,
    classify: Campaign | None,
    names: Mapping[str, str],
) -> dict[str, list[Gallery]]:
    """By figure. report: with keys of labels, for which `names` has the names."""
    figures = {name: figure["data"] for name, figure in report["figures"].items()}
    made: dict[str, list[Gallery]] = {}
    if classify is not None and figures.get("R1"):
        made["R1"] = [_several(contains, classify, names)]
    if classify is not None and figures.get("R5"):
        made["R5"] = [_disagreements(figures["R5"]["gallery"], dataset, classify, names)]
    if contains is not None and figures.get("R9"):
        made["R9"] = _pairs(figures["R9"]["top"][: MOST // 2], contains, names)
    if figures.get("B2"):
        made["B2"] = _errors(figures["B2"]["images"], dataset, names)
    shown = {name: [each for each in some if each.examples] for name, some in made.items()}
    return {name: some for name, some in shown.items() if some}


def spread(things: Sequence[T], most: int = MOST) -> list[T]:
    """At most so many of them, evenly spaced from the first on."""
    if len(things) <= most:
        return list(things)
    return [things[number * len(things) // most] for number in range(most)]


def _some(shown: int, of: int, what: str) -> str:
    if shown == of:
        return what
    return f"{what}: {shown} of {of:,}, evenly spaced by key"


def _several(contains: Campaign | None, classify: Campaign, names: Mapping[str, str]) -> Gallery:
    results = ImageResult.objects.filter(campaign=classify, num_objects__gt=1)
    if contains is not None:
        followed_up = CampaignImage.objects.filter(campaign=classify, group="fu")
        results = results.filter(image__in=followed_up.values("image"))
    ids = list(results.order_by("image__key").values_list("pk", flat=True))
    chosen = results.filter(pk__in=spread(ids)).order_by("image__key").select_related("image")
    examples = [
        Example(
            result.image,
            tuple(names.get(each["name"], each["name"]) for each in result.objects_found)
            or (count(result.num_objects or 0, "object", "objects"),),
        )
        for result in chosen
    ]
    return Gallery(
        _some(len(examples), len(ids), "Images with several objects, and the objects' names"),
        examples,
    )


def _disagreements(
    keys: Sequence[str], dataset: Dataset, classify: Campaign, names: Mapping[str, str]
) -> Gallery:
    results = ImageResult.objects.filter(
        campaign=classify, image__dataset=dataset, image__key__in=spread(keys)
    )
    examples = [
        Example(result.image, _main_and_dataset_label(result, names))
        for result in results.order_by("image__key").select_related("image__dataset_label")
    ]
    return Gallery(
        _some(len(examples), len(keys), "Images whose main object is not the dataset label's"),
        examples,
    )


def _main_and_dataset_label(result: ImageResult, names: Mapping[str, str]) -> tuple[str, ...]:
    votes = result.main_votes or {}
    total = sum(votes.values())

    def with_votes(key: str) -> str:
        return f"{names.get(key, key)} ({_votes(votes.get(key, 0), total)})"

    own = result.image.dataset_label
    return (
        f"dataset label: {with_votes(own.key) if own else '-'}",
        f"main label: {with_votes(result.main_label or '')}",
    )


def _pairs(
    rows: Iterable[dict[str, Any]], contains: Campaign, names: Mapping[str, str]
) -> list[Gallery]:
    galleries = []
    for row in rows:
        examples = [
            example
            for own, other in ((row["a"], row["b"]), (row["b"], row["a"]))
            if (example := _of_label(own, other, contains, names))
        ]
        a, b = (names.get(row[key], row[key]) for key in ("a", "b"))
        title = f"{a} and {b}: together on {row['both']} of {row['images']:,} images"
        galleries.append(Gallery(title, examples))
    return galleries


def _of_label(own: str, other: str, contains: Campaign, names: Mapping[str, str]) -> Example | None:
    """The image of one dataset label on which most workers selected the other label."""
    results = PairResult.objects.filter(
        pair__campaign=contains,
        pair__label__key=other,
        pair__image__dataset_label__key=own,
        sf__isnull=False,
    ).select_related("pair__image")
    result = results.order_by("-sf", "pair__image__key").first()
    if result is None:
        return None
    selected = f"{names.get(other, other)}: {_votes(result.selected, result.shown)}"
    return Example(result.pair.image, (f"dataset label: {names.get(own, own)}", selected))


VERDICTS = {
    "wrong": "The dataset label is likely not there",
    "secondary": "The dataset label is there, but another object is the main one",
    "missing": "Something other than the dataset label is there too",
}


def _errors(
    rows: Sequence[dict[str, Any]], dataset: Dataset, names: Mapping[str, str]
) -> list[Gallery]:
    galleries = []
    for verdict, title in VERDICTS.items():
        listed = [row for row in rows if row["verdict"] == verdict]
        first = listed[:ERRORS]
        images = {
            image.key: image
            for image in dataset.images.filter(key__in=[row["image"] for row in first])
        }
        examples = [
            Example(images[row["image"]], _evidence(row["evidence"], names))
            for row in first
            if row["image"] in images
        ]
        of = f": the first {len(first)} of {len(listed):,}" if len(listed) > len(first) else ""
        galleries.append(Gallery(title + of, examples))
    return galleries


def _evidence(evidence: dict[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    """What speaks against the dataset label: who selected it, and what they selected instead."""
    own = evidence["dataset_label"]
    lines = [f"dataset label: {names.get(own, own)}"]
    if "shown" in evidence:
        lines.append(f"selected by {_votes(evidence['selected'], evidence['shown'])}")
    if instead := evidence.get("instead"):
        label = names.get(instead["label"], instead["label"])
        lines.append(f"{label}: {_votes(instead['selected'], instead['shown'])}")
    if "object" in evidence:
        label = names.get(evidence["object"], evidence["object"])
        lines.append(f"{label}: {_votes(evidence['votes'], evidence['of'])}")
    return tuple(lines)


def _votes(n: int, of: int) -> str:
    return f"{n} of {of}".replace(" ", "\N{NO-BREAK SPACE}")
