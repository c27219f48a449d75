"""The objects of images by all their responses, and by all but one: what each response decides.

Found anew are votes, number of objects, main label, main object and the names of objects; the
partition of labels is kept (rule T6).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from annotation.report.arrays import Responses

Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
NONE = -1


@dataclass(frozen=True)
class Objects:
    """The objects of U images, or of images without one of their responses; -1: none.

    image (U,). num_objects (U,): -1 where there is no response. main_label (U,). main_object,
    dataset_object (U,): places in the partition. unit, place, label, chosen, votes, name (E,): a
    row for each label of an object of an image: how many responses chose it, how many named it
    main, and the name of its object.
    """

    image: Ints
    num_objects: Ints
    main_label: Ints
    main_object: Ints
    dataset_object: Ints
    unit: Ints
    place: Ints
    label: Ints
    chosen: Ints
    votes: Ints
    name: Ints

    def any_row(self, rows: Bools) -> Bools:
        """(U,): whether any of an image's rows is one of these (E,)."""
        return np.bincount(self.unit[rows], minlength=self.image.size) > 0


def objects_of(responses: "Responses", dataset_label: Ints) -> Objects:
    """The objects of each of N images by all its responses. dataset_label (N,)."""
    n = dataset_label.size
    num_objects = Votes(responses.image, responses.sizes, n).most_frequent
    main_label = Votes(responses.image, responses.main, n).most_frequent
    images = np.arange(n)
    return _objects(responses, dataset_label, images, np.full(n, NONE), num_objects, main_label)


def objects_without_each(responses: "Responses", dataset_label: Ints) -> Objects:
    """The objects of each response's image without that response. dataset_label (N,)."""
    n = dataset_label.size
    num_objects = Votes(responses.image, responses.sizes, n).without_each
    main_label = Votes(responses.image, responses.main, n).without_each
    left_out = np.arange(responses.image.size)
    return _objects(responses, dataset_label, responses.image, left_out, num_objects, main_label)


def _objects(
    responses: "Responses",
    dataset_label: Ints,
    image: Ints,
    left_out: Ints,
    num_objects: Ints,
    main_label: Ints,
) -> Objects:
    """image, left_out (U,): the images, and the response that each does without, or -1."""
    n, parted = dataset_label.size, responses.parted
    unit, entry = _joined(image, parted.image, n)
    label, place = parted.label[entry], parted.place[entry]
    selected = responses.selected
    width = 1 + max(int(each.max(initial=0)) for each in (parted.label, selected, main_label))
    of_response = np.repeat(np.arange(responses.image.size), responses.sizes)
    picked = np.sort(of_response * width + selected)
    of_image = np.sort(responses.image[of_response].astype(np.int64) * width + selected)
    named = responses.main >= 0
    mains = np.sort(responses.image[named].astype(np.int64) * width + responses.main[named])

    code = image[unit].astype(np.int64) * width + label
    absent = left_out[unit]
    chosen = _count(of_image, code) - _count(picked, absent * width + label)
    votes = _count(mains, code) - ((absent >= 0) & (responses.main[absent] == label))

    places = int(place.max(initial=0)) + 1
    objects = unit * places + place  # a number for each object of each unit
    ranked = np.lexsort([label, -chosen, objects])
    numbers, first = np.unique(objects[ranked], return_index=True)
    names = label[ranked][first]
    number = np.searchsorted(numbers, objects)
    main_votes = np.bincount(number, votes, minlength=numbers.size)
    by_votes = np.lexsort([names, -main_votes, numbers // places])
    units, first = np.unique((numbers // places)[by_votes], return_index=True)
    there = num_objects > 0
    main_object, dataset_object = np.full((2, image.size), NONE)
    main_object[units] = (numbers % places)[by_votes][first]
    own = (label == dataset_label[image[unit]]) & (chosen > 0)
    dataset_object[unit[own]] = place[own]
    return Objects(
        image,
        num_objects,
        np.where(there, main_label, NONE),
        np.where(there, main_object, NONE),
        np.where(there, dataset_object, NONE),
        unit,
        place,
        label,
        chosen,
        votes,
        names[number],
    )


def _joined(image: Ints, other: Ints, n_images: int) -> tuple[Ints, Ints]:
    """(units, entries): each unit of `image` with each entry of `other` on the same image."""
    order = np.argsort(other, kind="stable")
    counts = np.bincount(other, minlength=n_images)
    begin = np.cumsum(counts) - counts
    each = counts[image]
    unit = np.repeat(np.arange(image.size), each)
    offset = np.arange(unit.size) - np.repeat(np.cumsum(each) - each, each)
    return unit, order[begin[image[unit]] + offset]


def _count(codes: Ints, wanted: Ints) -> Ints:
    """How often each wanted code is among these, which are sorted."""
    return np.searchsorted(codes, wanted, "right") - np.searchsorted(codes, wanted, "left")


class Votes:
    """Votes counted by unit and value: a group for each pair that occurs.

    unit, value (n,), in order; a value of -1 is no vote. group (n,): of each vote, -1 for none.
    best, second (n_units,): groups, -1 if there is none.
    value, count, first, next (G + 1,): how often, and where first and a second time (n if never);
    the last entry, which -1 leads to, stands for no group.
    """

    def __init__(self, unit: Ints, value: Ints, n_units: int) -> None:
        n, given = unit.size, value >= 0
        self.unit = unit
        width = int(value.max(initial=0)) + 1
        codes, number, count = np.unique(
            unit[given].astype(np.int64) * width + value[given],
            return_inverse=True,
            return_counts=True,
        )
        self.group = np.full(n, NONE)
        self.group[given] = number
        at = np.flatnonzero(given)[np.argsort(number, kind="stable")]
        begin = np.cumsum(count) - count
        self.value = np.append(codes % width, NONE)
        self.count = np.append(count, 0)
        self.first = np.append(at[begin], n)
        self.next = np.full(codes.size + 1, n)
        several = np.flatnonzero(count > 1)
        self.next[several] = at[begin[several] + 1]

        ranked = np.lexsort([self.first[:-1], -count, codes // width])
        of = (codes // width)[ranked]
        leads = np.diff(of, prepend=NONE) != 0
        follows = ~leads & np.append(False, leads[:-1])
        self.best, self.second = np.full((2, n_units), NONE)
        self.best[of[leads]] = ranked[leads]
        self.second[of[follows]] = ranked[follows]

    @property
    def most_frequent(self) -> Ints:
        """(n_units,): the most frequent value of each unit; of equals the one that comes first.

        -1 for a unit without a vote.
        """
        return self.value[self.best]

    @property
    def without_each(self) -> Ints:
        """(n,): the same for each vote's unit, when that vote is left out."""
        own, best = self.group, self.best[self.unit]
        other = np.where(best == own, self.second[self.unit], best)  # its value's strongest rival
        count, first = self.count[own] - 1, self.first[own]
        first = np.where(first == np.arange(own.size), self.next[own], first)
        ahead = (count > self.count[other]) | (
            (count == self.count[other]) & (first < self.first[other])
        )
        stays = (count > 0) & ((other < 0) | ahead)
        return self.value[np.where(own < 0, best, np.where(stays, own, other))]
