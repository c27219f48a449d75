"""Compares two studies: the differences of their headline figures, with intervals.

Studies that share images or workers err together, as far as they do; otherwise their errors add up.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from annotation.report.arrays import Study
from annotation.report.figures.figure import Figure, Known
from annotation.report.figures.headlines import headlines
from annotation.report.intervals import (
    OUTSIDE,
    Estimate,
    Floats,
    Ints,
    Panel,
    between_images,
    bounds,
    strata,
    why_none,
)

DEFINITION = (
    "The headline figures of two studies, and the first less the second. Where the studies share"
    " images or workers, these count once in a difference's interval."
)
POPULATION = "as the headline figures"


def comparison(first: Study, second: Study, *, one_dataset: bool) -> Figure:
    """The headline figures that both studies have, and their differences (rule T14).

    one_dataset: images and labels of the same key are the same. Workers are on the whole site.
    """
    both = _Both(first, second, one_dataset)
    ours, theirs = headlines(first), headlines(second)
    rows = {
        pointer: {
            "a": ours[pointer],
            "b": theirs[pointer],
            "difference": both.difference(ours[pointer], theirs[pointer]),
        }
        for pointer in ours
        if pointer in theirs
    }
    if not rows:
        return Figure(DEFINITION, POPULATION, missing="headline figures that both studies have")
    return Figure(DEFINITION, POPULATION, {"a": first.n, "b": second.n}, {"headlines": rows})


class _Both:
    """The images, workers and labels of two studies, numbered together."""

    def __init__(self, first: Study, second: Study, one_dataset: bool) -> None:
        self.studies = (first, second)
        self.n, self.images = _together(first.images, second.images, one_dataset)
        self.n_workers, self.workers = _together(first.workers, second.workers, True)
        _, labels = _together(first.labels, second.labels, one_dataset)
        self.label = np.full(self.n, -1)
        for study, number, image in zip(self.studies, labels, self.images, strict=True):
            labelled = study.dataset_label >= 0
            self.label[image[labelled]] = number[study.dataset_label[labelled]]
        self._places: dict[tuple[int, int], tuple[Panel, list[Ints]]] = {}

    @cached_property
    def apart(self) -> bool:
        """They share no image and no worker."""
        shared = self.n < sum(study.n for study in self.studies)
        workers = sum(len(study.workers) for study in self.studies)
        return not shared and self.n_workers == workers

    def difference(self, first: Estimate, second: Estimate) -> Known:
        if first.value is None or second.value is None:
            return Known(None, without="one of the studies has no such figure")
        value = first.value - second.value
        if reason := why_none(first) or why_none(second):
            return Known(value, without=reason)
        groups = min(first.parts.groups, second.parts.groups)
        variance = float(first.parts.variances[0] + second.parts.variances[0])
        if not self.apart:
            groups = min(first.images, second.images)
            variance = float(between_images(*self._effect(first, second))[0, 0])
            if first.panel is not None and second.panel is not None:
                panel, change = self._change(first, first.panel, second, second.panel)
                of_worker = np.bincount(panel.worker, change)
                w = panel.workers
                workers = w / (w - 1) * (of_worker @ of_worker) - change @ change
                variance, groups = variance + max(0.0, float(workers)), min(groups, w)
        return Known(value, bounds(value, variance**0.5, groups, 0.0, unit=False))

    def _effect(self, first: Estimate, second: Estimate) -> tuple[Floats, Ints]:
        """(n, 1), (n,): the effects on the difference, and the strata of all images."""
        effect, stratum = np.zeros(self.n), np.full((2, self.n), OUTSIDE)
        for place, (estimate, sign) in enumerate(((first, 1), (second, -1))):
            effect[self.images[place]] += sign * estimate.effect
            stratum[place, self.images[place]] = estimate.stratum
        drawn = any(
            estimate.stratum is study.draw
            for estimate, study in zip((first, second), self.studies, strict=True)
        )
        if drawn:  # an image's groups in both
            return effect[:, None], (stratum[0] + 1) * (stratum[1].max() + 2) + stratum[1]
        return effect[:, None], strata(self.label, (stratum != OUTSIDE).any(0))

    def _change(
        self, first: Estimate, first_panel: Panel, second: Estimate, second_panel: Panel
    ) -> tuple[Panel, Floats]:
        """The panel of both, and what each of its cells changes in the difference."""
        key = id(first_panel), id(second_panel)
        if key not in self._places:
            cells = [
                (self.images[place][panel.image], self.workers[place][panel.worker])
                for place, panel in enumerate((first_panel, second_panel))
            ]
            image, worker = (np.concatenate(each) for each in zip(*cells, strict=True))
            panel, cell = Panel.numbered(image, worker, self.n, self.n_workers)
            self._places[key] = panel, np.split(cell, [first_panel.image.size])
        panel, (ours, theirs) = self._places[key]
        change = np.zeros(panel.image.size)
        change[ours] += first.centred
        change[theirs] -= second.centred
        return panel, change


def _together(
    first: Sequence[str], second: Sequence[str], same: bool
) -> tuple[int, tuple[Ints, Ints]]:
    """How many there are of both, and the number of each; of equal keys the same one if `same`."""
    if not same:
        size = len(first) + len(second)
        return size, (np.arange(len(first)), np.arange(len(first), size))
    place = {key: number for number, key in enumerate(sorted({*first, *second}))}
    ours, theirs = (np.array([place[key] for key in keys], int) for keys in (first, second))
    return len(place), (ours, theirs)
