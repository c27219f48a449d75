"""R17: how many labels a worker accepts when asked one by one, and when asked together."""

import numpy as np

from annotation.report.arrays import YES, Bools, Floats, Frequencies, Ints, Study
from annotation.report.figures.cross_fitted import cross_fitted
from annotation.report.figures.figure import Figure
from annotation.report.figures.r08_labels import mean_selected, offered_pairs
from annotation.report.intervals import Estimate, Moved, ratio, summed
from annotation.report.splits import SPLITS

DEFINITION = (
    "Labels that a worker accepts on an image: the sum of selection frequencies over all candidates"
    " and over those offered in CLASSIFY, and the mean number selected there; difference_offered:"
    " the second less the third. By half: labels that at least half of the workers selected."
)
POPULATION = "followed-up images"


def r17(study: Study) -> Figure:
    """The figure; it needs both campaigns."""
    if study.contains is None or study.classify is None:
        return Figure(
            DEFINITION, POPULATION, missing="a CONTAINS and a CLASSIFY campaign with answers"
        )
    contains = study.contains
    codes = contains.image.astype(np.int64) * len(study.labels) + contains.label
    offered = np.isin(codes, study.once(offered_pairs))
    everything = np.ones(codes.size, bool)
    together, one_by_one = mean_selected(study), _sum_of_frequencies(study, offered)
    difference = _difference(study, one_by_one, together)
    x = _crossed(study, contains, offered)
    return Figure(
        DEFINITION,
        POPULATION,
        int(study.fu.sum()),
        {
            "contains_mean": _sum_of_frequencies(study, everything),
            "contains_mean_offered": one_by_one,
            "classify_mean": together,
            "difference_offered": difference,
            "cross_fitted": cross_fitted(difference, x, np.tile(study.fu, (x.shape[0], 1))),
            "contains_accepted_by_half": _accepted_in_contains(study),
            "classify_accepted_by_half": _accepted_in_classify(study),
        },
    )


def _mean(study: Study, x: Floats | Ints, moved: Moved) -> Estimate:
    return ratio(x, study.fu, study.strata(study.fu), moved, unit=False)


def _sum_of_frequencies(study: Study, counted: Bools) -> Estimate:
    """counted (P,): pairs that enter the sum."""
    contains = study.frequencies
    sf = contains.selected / np.maximum(contains.shown, 1)
    x = np.bincount(contains.image[counted], sf[counted], study.n)
    pair, image = contains.pair, contains.image[contains.pair]
    (moves,) = np.nonzero(counted[pair] & study.fu[image] & (contains.shown[pair] > 1))
    pair, said = pair[moves], contains.answer[moves] == YES
    change = (contains.selected[pair] - said) / (contains.shown[pair] - 1) - sf[pair]
    return _mean(study, x, _moved(study, moves, change))


def _moved(study: Study, answers: Ints, change: Floats) -> Moved:
    return Moved(study.contains_panel, study.contains_cell[answers], change)


def _difference(study: Study, first: Estimate, second: Estimate) -> Estimate:
    """The estimate of a difference over the same images, each of one campaign's answers."""
    assert first.panel is not None
    assert second.panel is not None
    panel = first.panel.and_(second.panel)
    cells = [
        panel.cells(each.panel.image[each.cell], each.panel.worker[each.cell])
        for each in (first, second)
        if each.panel is not None
    ]
    changes = np.concatenate([first.change, -second.change])
    cell, change = summed(panel, np.concatenate(cells), changes)
    value = None
    if first.value is not None and second.value is not None:
        value = first.value - second.value
    return Estimate(
        value,
        first.effect - second.effect,
        first.stratum,
        first.images,
        first.n,
        panel,
        cell,
        change,
        unit=False,
    )


def _accepted_in_contains(study: Study) -> Estimate:
    contains = study.frequencies
    selected, shown = contains.selected, contains.shown
    accepted = (2 * selected >= shown) & (shown > 0)
    x = np.bincount(contains.image[accepted], minlength=study.n)
    pair = contains.pair
    (moves,) = np.nonzero(study.fu[contains.image[pair]] & (shown[pair] > 1))
    pair, said = pair[moves], contains.answer[moves] == YES
    after = 2 * (selected[pair] - said) >= shown[pair] - 1
    change = after.astype(float) - accepted[pair]
    return _mean(study, x, _moved(study, moves, change))


def _accepted_in_classify(study: Study) -> Estimate:
    classify = study.responses
    width = len(study.labels)
    response = np.repeat(np.arange(classify.image.size), classify.sizes)
    label, image = classify.selected, classify.image
    m = np.bincount(image, minlength=study.n)
    codes, pair, chosen = np.unique(
        image[response].astype(np.int64) * width + label, return_inverse=True, return_counts=True
    )
    of = codes // width
    x = np.bincount(of[2 * chosen >= m[of]], minlength=study.n)
    # Without a response its labels have one vote less, and all labels of the image one voter less.
    at_least = np.bincount(of[2 * chosen >= m[of] - 1], minlength=study.n)[image]
    lost = (2 * chosen[pair] >= m[image[response]] - 1) & (
        2 * (chosen[pair] - 1) < m[image[response]] - 1
    )
    after = at_least - np.bincount(response[lost], minlength=image.size)
    (moves,) = np.nonzero(study.fu[image] & (m[image] > 1))
    change = (after - x[image])[moves].astype(float)
    return _mean(study, x, Moved(study.classify_panel, study.classify_cell[moves], change))


def _crossed(study: Study, contains: Frequencies, offered: Bools) -> Floats:
    """x (splits, N): frequencies in half B of the labels that half A would offer, summed, less the
    mean number of them that CLASSIFY's workers selected. offered (P,): in CLASSIFY.

    Labels that nobody in half B was shown are left out on both sides.
    """
    classify = study.responses
    image, width = contains.image, len(study.labels)
    codes = image.astype(np.int64) * width + contains.label
    of_response = np.repeat(classify.image, classify.sizes).astype(np.int64)
    chosen = np.zeros(codes.size)
    at = np.searchsorted(codes, of_response * width + classify.selected)
    asked = at < codes.size
    asked[asked] = codes[at[asked]] == (of_response * width + classify.selected)[asked]
    np.add.at(chosen, at[asked], 1)
    m = np.bincount(classify.image, minlength=study.n)
    in_classify = chosen / np.maximum(m[image], 1)
    (followed_up,) = np.nonzero(study.fu[image])
    candidates = _Candidates(study, contains, followed_up)
    x = np.zeros((SPLITS, study.n))
    for split, (selected, shown) in enumerate(study.contains_halves):
        would = followed_up[candidates.offered(selected[followed_up], shown[followed_up])]
        rest = contains.shown[would] - shown[would]
        would, rest = would[offered[would] & (rest > 0)], rest[offered[would] & (rest > 0)]
        sf = (contains.selected[would] - selected[would]) / rest
        x[split] = np.bincount(image[would], sf - in_classify[would], study.n)
    return x


class _Candidates:
    """Pairs (K,) of some images, in their order, from which CLASSIFY's labels are chosen."""

    def __init__(self, study: Study, contains: Frequencies, pairs: Ints) -> None:
        self.rules = study.rules
        _, self.image = np.unique(contains.image[pairs], return_inverse=True)
        self.first = np.flatnonzero(np.diff(self.image, prepend=-1))
        self.is_own = contains.label[pairs] == study.dataset_label[contains.image[pairs]]
        score = contains.score[pairs]
        self.score = np.where(np.isnan(score), -np.inf, score)

    def offered(self, selected: Ints, shown: Ints) -> Bools:
        """(K,): what the rule for CLASSIFY offers by these counts (K,) (rule G5)."""
        n = self.first.size
        sf = np.where(shown > 0, selected / np.maximum(shown, 1), 0.0)
        # What others are measured by: the dataset label, or the most selected one.
        most = np.maximum.reduceat(sf, self.first) if n else sf
        (highest,) = np.nonzero(sf == most[self.image])
        reference = np.zeros(n, int)
        reference[self.image[highest]] = highest
        (own,) = np.nonzero(self.is_own & (selected > 0))
        reference[self.image[own]] = own
        least = reference[self.image]
        p, q = self.rules.min_relative_sf.numerator, self.rules.min_relative_sf.denominator
        enough = q * selected * shown[least] >= p * selected[least] * shown
        (wanted,) = np.nonzero(self.is_own | (enough & (selected > 0)))
        # At most so many, by falling frequency, then score, then key; the dataset label always.
        order = wanted[np.lexsort([-self.score[wanted], -sf[wanted], self.image[wanted]])]
        of, is_own = self.image[order], self.is_own[order]
        sizes = np.bincount(of, minlength=n)
        place = np.arange(order.size) - (np.cumsum(sizes) - sizes)[of]
        own_place = np.full(n, -1)
        own_place[of[is_own]] = place[is_own]
        last = self.rules.max_offered - (own_place[of] >= self.rules.max_offered)
        result = np.zeros(sf.size, bool)
        result[order[(place < last) | is_own]] = True
        return result
