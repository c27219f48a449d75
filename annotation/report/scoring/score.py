#!/usr/bin/env python3
"""Score a classifier by what people saw: python score.py PREDICTIONS [--out FILE.json]

It needs Python 3.9, NumPy, and the file score.npz beside it, which holds what the people of one
study answered. PREDICTIONS is a CSV with the columns image,rank,label,score: keys as in the study,
rank 1 the best; without ranks the order of the rows counts, and scores may be missing. Or it is an
.npz with the arrays logits (images x classes), images and classes; without classes they are those
of ImageNet, or the study's labels in the order of their import.

Every metric of the study's report is computed by the same rules, with its 95 % interval: printed,
and written as JSON under the names that it has in report.json. Images without a prediction are left
out and counted. A label that no worker was offered is in no object, so there it counts as wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np

STORED = 10  # labels of an image that count; the study kept as many of its classifiers
LEAST_WORKERS, LEAST_IMAGES = 10, 2  # under these there is no interval
OUTSIDE = -1  # as a stratum: an image that is not of the population
# What is known of a label of an object, as bits.
ANY, HALF, NAME, MAIN_OBJECT, DATASET_OBJECT = 1, 2, 4, 8, 16


class Bad(Exception):
    """The predictions, or the study's file, cannot be used; a line for each reason."""


# Predictions


class Predictions:
    """A classifier's labels on the study's N images, as numbers of images and labels.

    labels (N, K): best first, -1 where there are fewer. logits (N, L), -inf for labels that none of
    its classes means; None unless all images have them.
    """

    def __init__(self, labels, logits=None):
        self.labels, self.logits = labels, logits
        self.top = labels[:, 0]

    def rank(self, image, label):
        """(n,): the place, from 0, of each label among its image's; STORED where it has none."""
        said = (self.labels[image] == label[:, None]) & (label >= 0)[:, None]
        return np.where(said.any(1), said.argmax(1), STORED)


class Problems:
    """The problems of a table: of each kind the first, and how many more there are."""

    def __init__(self, file):
        self.file, self.first, self.counts = file, {}, {}

    def add(self, row, kind, text):
        self.first.setdefault(kind, f"{self.file}, row {row}: {text}")
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def raise_any(self):
        if self.first:
            lines = []
            for kind, text in self.first.items():
                more = self.counts[kind] - 1
                lines.append(f"{text} (and {more:,} more such rows)" if more else text)
            raise Bad("\n".join(lines))


def read_predictions(file, people):
    """The predictions of a CSV or an .npz archive. Raises Bad."""
    try:
        if file.suffix.lower() == ".npz":
            return read_logits(file, people)
        return read_table(file, people)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Bad(f"{file}: {getattr(error, 'strerror', None) or error}") from None


def read_table(file, people):
    """The predictions of a CSV."""
    problems = Problems(file)
    ranks: dict = {}  # image -> rank -> (label, score, row)
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        header = [str(name).strip().lower() for name in rows.fieldnames or []]
        rows.fieldnames = header
        for column in ("image", "label"):
            if header.count(column) != 1:
                raise Bad(f"{file}: it needs one column {column}; it has {', '.join(header)}")
        for number, row in enumerate(rows, 2):
            image, label = people.image.get(row["image"]), people.label.get(row["label"])
            if image is None and row["image"] not in people.others:
                problems.add(number, "image", f"the study has no image {row['image']!r}")
            elif label is None:
                problems.add(number, "label", f"the study has no label {row['label']!r}")
            else:
                place = ranks.setdefault(row["image"], {})
                _take(place, number, row, label, problems)
    for image, place in ranks.items():
        _check(image, place, problems)
    problems.raise_any()
    if not ranks:
        raise Bad(f"{file}: it has no predictions")
    labels = np.full((people.n, STORED), -1)
    for key, place in ranks.items():
        if key in people.image:
            best = [place[rank][0] for rank in sorted(place)[:STORED]]
            labels[people.image[key], : len(best)] = best
    return Predictions(labels)


def _take(place, number, row, label, problems):
    """Note a row of an image, `place` being what the rows before it said."""
    try:
        rank = int(row["rank"]) if "rank" in row else len(place) + 1
        score = float(row["score"]) if "score" in row else 0.0
    except (TypeError, ValueError):
        problems.add(number, "number", f"rank {row.get('rank')!r} or its score is no number")
        return
    if rank in place:
        said = f"{row['image']!r} has rank {rank} already in row {place[rank][2]}"
        problems.add(number, "twice", said)
    elif any(label == other for other, _, _ in place.values()):
        problems.add(number, "label twice", f"{row['image']!r} has label {row['label']!r} already")
    elif not np.isfinite(score):
        problems.add(number, "number", f"score {row['score']!r} is no number")
    else:
        place[rank] = (label, score, number)


def _check(image, place, problems):
    """Note an image whose ranks have gaps or whose scores rise."""
    ordered = sorted(place)
    number = place[ordered[-1]][2] if ordered else 0
    if ordered != list(range(1, len(ordered) + 1)):
        problems.add(number, "ranks", f"the ranks of {image!r} are not 1, 2, 3, ...")
    elif any(place[rank][1] < place[rank + 1][1] for rank in ordered[:-1]):
        problems.add(number, "scores", f"the scores of {image!r} rise with the rank")


def read_logits(file, people):
    """The predictions of an .npz archive: classes that mean one label count together."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        logits, images = arrays["logits"], arrays["images"].astype(str)
    except (KeyError, ValueError) as error:
        raise Bad(f"{file}: it needs the arrays logits and images ({error})") from None
    classes = arrays.get("classes", people.classes.get(logits.shape[-1]))
    if classes is None:
        raise Bad(f"{file}: it needs an array classes, the label key of each class")
    if logits.ndim != 2 or logits.shape != (images.size, classes.size):
        raise Bad(f"{file}: logits must be {images.size} images x {classes.size} classes")
    if not np.isfinite(logits.sum(1, dtype=float)).all():
        raise Bad(f"{file}: not all logits are numbers")
    problems = Problems(file)
    for row, key in enumerate(images.tolist()):
        if key not in people.image and key not in people.others:
            problems.add(row, "image", f"the study has no image {key!r}")
    problems.raise_any()
    if np.unique(images).size < images.size:
        raise Bad(f"{file}: an image stands in it twice")
    number = np.array([people.label.get(key, -1) for key in classes.tolist()])
    if (number < 0).all():
        raise Bad(f"{file}: none of its classes is a label of the study")
    place = np.array([people.image.get(key, -1) for key in images.tolist()])
    logits, place = logits[place >= 0], place[place >= 0]
    shares = np.exp(logits.astype(float) - logits.max(1, keepdims=True).astype(float))
    shares /= shares.sum(1, keepdims=True)
    own = list(dict.fromkeys(number[number >= 0].tolist()))  # labels, by their first class
    scores = np.stack([shares[:, number == label].sum(1) for label in own], 1)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :STORED]
    labels = np.full((people.n, STORED), -1)
    labels[place[:, None], np.arange(best.shape[1])] = np.array(own)[best]
    if place.size < people.n:
        return Predictions(labels)
    # As the study keeps those of its own classifiers.
    largest = np.finfo(np.float16).max
    logits = np.clip(logits, -largest, largest).astype(np.float16)
    kept = np.full((people.n, len(people.label)), -np.inf, np.float16)
    for column in np.flatnonzero(number >= 0).tolist():
        known = kept[place, number[column]]
        kept[place, number[column]] = np.logaddexp(known, logits[:, column])
    return Predictions(labels, kept)


# The people


class People:
    """What the people of the study answered, as score.npz holds it.

    The arrays are described in the project's annotation/report/scoring/people.py.
    """

    def __init__(self, file):
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError) as error:
            raise Bad(f"{file}: {getattr(error, 'strerror', None) or error}") from None
        self.image = {key: place for place, key in enumerate(arrays["images"].tolist())}
        self.label = {key: place for place, key in enumerate(arrays["labels"].tolist())}
        self.others = set(arrays["others"].tolist())
        self.dataset_label = arrays["dataset_label"].astype(int)
        self.classes = {
            array.size: array for name, array in arrays.items() if name.startswith("classes_")
        }
        self.t = arrays["t"]
        self.n = self.dataset_label.size
        self.everything = np.ones(self.n, bool)
        self.classify = Classify(self, arrays) if "response_image" in arrays else None
        self.contains = Contains(self, arrays) if "pair_image" in arrays else None

    def strata(self, population):
        """(N,): images of one dataset label; those alone in theirs, or without one, together."""
        label = np.where(population, self.dataset_label, -1)
        alike = np.bincount(label[label >= 0], minlength=len(self.label))
        alone = (label < 0) | (alike[label] == 1)
        return np.where(population, np.where(alone, alike.size, label), OUTSIDE)


class Panel:
    """Who answered on which images: a cell for each worker on an image, and each answer's cell."""

    def __init__(self, image, worker):
        self.workers = int(worker.max(initial=-1)) + 1
        codes, self.cell = np.unique(image * max(self.workers, 1) + worker, return_inverse=True)
        self.cell = self.cell.reshape(-1)  # NumPy 2.0.0 gave it another shape
        self.image, self.worker = codes // max(self.workers, 1), codes % max(self.workers, 1)
        self.answering = np.unique(self.worker).size


# Estimates


class Estimate:
    """A ratio sum(x) / sum(d) over images, and its 95 % interval, or why it has none.

    effect (N,): of each image on the value; change: of the cells of a panel, when the worker's
    answers on the image are left out.
    """

    def __init__(self, people, x, d, stratum, moved=None, weights=None, barred=""):
        """x, d, stratum (N,); moved: (panel, cells, changes of x, changes of d), weighted."""
        counted = d > 0
        x, d = np.where(counted, x, 0).astype(float), d.astype(float)
        if weights is not None:
            x, d = x * weights, d * weights
        total = float(d.sum())
        self.value = float(x.sum()) / total if total else None
        self.images = int(counted.sum())
        self.interval, self.without = None, ""
        workers = moved[0].answering if moved else LEAST_WORKERS
        if self.value is None:
            return
        if workers < LEAST_WORKERS:
            self.without = f"fewer than {LEAST_WORKERS} workers answered"
        elif self.images < LEAST_IMAGES:
            self.without = "one image says nothing about others"
        else:
            self.without = barred
        if self.without:
            return
        variance = between_images((x - self.value * d) / total, stratum)
        groups = self.images
        if moved:
            panel, cell, x_moved, d_moved = moved
            change = np.bincount(cell, (x_moved - self.value * d_moved) / total, panel.image.size)
            variance += max(0.0, between_workers(panel, change))
            groups = min(groups, panel.answering)
        n = total if weights is None else total**2 / float((d**2).sum())
        self.interval = bounds(self.value, variance**0.5, float(people.t[groups]), n)


def between_images(effect, stratum):
    """Over strata, n / (n - 1) times the squared deviations of effects from their mean."""
    inside = stratum != OUTSIDE
    _, number = np.unique(stratum[inside], return_inverse=True)
    number, effect = number.reshape(-1), effect[inside]
    sizes = np.bincount(number)
    means = np.where(sizes > 1, np.bincount(number, effect) / sizes, 0)
    factor = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1)
    return float(((effect - means[number]) ** 2 * factor[number]).sum())


def between_workers(panel, change):
    """The spread of what each worker changes in all, less what single answers make up of it."""
    answering = np.bincount(panel.image)
    means = np.bincount(panel.image, change) / np.maximum(answering, 1)
    change = change - means[panel.image]
    of_worker = np.bincount(panel.worker, change)
    workers = panel.answering
    return float(workers / (workers - 1) * (of_worker**2).sum() - (change**2).sum())


def bounds(value, error, t, n):
    """The interval of a share, on the logit scale; at 0 and 1 it is Wilson's, of n."""
    if value in (0.0, 1.0):
        share = t**2 / (n + t**2)
        return [0.0, share] if value == 0 else [1 - share, 1.0]
    half = t * error / (value * (1 - value))
    middle = np.log(value / (1 - value))
    ends = np.array([middle - half, middle + half])
    small = np.exp(-np.abs(ends))
    return np.where(ends < 0, small / (1 + small), 1 / (1 + small)).tolist()


# CLASSIFY


class Question:
    """What is asked of N images by R responses.

    now (N,): by all responses. without (R,): on each response's image without it, or None where no
    answer moves it. easy (N,): on an image settled in CONTAINS. known (N,): whether it counts.
    """

    def __init__(self, now, without, easy, known):
        self.now, self.without, self.easy, self.known = now, without, easy, known


class Classify:
    """The images by R responses of CLASSIFY, and what each response decides."""

    def __init__(self, people, arrays):
        self.fu, self.easy, self.unparted = arrays["fu"], arrays["easy"], arrays["unparted"]
        self.apart = arrays["apart"], arrays["response_apart"]
        self.num_objects = arrays["num_objects"].astype(int)
        self.main_label = arrays["main_label"].astype(int)
        self.entry_image = arrays["entry_image"].astype(int)
        self.entry_label = arrays["entry_label"].astype(int)
        self.entry_place = arrays["entry_place"].astype(int)
        self.flags, self.flags_without = arrays["flags"], arrays["response_flags"]
        self.image = arrays["response_image"].astype(int)
        self.num_without = arrays["response_num_objects"].astype(int)
        self.main_without = arrays["response_main_label"].astype(int)
        self.offered = arrays["offered_image"].astype(int), arrays["offered_label"].astype(int)
        self.weights = arrays["weights"] if arrays["weights"].size else None
        self.draw, self.lone_draw = arrays["draw"], str(arrays["lone_draw"])
        self.people = people
        self.settled = self.fu | self.easy
        self.counted = np.where(self.easy, 1, self.num_objects)
        self.panel = Panel(self.image, arrays["response_worker"].astype(int))
        # The entries (labels of objects) of each response's image, one after another.
        begin = np.searchsorted(self.entry_image, np.arange(people.n + 1))
        each = np.diff(begin)[self.image]
        self.of_response = np.repeat(np.arange(self.image.size), each)
        within = np.arange(self.of_response.size) - np.repeat(np.cumsum(each) - each, each)
        self.entry = np.repeat(begin[self.image], each) + within

    def having(self, flag, top):
        """(N,), (R,): whether the image's label `top` (N,) has this flag, and without each."""
        said = self.entry_label == top[self.entry_image]
        now, without = np.zeros(top.size, bool), np.zeros(self.image.size, bool)
        now[self.entry_image[said & (self.flags & flag > 0)]] = True
        without[self.of_response[said[self.entry] & (self.flags_without & flag > 0)]] = True
        return now, without

    def mean(self, asked, population, among=None):
        """The mean of a question over a population; among: (N,), (R,), as in Question."""
        people = self.people
        inside, inside_without = among or (people.everything, None)
        x = np.where(self.easy, asked.easy, asked.now)
        open_to_change = population & asked.known & ~self.easy
        d = population & asked.known & inside
        moved = None
        if asked.without is not None or inside_without is not None:
            moved = self._moved(asked, x, d, open_to_change, inside_without)
        return Estimate(people, x, d, people.strata(population), moved)

    def weighted(self, asked, among=None):
        """The mean over the groups, each answered image standing for its group; None: it cannot."""
        if self.weights is None:
            return None
        inside, inside_without = among or (self.people.everything, None)
        known = asked.known & (self.weights > 0)
        d, moved = known & inside, None
        if asked.without is not None or inside_without is not None:
            panel, cell, x, of_d = self._moved(asked, asked.now, d, known, inside_without)
            weight = self.weights[panel.image[cell]]
            moved = panel, cell, x * weight, of_d * weight
        return Estimate(
            self.people, asked.now, d, self.draw, moved, self.weights, barred=self.lone_draw
        )

    def _moved(self, asked, x, d, open_to_change, inside_without):
        moves = np.flatnonzero(open_to_change[self.image] & (self.num_without >= 0))
        image = self.image[moves]
        after = x[image] if asked.without is None else asked.without[moves]
        d_after = d[image] if inside_without is None else inside_without[moves]
        x_moved = np.where(d_after, after, 0).astype(float) - np.where(d[image], x[image], 0)
        return self.panel, self.panel.cell[moves], x_moved, d_after.astype(float) - d[image]

    def spread(self, asked):
        """A question over the populations of the report."""
        one = (self.counted == 1, self.num_without == 1)
        several = (self.counted > 1, self.num_without > 1)
        return {
            "settled": self.mean(asked, self.settled),
            "single": self.mean(asked, self.settled, one),
            "multi": self.mean(asked, self.settled, several),
            "fu": self.mean(asked, self.fu),
            "weighted": self.weighted(asked),
        }

    def main_label_question(self, top):
        now = (self.main_label == top) & (self.main_label >= 0)
        without = (self.main_without == top[self.image]) & (self.main_without >= 0)
        return Question(now, without, top == self.people.dataset_label, top >= 0)

    def object_question(self, flag, top):
        now, without = self.having(flag, top)
        known = (top >= 0) & (self.easy | ~self.unparted)
        return Question(now, without, top == self.people.dataset_label, known)


# CONTAINS


class Contains:
    """The pairs that workers were shown, and who selected them."""

    def __init__(self, people, arrays):
        self.people = people
        self.image, self.label = arrays["pair_image"].astype(int), arrays["pair_label"].astype(int)
        self.shown = arrays["pair_shown"].astype(int)
        self.first, self.likely = arrays["pair_first"], arrays["pair_likely"]
        self.pair = np.repeat(np.arange(self.shown.size), self.shown)  # of each answer
        self.yes = np.unpackbits(arrays["answer_yes"], count=self.pair.size).astype(bool)
        self.selected = np.bincount(self.pair, self.yes, self.shown.size).astype(int)
        self.panel = Panel(self.image[self.pair], arrays["answer_worker"].astype(int))
        self.codes = self.image * len(people.label) + self.label
        self.order = np.argsort(self.codes)
        self.some_likely = np.bincount(self.image[self.likely], minlength=people.n) > 0

    def pair_of(self, label):
        """(N,): the pair of each image with this label; -1 where workers were not shown it."""
        wanted = np.arange(label.size) * len(self.people.label) + label
        at = np.searchsorted(self.codes, wanted, sorter=self.order)
        at = self.order[np.minimum(at, self.order.size - 1)]
        return np.where((label >= 0) & (self.codes[at] == wanted), at, -1)

    def mean_frequency(self, pair):
        """The mean selection frequency of an image's pair (N,), -1 for none."""
        wanted = np.zeros(self.shown.size, bool)
        wanted[pair[pair >= 0]] = True
        answers = np.flatnonzero(wanted[self.pair])
        at = self.pair[answers]
        selected, shown = self.selected[at], self.shown[at]
        after = (selected - self.yes[answers]) / np.maximum(shown - 1, 1)
        change = np.where(shown > 1, after - selected / shown, 0.0)
        moved = self.panel, self.panel.cell[answers], change, 0.0
        people = self.people
        x = self.selected[pair] / self.shown[pair]
        return Estimate(people, x, pair >= 0, people.strata(people.everything), moved)


# Metrics, under the names of the report's figures


def score(people, model):
    """{figure: data}; the leaves of data are numbers, None and Estimates."""
    top, own = model.top, people.dataset_label
    right = top == own
    dataset = Question(right, None, right, (top >= 0) & (own >= 0))
    everything = people.strata(people.everything)
    r3: dict = {"all": Estimate(people, right, dataset.known, everything)}
    figures = {"R3": r3}
    leaders = {}
    if people.classify is not None:
        classify = people.classify
        r3.update(classify.spread(dataset))
        readings = {"any_label": ANY, "chosen_by_half": HALF, "object_name": NAME}
        r4: dict = {
            name: classify.spread(classify.object_question(flag, top))
            for name, flag in readings.items()
        }
        r12 = {
            "main_object": classify.spread(classify.object_question(MAIN_OBJECT, top)),
            "main_label": classify.spread(classify.main_label_question(top)),
            "restricted_to_offered": restricted(classify, model),
        }
        never = unjudged(people, top) & (classify.easy | ~classify.unparted)
        accuracy = r4["any_label"]["settled"]
        r4["not_judged"], r4["bounds"] = int(never.sum()), None
        if accuracy.value is not None:
            r4["bounds"] = [accuracy.value, accuracy.value + never.sum() / accuracy.images]
        r4["not_predicted"] = r12["not_predicted"] = int((classify.settled & (top < 0)).sum())
        figures.update(R4=r4, R6=disagreements(classify, model), R12=r12)
        leaders = {
            "top1": row(r3["settled"], r3["weighted"]),
            "any_label": row(r4["any_label"]["settled"], r4["any_label"]["weighted"]),
            "main_label": row(r12["main_label"]["settled"], r12["main_label"]["weighted"]),
            "top_k": top_k(classify, model),
        }
    r3["not_predicted"] = int((top < 0).sum())
    if people.contains is not None:
        contains = people.contains
        pair = contains.pair_of(top)
        figures["R10"] = selected(contains, top, pair)
        figures["R11"] = wrong(contains, top)
        likely = (pair >= 0) & contains.likely[pair]
        real = Estimate(people, likely, (top >= 0) & contains.some_likely, everything)
        leaders.update(real=row(real, None), mean_sf=row(figures["R10"]["mean_sf"], None))
    figures["B1"] = leaders
    return dict(sorted(figures.items()))


def unjudged(people, top):
    """(N,): settled images on which workers were neither shown its first label nor offered it."""
    image, label = people.classify.offered
    offered = image * len(people.label) + label
    asked = np.isin(np.arange(people.n) * len(people.label) + top, offered)
    asked |= top == people.dataset_label
    if people.contains is not None:
        pair = people.contains.pair_of(top)
        asked |= (pair >= 0) & people.contains.first[pair]
    return people.classify.settled & (top >= 0) & ~asked


def row(value, weighted):
    """A metric of the leaderboard."""
    return {"value": value, "weighted": weighted, "n": value.images}


def disagreements(classify, model):
    """R6: what it says where the main object is not the dataset label's."""
    top, own, image = model.top, classify.people.dataset_label, classify.image
    apart = classify.apart
    named = classify.having(ANY, top)
    given = apart[0] & named[0], apart[1] & named[1]
    main_label = classify.main_label_question(top)
    said = {
        "dataset_label": (top == own, (top == own)[image]),
        "main_object": classify.having(MAIN_OBJECT, top),
        "main_label": (main_label.now, main_label.without),
        "any_object": named,
    }

    def share(reading, among):
        now, without = reading
        return classify.mean(Question(now, without, now, top >= 0), classify.fu, among)

    found = {name: share(reading, apart) for name, reading in said.items()}
    found["given_object"] = {
        "dataset_object": share(classify.having(DATASET_OBJECT, top), given),
        "main_object": share(said["main_object"], given),
        "n": int((classify.fu & (top >= 0) & given[0]).sum()),
    }
    found["not_predicted"] = int((classify.fu & apart[0] & (top < 0)).sum())
    return found


def restricted(classify, model):
    """R12, held to the labels that workers were offered: the best of these, by its own ranking."""
    image, label = classify.offered
    if model.logits is not None:
        keys = [label, -model.logits[image, label]]
    else:
        rank = model.rank(image, label)
        image, label, rank = image[rank < STORED], label[rank < STORED], rank[rank < STORED]
        keys = [rank]
    ranked = np.lexsort([*keys, image])
    best = ranked[np.diff(image[ranked], prepend=-1) != 0]
    top = np.full(model.top.size, -1)
    top[image[best]] = label[best]
    asked = classify.main_label_question(top)
    one = (classify.counted == 1, classify.num_without == 1)
    several = (classify.counted > 1, classify.num_without > 1)
    return {
        "fu": classify.mean(asked, classify.fu),
        "multi": classify.mean(asked, classify.fu, several),
        "single": classify.mean(asked, classify.fu, one),
        "none_offered": int((classify.fu & (model.top >= 0) & (top < 0)).sum()),
    }


def top_k(classify, model):
    """B1: the share of an image's k objects that its first k labels name."""
    places = int(classify.entry_place.max(initial=0)) + 1
    rank = model.rank(classify.entry_image, classify.entry_label)

    def named(unit, entry, k):
        """(U,): the objects that its first k labels name; unit, entry: of each label."""
        cells = unit * places + classify.entry_place[entry]
        cells = np.unique(cells[rank[entry] < k[unit]])
        return np.bincount(cells // places, minlength=k.size)

    every = np.arange(classify.entry_image.size)
    cells = np.unique(classify.entry_image * places + classify.entry_place)
    objects = np.bincount(cells // places, minlength=model.top.size)
    now = named(classify.entry_image, every, classify.num_objects)
    without = named(classify.of_response, classify.entry, classify.num_without)
    asked = Question(
        now / np.maximum(objects, 1),
        without / np.maximum(objects, 1)[classify.image],
        model.top == classify.people.dataset_label,
        (model.top >= 0) & (classify.easy | ~classify.unparted),
    )
    some = (classify.num_objects > 0) & (objects > 0)
    some_without = (classify.num_without > 0) & (objects > 0)[classify.image]
    value = classify.mean(asked, classify.settled, (classify.easy | some, some_without))
    return row(value, classify.weighted(asked, (some, some_without)))


def selected(contains, top, pair):
    """R10: how often workers select its first label; bounds: what nobody was shown, 0 and 1."""
    mean = contains.mean_frequency(pair)
    predicted = int((top >= 0).sum())
    unjudged = predicted - mean.images
    total = (mean.value or 0.0) * mean.images
    return {
        "mean_sf": mean,
        "images": mean.images,
        "not_judged": unjudged,
        "bounds": [total / predicted, (total + unjudged) / predicted] if predicted else None,
        "not_predicted": top.size - predicted,
    }


def wrong(contains, top):
    """R11: its first labels other than the dataset label, by fifth of selection frequency."""
    dataset_label = contains.people.dataset_label
    differs = (top >= 0) & (dataset_label >= 0) & (top != dataset_label)
    pair, own = contains.pair_of(np.where(differs, top, -1)), contains.pair_of(dataset_label)
    chosen, shown = contains.selected[pair[pair >= 0]], contains.shown[pair[pair >= 0]]
    both = (pair >= 0) & (own >= 0)
    at, mine = pair[both], own[both]
    at_least = contains.selected[at] * contains.shown[mine]
    at_least = at_least >= contains.selected[mine] * contains.shown[at]
    return {
        "wrong": chosen.size,
        "fifths": np.bincount(np.minimum(4, 5 * chosen // shown), minlength=5).tolist(),
        "never_selected": int((chosen == 0).sum()),
        "mean_sf": contains.mean_frequency(pair),
        "at_least_dataset_labels_sf": int(at_least.sum()),
        "with_both": int(both.sum()),
        "not_judged": int(differs.sum()) - chosen.size,
    }


# Output


def plain(data):
    """A figure as JSON: values in `data`, intervals and why there are none by JSON pointer."""
    intervals, without = {}, {}

    def value(leaf, pointer):
        if isinstance(leaf, dict):
            return {key: value(each, f"{pointer}/{key}") for key, each in leaf.items()}
        if not isinstance(leaf, Estimate):
            return leaf
        if leaf.interval is not None:
            intervals[pointer] = leaf.interval
        elif leaf.without:
            without[pointer] = leaf.without
        return leaf.value

    return {"data": value(data, ""), "intervals": intervals, "without_interval": without}


def lines(figures):
    """A line for each value."""
    for name, figure in figures.items():
        for pointer, value in leaves(figure["data"]):
            between = figure["intervals"].get(pointer)
            ends = f"  ({between[0]:.4f} to {between[1]:.4f})" if between else ""
            said = f"{value:.4f}" if isinstance(value, float) else json.dumps(value)
            yield f"{name + pointer:48} {said}{ends}"


def leaves(data, pointer=""):
    """(JSON pointer, value) of everything in a figure's data that is no dict."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{pointer}/{key}")
        else:
            yield f"{pointer}/{key}", value


def main():
    """Score the predictions that the command line names. Returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("predictions", type=Path, help="a CSV or .npz file")
    parser.add_argument("--out", type=Path, help="default: PREDICTIONS with -scores.json")
    file = parser.parse_args().predictions
    out = parser.parse_args().out or file.with_name(f"{file.stem}-scores.json")
    try:
        people = People(Path(__file__).with_name("score.npz"))
        model = read_predictions(file, people)
    except Bad as bad:
        print(bad, file=sys.stderr)
        return 1
    figures = {name: plain(data) for name, data in score(people, model).items()}
    print("\n".join(lines(figures)))
    if missing := int((model.top < 0).sum()):
        first = list(people.image)[int(np.argmin(model.top))]
        print(
            f"{missing:,} of the study's {people.n:,} images have no prediction (the first is"
            f" {first}): they are left out.",
            file=sys.stderr,
        )
    try:
        out.write_text(json.dumps({"predictions": file.name, "figures": figures}, indent=1) + "\n")
    except OSError as error:
        print(f"{out}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"Written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
