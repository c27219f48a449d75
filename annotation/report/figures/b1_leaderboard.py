"""B1: the classifiers ranked by six metrics, and how sure their ranks are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from annotation.report.arrays import Bools, Floats, Predictions, Study
from annotation.report.figures.figure import Figure, Known
from annotation.report.figures.populations import Question, of_population, sizes, weighted
from annotation.report.figures.r03_top1 import r3
from annotation.report.figures.r04_multi_label import r4
from annotation.report.figures.r10_selection import pair_of, r10
from annotation.report.figures.r12_main_label import r12
from annotation.report.intervals import Estimate, Parts, parts, ratio, why_none
from annotation.report.without import Objects

DEFINITION = (
    "The first label is the dataset label (top1), a label of any object (any_label), the main label"
    " (main_label); share of an image's k objects with a label among the first k (top_k); the first"
    " label has a posterior above one half (real); mean selection frequency of the first label"
    " (mean_sf). rank: 1 is the highest; equal ones share the mean rank."
)
POPULATION = "settled images; for a likely label and selection frequency all images"
DRAWS = 1000


@dataclass(frozen=True)
class Metric:
    """One metric of all classifiers, by name. lacking: what the study has not, if it needs it."""

    value: Mapping[str, Estimate] = field(default_factory=dict)
    weighted: Mapping[str, Estimate | None] = field(default_factory=dict)
    lacking: str = ""

    @cached_property
    def compared(self) -> list[str]:
        """Classifiers that have an interval, by name."""
        return sorted(name for name, value in self.value.items() if not why_none(value))

    @cached_property
    def parts(self) -> Parts:
        """Of the covariances of those compared."""
        return parts([self.value[name] for name in self.compared])

    @property
    def covariance(self) -> Floats:
        """Of those compared: what workers add to the images' is nowhere below 0."""
        between, directions = np.linalg.eigh(self.parts.workers - self.parts.answers)
        return self.parts.images + (directions * np.maximum(between, 0)) @ directions.T


def b1(study: Study) -> Figure:
    """The figure; it needs predictions and a campaign, each metric its own."""
    if not study.models or (study.contains is None and study.classify is None):
        return Figure(
            DEFINITION,
            POPULATION,
            missing="a campaign with answers, and predictions",
        )
    models: dict[str, dict[str, Any]] = {name: {} for name in study.models}
    for key, metric in study.once(metrics).items():
        for name, row in _rows(metric, list(study.models), study.rules.seed).items():
            models[name][key] = row
    data: dict[str, Any] = {"models": models, "without_likely_label": None}
    if study.contains is not None:
        data["without_likely_label"] = int((~study.once(_has_likely_label)).sum())
    return Figure(DEFINITION, POPULATION, sizes(study), data)


def metrics(study: Study) -> dict[str, Metric]:
    """The six metrics, by name."""
    by_objects: dict[str, Metric] = dict.fromkeys(
        ("top1", "any_label", "main_label", "top_k"),
        Metric(lacking="a CLASSIFY campaign with answers is needed"),
    )
    by_pairs: dict[str, Metric] = dict.fromkeys(
        ("real", "mean_sf"), Metric(lacking="a CONTAINS campaign with answers is needed")
    )
    if study.classify is not None:
        spreads = {
            "top1": study.once(r3).numbers["models"],
            "any_label": study.once(r4).numbers["any_label"],
            "main_label": study.once(r12).numbers["main_label"],
            "top_k": _top_k(study),
        }
        by_objects = {
            key: Metric(
                {name: spread["settled"] for name, spread in of_model.items()},
                {name: spread["weighted"] for name, spread in of_model.items()},
            )
            for key, of_model in spreads.items()
        }
    if study.contains is not None:
        selection = study.once(r10).numbers["models"]
        by_pairs = {
            "real": Metric({name: _real(study, model) for name, model in study.models.items()}),
            "mean_sf": Metric({name: found["mean_sf"] for name, found in selection.items()}),
        }
    return by_objects | by_pairs


def _rows(metric: Metric, names: Sequence[str], seed: int) -> dict[str, dict[str, Any]]:
    values = {name: each.value for name, each in metric.value.items() if each.value is not None}
    ranks = dict(zip(values, _ranks(np.array(list(values.values()))), strict=True))
    intervals = _rank_intervals(metric, seed)
    rows = {}
    for name in names:
        estimate = metric.value.get(name)
        reason = metric.lacking or (why_none(estimate) if estimate else "")
        rows[name] = {
            "value": estimate or Known(None, without=reason),
            "weighted": metric.weighted.get(name),
            "n": estimate.images if estimate else 0,
            "rank": float(ranks[name]) if name in ranks else None,
            "rank_interval": Known(intervals.get(name), without=reason),
        }
    return rows


def _ranks(values: Floats) -> Floats:
    """(..., K): 1 for the highest of each row; equal ones share their mean rank."""
    above = (values[..., None, :] > values[..., :, None]).sum(-1)
    equal = (values[..., None, :] == values[..., :, None]).sum(-1)
    return above + (equal + 1) / 2


def _rank_intervals(metric: Metric, seed: int) -> dict[str, list[float]]:
    """95 % intervals of the ranks, from draws of all values together (rule T8)."""
    if not metric.compared:
        return {}
    values = np.array([metric.value[name].value for name in metric.compared], float)
    rng = np.random.default_rng(seed)
    draws = rng.multivariate_normal(values, metric.covariance, DRAWS, method="eigh")
    ranks = _ranks(draws)
    ends = np.percentile(ranks, [2.5, 97.5], axis=0)
    return dict(zip(metric.compared, ends.T.tolist(), strict=True))


def _top_k(study: Study) -> dict[str, dict[str, Estimate | None]]:
    """By model: the share of an image's k objects that its first k labels name."""
    parted = study.easy | ~study.responses.parted.unparted
    now, without = _Places(study.objects), _Places(study.without)
    by_answers = (now.some, without.some)
    counts = (study.easy | now.some, without.some)
    found = {}
    for name, model in study.models.items():
        asked = Question(
            now.named(model),
            without.named(model),
            model.top == study.dataset_label,
            (model.top >= 0) & parted,
        )
        found[name] = {
            "settled": of_population(study, asked, study.settled, counts),
            "weighted": weighted(study, asked, by_answers),
        }
    return found


class _Places:
    """The objects of U images, each a place in a table (U, places)."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.width = int(objects.place.max(initial=0)) + 1
        self.cell = objects.unit * self.width + objects.place
        self.sizes = self._counted(self.cell)
        self.image = objects.image[objects.unit]
        self.k = objects.num_objects[objects.unit]
        self.some = (objects.num_objects > 0) & (self.sizes > 0)  # (U,)

    def _counted(self, cell: Any) -> Floats:
        """(U,): how many of an image's places are among these."""
        table = np.zeros((self.objects.image.size, self.width), bool)
        table.reshape(-1)[cell] = True
        return table.sum(1)

    def named(self, model: Predictions) -> Floats:
        """(U,): the share of the image's objects of which the model's first k labels hold one."""
        said = model.labels[self.image] == self.objects.label[:, None]
        rank = np.where(said.any(1), said.argmax(1), self.k)
        return self._counted(self.cell[rank < self.k]) / np.maximum(self.sizes, 1)


def _has_likely_label(study: Study) -> Bools:
    """(N,): whether a label that workers were shown has a posterior above one half."""
    contains = study.frequencies
    likely = (contains.posterior > 0.5) & (contains.shown > 0)
    return np.bincount(contains.image[likely], minlength=study.n) > 0


def _real(study: Study, model: Predictions) -> Estimate:
    """Posteriors are kept without a worker, so that images alone make its interval."""
    pair = pair_of(study, model.top)
    right = (pair >= 0) & (study.frequencies.posterior[pair] > 0.5)
    counted = (model.top >= 0) & study.once(_has_likely_label)
    return ratio(right, counted, study.strata(np.ones(study.n, bool)))
