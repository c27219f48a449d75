"""B4: the classifiers' accuracy by what people saw, with the other classifiers as assistants."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.report.arrays import EASY, FU, GROUPS, MIS, Bools, Floats, Ints, Study
from annotation.report.figures.figure import Figure, Known
from annotation.report.figures.populations import sizes
from annotation.report.figures.r04_multi_label import question, r4
from annotation.report.intervals import Estimate, bounds, why_none

DEFINITION = (
    "Share of images whose first predicted label is a label of any object, from the images that"
    " people answered (human), and with the share of the other classifiers that say the same on all"
    " images (assisted: prediction-powered, stratified by group, lambda chosen for the least"
    " variance). effective_n: answered images that people alone would need for the same variance,"
    " workers apart. It speaks of images like the study's."
)
POPULATION = "images of fu, mis and easy with a prediction"


def b4(study: Study) -> Figure:
    """The figure; it needs CLASSIFY and predictions of two classifiers."""
    if study.classify is None or len(study.models) < 2:
        return Figure(
            DEFINITION,
            POPULATION,
            missing="a CLASSIFY campaign with answers, and predictions of two classifiers",
        )
    by_answers = study.once(r4).numbers["any_label"]
    agreement = _agreement([model.top for model in study.models.values()])
    parted = ~study.responses.parted.unparted
    models = {}
    for (name, model), f in zip(study.models.items(), agreement, strict=True):
        known = study.asked & (model.top >= 0) & parted
        y = question(study, model, "any_label").now.astype(float)
        sample = [
            _Group.of(group, known & (study.group == group), study.answered, y, f)
            for group in (FU, MIS, EASY)
        ]
        models[name] = _assisted(
            [each for each in sample if each.size], by_answers[name]["weighted"]
        )
    return Figure(DEFINITION, POPULATION, sizes(study), {"models": models})


@dataclass(frozen=True)
class _Group:
    """A group's images: `size` in all; y, f (n,) of those answered; f_all: the mean over all."""

    name: str
    size: int
    y: Floats
    f: Floats
    f_all: float

    @classmethod
    def of(cls, group: int, images: Bools, answered: Bools, y: Floats, f: Floats) -> "_Group":
        asked = images & answered
        f_all = float(f[images].mean()) if images.any() else 0.0
        return cls(GROUPS[group], int(images.sum()), y[asked], f[asked], f_all)

    @property
    def n(self) -> int:
        return self.y.size

    def variance_of_mean(self, z: Floats) -> float:
        """Of the mean of z (n,) as that of all images; 0 where all were answered."""
        if self.n == self.size:
            return 0.0
        return (1 - self.n / self.size) * float(z.var(ddof=1)) / self.n

    def covariance_of_means(self) -> float:
        """Of y and f, likewise."""
        if self.n == self.size:
            return 0.0
        return (1 - self.n / self.size) * float(np.cov(self.y, self.f)[0, 1]) / self.n


def _agreement(tops: list[Ints]) -> Floats:
    """(M, N): the share of the other classifiers that have the same first label, if it has one."""
    first = np.stack(tops)
    return ((first[:, None] == first[None]).sum(1) - 1) / (len(tops) - 1)


def _assisted(sample: list[_Group], by_answers: Estimate | None) -> dict[str, Any]:
    n = sum(group.n for group in sample)
    reason = _why_null(sample)
    if reason or by_answers is None:
        nothing = Known(None, without=reason or "no image of a group was answered")
        return {"human": nothing, "assisted": nothing, "lambda": None, "n": n, "effective_n": None}
    total = sum(group.size for group in sample)
    shares = [(group, group.size / total) for group in sample]
    covariance = sum(share**2 * group.covariance_of_means() for group, share in shares)
    variance = sum(share**2 * group.variance_of_mean(group.f) for group, share in shares)
    weight = min(1.0, max(0.0, covariance / variance)) if variance > 0 else 0.0

    def value(weight: float) -> float:
        return sum(
            share * float(group.y.mean() + weight * (group.f_all - group.f.mean()))
            for group, share in shares
        )

    mean = value(0.0)
    spread = sum(share * float(((group.y - mean) ** 2).mean()) for group, share in shares)

    def of(weight: float) -> float:
        """The variance over images like the study's."""
        return spread / total + sum(
            share**2 * group.variance_of_mean(group.y - weight * group.f) for group, share in shares
        )

    reason, parts = why_none(by_answers), by_answers.parts
    workers = max(0.0, float((parts.workers - parts.answers)[0, 0]))

    def known(weight: float) -> Known:
        cut = min(1.0, max(0.0, value(weight)))
        if reason:
            return Known(cut, without=reason)
        error = float(np.sqrt(of(weight) + workers))
        return Known(cut, bounds(cut, error, parts.groups, by_answers.n))

    return {
        "human": known(0.0),
        "assisted": known(weight),
        "lambda": weight,
        "n": n,
        "effective_n": n * of(0.0) / of(weight) if of(weight) else float(n),
    }


def _why_null(sample: list[_Group]) -> str:
    if not sample:
        return "no image belongs to a group of a CONTAINS campaign"
    for group in sample:
        if not group.n:
            return f"no image of group {group.name} was answered"
        if group.n == 1 < group.size:
            return f"one image of group {group.name} stands for several"
    if all(group.n == group.size for group in sample):
        return "all images were answered, so that none is left to foretell"
    return ""
