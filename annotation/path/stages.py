"""The stages of a study, from images to report: where each stands, and its one button."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from annotation.path.next_step import next_step
from annotation.path.standing import Standing
from annotation.rights import RESEARCH, may
from imagesets.models import Dataset
from tasks.models.campaign import Kind, State

ENDED = (State.FINISHED, State.CLOSED)


class Where(StrEnum):
    """How far a stage is."""

    DONE = "done"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True)
class Stage:
    """One stage: its `figure` in a few words, what is open (a sentence or ""), and its button.

    `of`: the campaign that it speaks of, where there are others.
    """

    name: str
    where: Where
    figure: str
    open: str = ""
    button: str = ""
    address: str = ""
    of: str = ""


@dataclass(frozen=True)
class Counted:
    """What the dataset holds: numbers of images, labels, faults of labels, and classifiers."""

    images: int
    labels: int
    label_faults: int
    classifiers: int  # with predictions
    inference: str  # what a job is doing, or ""


def stages_of(
    dataset: Dataset, counted: Counted, standings: Sequence[Standing], user: Any
) -> list[Stage]:
    """The stages in their order; `standings`: of the dataset's campaigns, the newest first.

    They are of one study: the newest CONTAINS campaign, and the newest that follows it. Until one
    of these has ended, the report is an earlier study's.
    """
    standings = [standing for standing in standings if not _is_discarded(standing)]
    contains = _newest(standings, Kind.CONTAINS)
    classify = _newest(_following(standings, contains), Kind.CLASSIFY)
    stages = [
        _images(counted),
        _labels(dataset, counted),
        _classifiers(dataset, counted, user),
        _contains(dataset, counted, contains, user),
        _classify(contains, classify, user),
        _report(dataset, contains, classify, standings),
    ]
    if len({standing.campaign.kind for standing in standings}) == len(standings):
        stages = [replace(stage, of="") for stage in stages]  # there are no others
    researches = may(user, RESEARCH, dataset)
    return [stage if researches or stage.where == Where.DONE else _seen(stage) for stage in stages]


def next_of(stages: Sequence[Stage]) -> Stage | None:
    """The stage that something is to be done about now."""
    return next((stage for stage in stages if stage.where == Where.NOW), None)


def _newest(standings: Sequence[Standing], kind: Kind) -> Standing | None:
    """The newest campaign of a kind, one that has begun before any draft."""
    of_kind = [s for s in standings if s.campaign.kind == kind and s.campaign.adds_to_id is None]
    begun = [s for s in of_kind if s.campaign.state != State.DRAFT]
    return next(iter(begun or of_kind), None)


def _is_discarded(standing: Standing) -> bool:
    """Whether it was closed before it asked or held anything."""
    closed = standing.campaign.state == State.CLOSED
    return closed and not standing.completion.hits and not standing.is_aggregated


def _following(standings: Sequence[Standing], contains: Standing | None) -> Sequence[Standing]:
    """Those that follow a campaign; all, where there is none to follow."""
    if contains is None:
        return standings
    return [s for s in standings if s.campaign.source_id == contains.campaign.pk]


def _seen(stage: Stage) -> Stage:
    """The stage for somebody who may only look."""
    return (
        stage if stage.address.startswith("/campaigns/") else replace(stage, button="", address="")
    )


def _images(counted: Counted) -> Stage:
    address = reverse("import-dataset")
    if not counted.images:
        return Stage("Images", Where.NOW, "none yet", "", "Bring your images", address)
    return Stage("Images", Where.DONE, f"{counted.images:,}")


def _labels(dataset: Dataset, counted: Counted) -> Stage:
    address = reverse("admin:imagesets_dataset_change", args=[dataset.pk])
    import_page = reverse("import-dataset")
    if counted.label_faults:
        faults = "1 thing" if counted.label_faults == 1 else f"{counted.label_faults:,} things"
        text = f"{faults} may confuse workers"
        return Stage("Labels", Where.DONE, f"{counted.labels:,}", text, "Look at them", address)
    if counted.images and not counted.labels:
        sentence = "Bring the images once more, with a table of labels or of classes."
        return Stage("Labels", Where.NOW, "none yet", sentence, "Bring them", import_page)
    return Stage("Labels", Where.DONE if counted.labels else Where.LATER, f"{counted.labels:,}")


def _classifiers(dataset: Dataset, counted: Counted, user: Any) -> Stage:
    address = reverse("classifiers", args=[dataset.slug])
    if counted.inference:
        sentence = f"They look at the images: {counted.inference}."
        return Stage("Classifiers", Where.NOW, counted.inference, sentence, "See the job", address)
    if counted.classifiers:
        text = f"{counted.classifiers:,}"
        button = "See them, or add some" if may(user, RESEARCH, dataset) else "See them"
        return Stage("Classifiers", Where.DONE, text, "", button, address)
    if not counted.images:
        return Stage("Classifiers", Where.LATER, "-")
    sentence = "What they see in each image are the labels that people are asked about."
    return Stage("Classifiers", Where.NOW, "none yet", sentence, "Choose classifiers", address)


def _contains(dataset: Dataset, counted: Counted, standing: Standing | None, user: Any) -> Stage:
    if standing is not None:
        return _of_campaign("CONTAINS", standing, user)
    if not counted.classifiers:
        return Stage("CONTAINS", Where.LATER, "-")
    address = reverse("campaign-new") + "?" + urlencode({"dataset": dataset.slug})
    sentence = "Ask workers which images contain each candidate label."
    return Stage("CONTAINS", Where.NOW, "not asked yet", sentence, "New campaign", address)


def _classify(contains: Standing | None, classify: Standing | None, user: Any) -> Stage:
    if classify is not None:
        return _of_campaign("CLASSIFY", classify, user)
    if contains is None or contains.campaign.state not in ENDED:
        return Stage("CLASSIFY", Where.LATER, "-")
    step = next_step(contains, user)
    return Stage("CLASSIFY", Where.NOW, "not asked yet", step.sentence, step.button, step.address)


def _of_campaign(name: str, standing: Standing, user: Any) -> Stage:
    campaign, completion = standing.campaign, standing.completion
    address, of = reverse("campaign-progress", args=[campaign.slug]), campaign.name
    if campaign.state in ENDED:
        figure = f"{completion.done:,} answers used"
        return Stage(name, Where.DONE, figure, "", "See it", address, of)
    figure = "draft"
    if campaign.state != State.DRAFT:
        figure = f"{completion.done:,} of {completion.total:,} answers used"
    sentence = next_step(standing, user).sentence
    return Stage(name, Where.NOW, figure, sentence, "See it", address, of)


def _report(
    dataset: Dataset,
    contains: Standing | None,
    classify: Standing | None,
    standings: Sequence[Standing],
) -> Stage:
    address = reverse("report", args=[dataset.slug])
    ended = [s for s in (contains, classify) if s is not None and s.campaign.state in ENDED]
    if not ended:
        earlier = _newest([s for s in standings if s.campaign.state in ENDED], Kind.CONTAINS)
        if earlier is None or not earlier.is_aggregated:
            return Stage("Report", Where.LATER, "-")
        of = earlier.campaign.name
        return Stage("Report", Where.DONE, "of an earlier study", "", "Read it", address, of)
    if not all(standing.is_aggregated for standing in ended):
        return Stage("Report", Where.NOW, "being computed", "", "See it", address)
    return Stage("Report", Where.DONE, "ready", "", "Read it", address)
