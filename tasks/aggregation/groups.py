"""Groups of images after CONTAINS: those with one evident object, those that need a second look."""

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

GROUPS = ("amb", "mis", "easy", "fu")
AMB, MIS, EASY, FU = GROUPS


def exact_share(value: float | str | Fraction) -> Fraction:
    """The share exactly as written: 0.6 is 3/5, not the nearest binary number.

    Raises ValueError unless it is above 0.
    """
    share = value if isinstance(value, Fraction) else Fraction(str(value))
    if share <= 0:
        raise ValueError(f"a share of a selection frequency must be above 0, not {value}")
    return share


def reaches(
    selected: ArrayLike,
    shown: ArrayLike,
    reference_selected: ArrayLike,
    reference_shown: ArrayLike,
    share: float | str | Fraction,
) -> NDArray[np.bool_]:
    """Where selected / shown >= share x reference_selected / reference_shown, exactly.

    Arrays of one shape, counts of workers. Both sides are multiplied out to integers: in
    floating point 1/3 of 3/4 is not 1/4. False wherever nobody was shown the pair or the
    reference.
    """
    part = exact_share(share)
    selected, shown, reference_selected, reference_shown = (
        np.asarray(counts, np.int64)
        for counts in (selected, shown, reference_selected, reference_shown)
    )
    most = max((int(a.max()) for a in (shown, reference_shown) if a.size), default=0)
    left, right = selected * reference_shown, reference_selected * shown
    if max(part.numerator, part.denominator) * most * most >= 2**63:
        left, right = left.astype(object), right.astype(object)
    enough = left * part.denominator >= right * part.numerator
    return enough.astype(bool) & (shown > 0) & (reference_shown > 0)


def image_groups(
    image: ArrayLike,
    is_dataset_label: ArrayLike,
    selected: ArrayLike,
    shown: ArrayLike,
    n_images: int,
    *,
    min_judgments: int,
    min_relative_sf: float | str | Fraction = 0.5,
    has_dataset_label: ArrayLike | None = None,
) -> NDArray[np.str_]:
    """The group of each image (rules G1 to G3), tested in this order:

    - "amb": fewer than `min_judgments` workers were shown the pair with the dataset label;
    - "mis": no worker selected the dataset label;
    - "easy": no other label reaches `min_relative_sf` of the dataset label's SF;
    - "fu" (follow-up): all others.

    An image without a dataset label is "fu" if any of its labels was selected, else "amb".

    `image`, `is_dataset_label`, `selected`, `shown`: flat arrays with one entry per pair, in any
    order: index of the image (0 to n_images - 1), whether the label is the image's dataset label,
    and the counts of workers (see frequencies.py).
    `has_dataset_label`: bools of shape (n_images,), for images whose dataset label is in no pair
    (judgments collected elsewhere may lack it: nobody was shown it, so "amb"); by default an
    image has one if one of its pairs says so.

    Returns strings of shape (n_images,). Raises ValueError if an image has two dataset labels.
    Source: the groups and their names are those of the data release of Tsipras et al. 2020.
    """
    image = np.asarray(image, np.int64)
    own = np.asarray(is_dataset_label, bool)
    selected = np.asarray(selected, np.int64)
    shown = np.asarray(shown, np.int64)
    own_pairs = np.bincount(image[own], minlength=n_images)
    if own_pairs.size > n_images or (image.size and image.min() < 0):
        raise ValueError(f"an image index is outside 0..{n_images - 1}")
    if own_pairs.max(initial=0) > 1:
        raise ValueError(f"image {int(own_pairs.argmax())} has more than one dataset label")

    own_selected = np.zeros(n_images, np.int64)
    own_shown = np.zeros(n_images, np.int64)
    own_selected[image[own]] = selected[own]
    own_shown[image[own]] = shown[own]
    labelled = own_pairs > 0 if has_dataset_label is None else np.asarray(has_dataset_label, bool)

    rivals = ~own & reaches(selected, shown, own_selected[image], own_shown[image], min_relative_sf)
    rivalled = np.bincount(image[rivals], minlength=n_images) > 0
    anything = np.bincount(image[selected > 0], minlength=n_images) > 0
    return np.select(
        [
            ~labelled & anything,
            ~labelled | (own_shown < min_judgments),
            own_selected == 0,
            ~rivalled,
        ],
        [FU, AMB, MIS, EASY],
        default=FU,
    )
