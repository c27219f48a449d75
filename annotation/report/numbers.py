"""The numbers of a study, as pure functions on arrays.

Images are rows 0 to N - 1. Labels are whole numbers from 0, and -1 stands for no label. The rules
are those of docs/rules.md, part T (totals of a study).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Share:
    """`count` of `n`; `share` is None if n = 0."""

    count: int
    n: int

    @property
    def share(self) -> float | None:
        return self.count / self.n if self.n else None

    def __str__(self) -> str:
        return f"{100 * self.count / self.n:.1f} %" if self.n else "-"


@dataclass
class Accuracy:
    """A classifier's accuracy over "all" counted images, those with one object ("single") and
    those with more ("multi") (rule T3)."""

    classifier: str
    top1: dict[str, Share] = field(default_factory=dict)  # its first label is the dataset label
    multi_label: dict[str, Share] = field(default_factory=dict)  # ... is a label of any object


@dataclass(frozen=True)
class Objects:
    """The objects of N images.

    counted (N,): how many objects an image has, -1 if the study cannot say.
    parted (N,) bool: whether the labels of the objects are known.
    image, label (M,): one entry for each label of an object of `image`.
    """

    counted: Ints
    parted: Bools
    image: Ints
    label: Ints


def rivalled(
    image: Ints, is_dataset_label: Bools, selected: Ints, shown: Ints, min_judgments: int
) -> Share:
    """Images on which another label's SF >= the dataset label's, of those whose dataset label
    `min_judgments` workers saw and any selected (rule T2): `amb` and `mis` images are left out.

    All arrays (P,): one entry for each pair. The frequencies selected / shown are compared as
    exact fractions, so that ties count.
    """
    dataset_pair = np.full(image.max(initial=-1) + 1, -1)
    (own,) = np.nonzero(is_dataset_label & (shown >= min_judgments) & (selected > 0))
    dataset_pair[image[own]] = own
    (rival,) = np.nonzero((shown > 0) & ~is_dataset_label)
    rival = rival[dataset_pair[image[rival]] >= 0]
    own = dataset_pair[image[rival]]
    at_least = selected[rival] * shown[own] >= selected[own] * shown[rival]
    return Share(np.unique(image[rival[at_least]]).size, int((dataset_pair >= 0).sum()))


def settled_objects(
    num_objects: Ints, parted: Bools, image: Ints, label: Ints, easy: Bools, dataset_label: Ints
) -> Objects:
    """The objects that count: those found in CLASSIFY, and the dataset label's alone on an `easy`
    image, asked or not (rule T1).

    num_objects (N,): CLASSIFY's number, -1 without an answer. parted (N,), image (M,), label (M,):
    its labels, as in Objects. easy (N,) bool. dataset_label (N,).
    """
    (labelled,) = np.nonzero(easy & (dataset_label >= 0))
    found = ~easy[image]
    return Objects(
        np.where(easy, 1, num_objects),
        easy | (parted & (num_objects >= 0)),
        np.concatenate([image[found], labelled]),
        np.concatenate([label[found], dataset_label[labelled]]),
    )


def multi_object(counted: Ints) -> Share:
    """Images with more than one object, of all counted (rule T2). counted (N,): as in Objects."""
    return Share(int((counted > 1).sum()), int((counted >= 0).sum()))


def multi_object_truth(counted: Ints, true_objects: Ints) -> Share:
    """The same share by a known truth, over the same images. true_objects (N,): their number."""
    return Share(int((true_objects[counted >= 0] > 1).sum()), int((counted >= 0).sum()))


def disagreements(num_objects: Ints, main_object: Ints, dataset_object: Ints) -> Share:
    """Images whose main object is not the dataset label's, of those with more than one object, one
    of them the dataset label's (rules O5 and T2).

    num_objects (N,): CLASSIFY's number, -1 without an answer. main_object, dataset_object (N,):
    positions among the objects, -1 for none.
    """
    compared = (num_objects > 1) & (dataset_object >= 0)
    return Share(int((compared & (main_object != dataset_object)).sum()), int(compared.sum()))


def accuracy(classifier: str, top: Ints, dataset_label: Ints, objects: Objects) -> Accuracy:
    """A classifier's top-1 and multi-label accuracy (rule T3), over the images it predicted; the
    second over those of them whose objects' labels are known.

    top (N,): its first label on each image, -1 without a prediction. dataset_label (N,).
    """
    size = 1 + max(top.max(initial=0), objects.label.max(initial=0))
    in_object = np.isin(
        np.arange(top.size) * size + top, objects.image * size + objects.label
    )  # only read where top >= 0
    result = Accuracy(classifier)
    for split, images in (
        ("all", objects.counted >= 0),
        ("single", objects.counted == 1),
        ("multi", objects.counted > 1),
    ):
        known = images & (top >= 0)
        result.top1[split] = Share(int((known & (top == dataset_label)).sum()), int(known.sum()))
        known &= objects.parted
        result.multi_label[split] = Share(int((known & in_object).sum()), int(known.sum()))
    return result
