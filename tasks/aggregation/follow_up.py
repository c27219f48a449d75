"""From CONTAINS to CLASSIFY: which images are asked about, and which labels are offered."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .groups import GROUPS, exact_share


class Candidate(NamedTuple):
    """A label that may be offered for an image."""

    label: str
    selected: int = 0
    """Workers who selected it in CONTAINS."""
    shown: int = 0
    """Workers who were shown it in CONTAINS."""
    score: float | None = None
    """The best score that a model gives it; None if no model names it."""
    models: int = 0
    """Number of models that name it."""
    is_dataset_label: bool = False


def labels_to_offer(
    candidates: Sequence[Candidate],
    *,
    max_offered: int = 6,
    min_relative_sf: float | str | Fraction = 0.5,
) -> list[str]:
    """The labels offered for an image, given its counts from CONTAINS (rule G5).

    The dataset label, always; and each candidate whose SF is at least `min_relative_sf` of the
    dataset label's SF, or of the highest SF where the dataset label's is 0 or missing. A label
    with SF 0 is not offered unless it is the dataset label. At most `max_offered` in all, by
    falling SF, ties by falling score, then by key; the result is in that order, and empty if there
    is nothing to offer. Comparisons are exact.

    Raises ValueError if two candidates are dataset labels or a label comes twice.
    """
    own = _dataset_label(candidates)
    sf = {c.label: Fraction(c.selected, c.shown) for c in candidates if c.shown}
    reference = sf.get(own.label, Fraction(0)) if own else Fraction(0)
    if not reference:
        reference = max(sf.values(), default=Fraction(0))
    least = exact_share(min_relative_sf) * reference
    wanted = [
        c
        for c in candidates
        if c is own or (sf.get(c.label, Fraction(0)) > 0 and sf[c.label] >= least)
    ]
    wanted.sort(key=lambda c: (-sf.get(c.label, Fraction(0)), _falling(c.score), c.label))
    return _at_most(wanted, max_offered, own)


def labels_without_source(candidates: Sequence[Candidate], *, max_offered: int = 6) -> list[str]:
    """The labels offered for an image without a CONTAINS campaign before (rule G6).

    All candidates, at most `max_offered`: by falling number of models that name them, then by
    falling score, then by key, in that order. The dataset label is always among them.
    """
    own = _dataset_label(candidates)
    ranked = sorted(candidates, key=lambda c: (-c.models, _falling(c.score), c.label))
    return _at_most(ranked, max_offered, own)


def _dataset_label(candidates: Sequence[Candidate]) -> Candidate | None:
    if len({c.label for c in candidates}) < len(candidates):
        raise ValueError("an image has the same candidate label twice")
    own = [c for c in candidates if c.is_dataset_label]
    if len(own) > 1:
        raise ValueError(f"an image has two dataset labels: {own[0].label} and {own[1].label}")
    return own[0] if own else None


def _falling(score: float | None) -> float:
    return float("inf") if score is None or score != score else -score


def _at_most(ranked: list[Candidate], most: int, own: Candidate | None) -> list[str]:
    if most < 1:
        raise ValueError(f"at least one label must be offered, not {most}")
    kept = ranked[:most]
    if own is not None and own not in kept:
        kept[-1] = own
    return [c.label for c in kept]


class Sample(NamedTuple):
    """Which images are asked; both of shape (n_images,)."""

    asked: NDArray[np.bool_]
    probability: NDArray[np.float64]
    """Each image's probability of being asked about: its weight is the inverse."""


def sample_groups(
    groups: ArrayLike, follow_up: Mapping[str, float] | Literal["all"], seed: int = 0
) -> Sample:
    """Draw the images that CLASSIFY asks about, a share of each group (rule G4).

    `groups`: strings of shape (n_images,) (see groups.py). `follow_up`: the share of each group,
    0 to 1; a group that is not named is not asked. "all": every image.
    From a group of n images it draws a simple random sample of round(share x n), at least one if
    the share is above 0; each image's probability is that number / n.

    The draw depends on the seed, the order of the images and the group alone: changing one group's
    share leaves the other groups as they were, and a larger share contains the smaller.
    Raises ValueError for an unknown group or a share outside 0 to 1.
    """
    groups = np.asarray(groups, str)
    asked = np.zeros(groups.shape, bool)
    probability = np.zeros(groups.shape, np.float64)
    shares = dict.fromkeys(GROUPS, 1.0) if isinstance(follow_up, str) else dict(follow_up)
    if isinstance(follow_up, str) and follow_up != "all":
        raise ValueError(f'follow_up is "all" or a share per group, not "{follow_up}"')
    for group, share in shares.items():
        if group not in GROUPS:
            raise ValueError(f'unknown group "{group}": the groups are {", ".join(GROUPS)}')
        if not 0 <= share <= 1:
            raise ValueError(f"the share of {group} must be between 0 and 1, not {share}")
        members = np.flatnonzero(groups == group)
        if not members.size or not share:
            continue
        size = max(1, round(Fraction(str(share)) * members.size))
        order = np.random.default_rng([seed, GROUPS.index(group)]).permutation(members)
        asked[order[:size]] = True
        probability[members] = size / members.size
    return Sample(asked, probability)
