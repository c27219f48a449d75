"""R12: how well the classifiers, and the workers themselves, foretell the main object."""

from dataclasses import replace

import numpy as np

from annotation.report.arrays import Bools, Ints, Predictions, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import (
    Question,
    not_predicted,
    of_population,
    sizes,
    spread,
)
from annotation.report.figures.r08_labels import offered_pairs
from annotation.report.intervals import Estimate, Moved, ratio
from annotation.report.splits import SPLITS
from annotation.report.without import Objects, Votes

DEFINITION = (
    "Share of images whose first predicted label is a label of the main object (main_object), or"
    " the main label (main_label); on an easy image: the dataset label. A label that no worker was"
    " offered counts as wrong. human_line: share of responses whose main label is the most frequent"
    " one of the image's other responses. split_half: share of images of which two halves of the"
    " workers have the same main label (mean over 20 splits). restricted_to_offered: main_label"
    " with a classifier held to the labels that workers were offered."
)
POPULATION = (
    "settled images with a prediction; human_line: followed-up ones of two responses or more"
)


def r12(study: Study) -> Figure:
    """The figure; it needs CLASSIFY."""
    if study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers")
    multi = (study.num_objects > 1, study.without.num_objects > 1)
    agreement = _agreement(study.responses.image, study.responses.main + 1)
    return Figure(
        DEFINITION,
        POPULATION,
        sizes(study),
        {
            "main_object": {
                name: spread(study, _main_object(study, model))
                for name, model in study.models.items()
            },
            "main_label": {
                name: spread(study, main_label(study, model))
                for name, model in study.models.items()
            },
            "restricted_to_offered": {
                name: _restricted(study, model) for name, model in study.models.items()
            },
            "not_predicted": not_predicted(study),
            "human_line": human_line(study, agreement),
            "human_line_multi": human_line(study, agreement, multi),
            "split_half": split_half(study),
            "fu_not_answered": study.fu_not_answered,
        },
    )


def main_label(study: Study, model: Predictions) -> Question:
    """Whether the first label is the image's main label."""

    def right(objects: Objects) -> Bools:
        return (objects.main_label == model.top[objects.image]) & (objects.main_label >= 0)

    easy = model.top == study.dataset_label
    return Question(right(study.objects), right(study.without), easy, model.top >= 0)


def _main_object(study: Study, model: Predictions) -> Question:

    def right(objects: Objects) -> Bools:
        main = objects.place == objects.main_object[objects.unit]
        return objects.any_row(main & (objects.label == model.top[objects.image][objects.unit]))

    known = (model.top >= 0) & (study.easy | ~study.responses.parted.unparted)
    easy = model.top == study.dataset_label
    return Question(right(study.objects), right(study.without), easy, known)


def _restricted(study: Study, model: Predictions) -> dict[str, Estimate | int]:
    """Main-label accuracy of the highest scored label among those offered."""
    top = _top_offered(study, model)
    count, without = study.num_objects, study.without.num_objects
    asked = main_label(study, replace(model, labels=top[:, None]))
    return {
        "fu": of_population(study, asked, study.fu),
        "multi": of_population(study, asked, study.fu, (count > 1, without > 1)),
        "single": of_population(study, asked, study.fu, (count == 1, without == 1)),
        "none_offered": int((study.fu & (model.top >= 0) & (top < 0)).sum()),
    }


def _top_offered(study: Study, model: Predictions) -> Ints:
    """(N,): by logits, or else the first of the stored labels that was offered; -1 if none was."""
    pairs = study.once(offered_pairs)
    width = len(study.labels)
    image, label = pairs // width, pairs % width
    if model.logits is not None:
        image, label = image[model.top[image] >= 0], label[model.top[image] >= 0]
        ranked = np.lexsort([label, -model.logits[image, label], image])
        model.let_go()
    else:
        stored = model.labels[image] == label[:, None]
        image, label, place = image[stored.any(1)], label[stored.any(1)], stored.argmax(1)
        ranked = np.lexsort([place[stored.any(1)], image])
    best = ranked[np.diff(image[ranked], prepend=-1) != 0]
    top = np.full(study.n, -1)
    top[image[best]] = label[best]
    return top


def split_half(study: Study) -> Estimate:
    """How often two halves of a followed-up image's workers have the same main label."""
    image, value = study.responses.image, study.responses.main + 1
    m = np.bincount(image, minlength=study.n)
    counted = study.fu & (m > 1)
    x, change = np.zeros(study.n), np.zeros(image.size)
    for half in study.classify_halves:
        unit = 2 * image + half
        votes = Votes(unit, value, 2 * study.n)
        main = votes.most_frequent.reshape(-1, 2)
        same = main[:, 0] == main[:, 1]
        x += same
        without = votes.without_each
        other = main[image, 1 - half]
        change += np.where(without < 0, 0, (without == other).astype(float) - same[image])
    (moves,) = np.nonzero(counted[image])
    moved = Moved(study.classify_panel, study.classify_cell[moves], change[moves] / SPLITS)
    return ratio(x / SPLITS, counted, study.strata(study.fu), moved)


def human_line(
    study: Study, agreement: tuple[Bools, Ints], among: tuple[Bools, Bools] | None = None
) -> Estimate:
    """How many responses agree with the others of their image, of equals with the first seen.

    "None of these" is a main label of its own. `agreement`: as `_agreement` gives it. `among`:
    (N,), (R,): only images of which this holds, and whether it would hold without each response.
    """
    image = study.responses.image
    agrees, agreeing_without = agreement
    inside, inside_without = among or (np.ones(study.n, bool), np.ones(image.size, bool))
    m = np.bincount(image, minlength=study.n)
    counted = study.fu & (m > 1)
    d = np.where(counted & inside, m, 0)
    x = np.where(counted & inside, np.bincount(image, agrees, study.n), 0)
    # Without one response what is left stands for as many as before.
    (moves,) = np.nonzero(counted[image] & (m[image] > 2))
    at = image[moves]
    factor = m[at] / (m[at] - 1)
    x_after = np.where(inside_without[moves], agreeing_without[moves] * factor, 0)
    d_after = np.where(inside_without[moves], m[at], 0)
    cell = study.classify_cell[moves]
    moved = Moved(study.classify_panel, cell, x_after - x[at], d_after - d[at])
    return ratio(x, d, study.strata(study.fu), moved)


def _agreement(image: Ints, value: Ints) -> tuple[Bools, Ints]:
    """(R,) each: whether a response's value is the most frequent of the others on its image, and
    how many of the others would be that, were the response not there.

    Responses are in order of image, then of submission; among equals the first seen counts.
    """
    n = image.size
    width = int(value.max(initial=0)) + 1
    codes, group, count = np.unique(
        image.astype(np.int64) * width + value, return_inverse=True, return_counts=True
    )
    # Where each group's value comes first, second and third; n: never.
    order = np.argsort(group, kind="stable")
    begin = np.cumsum(count) - count
    seen = np.full((codes.size, 3), n)
    for time in range(3):
        again = count > time
        seen[again, time] = order[begin[again] + time]

    def strongest(first: Ints, second: Ints) -> Bools:
        """Whether the value of `first` is the most frequent without both responses (K,)."""
        of_image = codes // width
        low = np.searchsorted(of_image, image[first])
        each = np.searchsorted(of_image, image[first], "right") - low
        case = np.repeat(np.arange(first.size), each)
        rival = np.arange(case.size) - np.repeat(np.cumsum(each) - each, each) + low[case]
        gone = np.stack([first[case], second[case]], 1)
        gone[gone[:, 0] == gone[:, 1], 1] = -1
        left = count[rival] - (group[gone] == rival[:, None]).sum(1, where=gone >= 0)
        places = seen[rival]
        free = ~(places[:, :, None] == gone[:, None, :]).any(2)
        earliest = np.take_along_axis(places, free.argmax(1)[:, None], 1)[:, 0]
        score = left * (n + 1) - earliest  # of equally frequent ones the first seen
        score[left == 0] = -n - 1
        best = np.maximum.reduceat(score, np.cumsum(each) - each) if case.size else score
        return (score == best[case])[rival == group[first][case]] & (left > 0)[
            rival == group[first][case]
        ]

    every = np.arange(n)
    agrees = strongest(every, every)
    m = np.bincount(image, minlength=int(image.max(initial=0)) + 1)[image]
    start = np.searchsorted(image, image)
    left_out = np.repeat(every, m)
    other = np.arange(left_out.size) - np.repeat(np.cumsum(m) - m, m) + start[left_out]
    kept = other != left_out
    left_out, other = left_out[kept], other[kept]
    return agrees, np.bincount(left_out[strongest(other, left_out)], minlength=n)
