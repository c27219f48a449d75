"""B2: dataset labels that are likely wrong, or secondary, or not all that there is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from annotation.report.arrays import Bools, Floats, Ints, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import Question, of_population, weighted
from annotation.report.figures.r05_main_object import disagreement
from annotation.report.figures.r10_selection import pair_of
from annotation.report.intervals import Estimate, Moved, ratio
from annotation.report.without import Objects
from tasks.aggregation.fixed_point import MOST_STEPS
from tasks.aggregation.posterior import ANSWERS, expected_counts, log_probabilities

DEFINITION = (
    "wrong: the dataset label is not there; the rate is the mean of 1 less its posterior, under a"
    " prior of the dataset labels' own; listed where the posterior is below 0.05. secondary:"
    " another object is the main one, with at least half of the main votes. missing: an object"
    " other than the dataset label's, whose name at least half of the responses selected."
)
POPULATION = "wrong: images whose dataset label workers were shown; else settled images"
UNLIKELY = 0.05
FIRST_PRIOR = 0.9
STILL = 1e-9  # the prior stands when it moves by less


def b2(study: Study) -> Figure:
    """The figure; it needs a campaign: CONTAINS for `wrong`, CLASSIFY for the others."""
    if study.contains is None and study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a campaign with answers")
    rates: dict[str, Any] = {"wrong": None, "secondary": None, "missing": None}
    images: list[dict[str, Any]] = []
    if study.contains is not None and "tau" in study.fit:
        posteriors = _Posteriors(study)
        rates["wrong"] = posteriors.rate()
        images += posteriors.listed()
    if study.classify is not None:
        known = (study.dataset_label >= 0) & (study.easy | ~study.responses.parted.unparted)
        nobody = np.zeros(study.n, bool)
        for verdict, votes_of in {"secondary": _for_main, "missing": _for_another}.items():
            now = votes_of(study, study.objects, 0)
            asked = Question(now.won, votes_of(study, study.without, 1).won, nobody, known)
            rates[verdict] = {
                "settled": of_population(study, asked, study.settled),
                "weighted": weighted(study, asked),
            }
            images += now.listed(study, verdict, study.fu & known)
    return Figure(DEFINITION, POPULATION, study.n, {"rates": rates, "images": images})


class _Posteriors:
    """Posteriors of the dataset labels that workers were shown, under a prior of their own.

    image, pair, p (K,). They follow from tau and from how each worker answers where a label is
    present and where it is absent, which the run's posteriors determine (rule A1).
    """

    def __init__(self, study: Study) -> None:
        self.study, contains = study, study.frequencies
        pairs = pair_of(study, study.dataset_label)
        self.image = np.flatnonzero(pairs >= 0)
        self.pair = pairs[self.image]
        posterior = contains.posterior[contains.pair]
        counts = expected_counts(contains.worker, contains.answer, posterior, len(study.workers))
        absent, present = log_probabilities(counts).reshape(2, -1)
        code = contains.worker.astype(np.int64) * ANSWERS + contains.answer
        self.says = (study.fit["tau"] * (present - absent))[code]  # (A,): for the label
        self.odds = np.bincount(contains.pair, self.says, contains.image.size)[self.pair]
        self.prior = FIRST_PRIOR
        for _ in range(MOST_STEPS if self.pair.size else 0):
            before, self.prior = self.prior, float(self.posterior(self.odds).mean())
            if abs(self.prior - before) < STILL:
                break
        self.p = self.posterior(self.odds)

    def posterior(self, odds: Floats) -> Floats:
        """By the log odds that the answers alone give."""
        return expit(logit(self.prior) + odds)

    def rate(self) -> Estimate:
        """The mean of 1 - p. Without a worker tau, the prior and the others' habits stay."""
        study, contains = self.study, self.study.frequencies
        place = np.full(contains.image.size, -1)
        place[self.pair] = np.arange(self.pair.size)
        (answers,) = np.nonzero((place[contains.pair] >= 0) & (contains.shown[contains.pair] > 1))
        at = place[contains.pair[answers]]
        change = self.p[at] - self.posterior(self.odds[at] - self.says[answers])
        moved = Moved(study.contains_panel, study.contains_cell[answers], change)
        x, judged = np.zeros(study.n), np.zeros(study.n, bool)
        x[self.image], judged[self.image] = 1 - self.p, True
        return ratio(x, judged, study.strata(np.ones(study.n, bool)), moved)

    def listed(self) -> list[dict[str, Any]]:
        contains = self.study.frequencies
        (unlikely,) = np.nonzero(self.p < UNLIKELY)
        ranked = unlikely[np.argsort(self.p[unlikely], kind="stable")]
        return [
            _row(
                self.study,
                int(self.image[at]),
                "wrong",
                posterior=float(self.p[at]),
                selected=int(contains.selected[self.pair[at]]),
                shown=int(contains.shown[self.pair[at]]),
                instead=self._instead(int(self.image[at]), int(self.pair[at])),
            )
            for at in ranked.tolist()
        ]

    def _instead(self, image: int, own: int) -> dict[str, Any] | None:
        """The other label that workers select most often, of equals the first; if any."""
        contains = self.study.frequencies
        pairs = np.arange(*np.searchsorted(contains.image, [image, image + 1]))
        pairs = pairs[(contains.selected[pairs] > 0) & (pairs != own)]
        if not pairs.size:
            return None
        best = pairs[np.argmax(contains.selected[pairs] / contains.shown[pairs])]
        return {
            "label": self.study.labels[contains.label[best]],
            "selected": int(contains.selected[best]),
            "shown": int(contains.shown[best]),
        }


@dataclass(frozen=True)
class _Votes:
    """Votes for an object of each of U images: `votes` of `of`; label: the object's name.

    stands (U,) bool: there is such an object.
    """

    stands: Bools
    label: Ints
    votes: Ints
    of: Ints

    @property
    def won(self) -> Bools:
        """(U,): at least half of the votes."""
        return self.stands & (2 * self.votes >= self.of)

    def listed(self, study: Study, verdict: str, population: Bools) -> list[dict[str, Any]]:
        """By falling share. These votes are of all N images."""
        (images,) = np.nonzero(self.won & population)
        share = self.votes[images] / self.of[images]
        order = np.argsort(-share, kind="stable")
        return [
            _row(
                study,
                image,
                verdict,
                object=study.labels[self.label[image]],
                votes=int(self.votes[image]),
                of=int(self.of[image]),
                share=part,
            )
            for image, part in zip(images[order].tolist(), share[order].tolist(), strict=True)
        ]


def _row(study: Study, image: int, verdict: str, **evidence: Any) -> dict[str, Any]:
    own = {"dataset_label": study.labels[study.dataset_label[image]]}
    return {"image": study.images[image], "verdict": verdict, "evidence": own | evidence}


def _for_main(study: Study, objects: Objects, left_out: int) -> _Votes:
    """Main votes for the main object, where it is another than the dataset label's."""
    apart = disagreement(study)
    stands = apart.without if left_out else apart.now
    assert stands is not None
    main = objects.place == objects.main_object[objects.unit]
    votes = np.bincount(objects.unit[main], objects.votes[main], objects.image.size).astype(int)
    name = np.full(objects.image.size, -1)
    name[objects.unit[main]] = objects.name[main]
    named = study.responses.main >= 0
    of = np.bincount(study.responses.image[named], minlength=study.n)[objects.image]
    return _Votes(stands, name, votes, of - named if left_out else of)


def _for_another(study: Study, objects: Objects, left_out: int) -> _Votes:
    """Selections of the name most often selected among objects other than the dataset label's."""
    another = (
        (objects.name == objects.label)  # one row for each object
        & (objects.place != objects.dataset_object[objects.unit])
        & (objects.num_objects > 0)[objects.unit]
    )
    (rows,) = np.nonzero(another)
    ranked = rows[np.lexsort([objects.label[rows], -objects.chosen[rows], objects.unit[rows]])]
    first = ranked[np.diff(objects.unit[ranked], prepend=-1) != 0]
    votes, name = np.zeros(objects.image.size, int), np.full(objects.image.size, -1)
    votes[objects.unit[first]], name[objects.unit[first]] = (
        objects.chosen[first],
        objects.label[first],
    )
    of = np.bincount(study.responses.image, minlength=study.n)[objects.image] - left_out
    return _Votes(name >= 0, name, votes, of)
