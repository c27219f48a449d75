"""How often the report's 95 % intervals hold: coverage of headline figures on simulated studies.

Studies of one kind differ in images and workers alone: each draws new images of the same labels,
and new workers, whose leniency differs by 0.8 logits. What an interval should cover is a figure's
expectation over such studies, at their own number of workers and answers: the mean over all
studies of the kind. Pairs differ in how clear they are, so that answers to one depend on each
other; in CLASSIFY workers also differ in how many labels they select.

For each kind, by workers and answers a pair, the share of intervals that cover it, with ! where
that misses the goal; at least 1,000 studies of a kind tell 93 from 95 %. Beside it the least and
the most that intervals over images alone would cover, of figures that workers can move.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

LABELS, PER_LABEL, DISTRACTORS = 60, 10, 4
LENIENCY = 0.8  # logits
MODELS = {"weak": 0.6, "strong": 0.8}  # how often the first label is an object's
HEADLINES = {
    "R1": ["/fraction_multi/of_settled"],
    "R3": ["/models/strong/settled", "/models/strong/multi"],
    "R4": [f"/{name}/strong/settled" for name in ("any_label", "chosen_by_half", "object_name")],
    "R5": ["/mean_share", "/disagreements_of_multi"],
    "R7": [f"/thresholds/{t}/fraction_with_another" for t in ("0.5", "0.75", "1.0")],
    "R10": ["/dataset_label/mean_sf", "/models/strong/mean_sf"],
    "R12": ["/main_label/strong/settled"],
    "R16": ["/contains/alpha"],
    "R17": ["/difference_offered"],
    "B1": [
        f"/models/strong/{name}/value"
        for name in ("top1", "any_label", "main_label", "top_k", "real", "mean_sf")
    ],
}
# Means over answers: 93 to 98 %; the others: at least 90 % from 5 answers on.
MEANS = {
    "R3/models/strong/settled",
    "R5/mean_share",
    "R10/dataset_label/mean_sf",
    "R10/models/strong/mean_sf",
    "R16/contains/alpha",
    "R17/difference_offered",
    "B1/models/strong/top1/value",
    "B1/models/strong/mean_sf/value",
}
Kind = tuple[int, int]  # workers, answers a pair


def study(rng: np.random.Generator, workers: int, answers: int) -> Any:
    """A study of new images and workers, as the report's arrays."""
    from annotation.report import arrays
    from tasks.aggregation import fit_posteriors

    n = LABELS * PER_LABEL
    own = np.repeat(np.arange(LABELS), PER_LABEL)
    fixed = np.random.default_rng(1)  # what the labels are like is the same in every study
    clear, alias = fixed.normal(2.2, 0.7, LABELS), fixed.permutation(LABELS)
    # Up to three objects; the dataset label's, in nine of ten images the first.
    others = (own[:, None] + rng.integers(1, LABELS, (n, 2))) % LABELS
    first = np.where(rng.random(n) < 0.9, own, others[:, 0])
    objects = np.column_stack([first, others])
    objects[np.arange(3) >= rng.choice([1, 2, 3], n, p=[0.7, 0.24, 0.06])[:, None]] = -1
    beside = rng.integers(0, LABELS, (n, DISTRACTORS))
    labels = np.sort(np.column_stack([objects, own, alias[own], beside]), 1)
    candidates = np.diff(labels, axis=1, prepend=-1) > 0
    image, label = np.nonzero(candidates)[0], labels[candidates]
    shows = (objects[image] == label[:, None]).any(1)
    mean = np.where(shows, clear[label], np.where(label == alias[own[image]], -0.5, -2.5))
    logit = mean + rng.normal(0, 1.0, label.size)

    leniency = rng.normal(0, LENIENCY, workers)
    pair = np.repeat(np.arange(label.size), answers)
    worker = rng.random((label.size, workers)).argpartition(answers - 1, 1)[:, :answers].ravel()
    chance = 1 / (1 + np.exp(-logit[pair] - leniency[worker]))
    answer = (rng.random(pair.size) < chance).astype(np.int8)
    selected = np.bincount(pair, answer, label.size).astype(int)
    shown = np.full(label.size, answers)
    group = _groups(image, label == own[image], selected, shown, n, answers)
    asked = group != arrays.AMB
    guesses = rng.permuted(np.column_stack([first, alias[own], others]), axis=1)
    models = {}
    for name, right in MODELS.items():
        top = np.where(rng.random(n) < right, first, alias[own])
        ranked = np.column_stack([top, guesses])
        models[name] = arrays.Predictions(ranked, np.ones(ranked.shape))
    # Of three weights of an answer the likeliest, instead of all, for speed.
    fit = fit_posteriors(worker, pair, answer, workers, label.size, taus=(1.0, 0.75, 0.5))
    contains = arrays.Frequencies(
        image,
        label,
        selected,
        np.zeros_like(selected),
        shown,
        fit.posterior,
        np.full(label.size, np.nan),
        pair,
        worker,
        answer,
    )
    begin = np.cumsum([0, *np.bincount(image)])
    responses = _classify(rng, begin, label, logit, selected, own, group, workers, answers)
    return arrays.Study(
        [f"{image:04d}" for image in range(n)],
        [f"{label:03d}" for label in range(LABELS)],
        [f"{worker:03d}" for worker in range(workers)],
        own,
        group,
        asked,
        contains,
        responses,
        models,
        rules=arrays.Rules(min_judgments=(answers + 1) // 2),
    )


def _groups(
    image: np.ndarray, is_own: np.ndarray, selected: np.ndarray, shown: np.ndarray, n: int, r: int
) -> np.ndarray:
    from annotation.report.arrays import GROUPS
    from tasks.aggregation.groups import image_groups

    names = image_groups(image, is_own, selected, shown, n, min_judgments=(r + 1) // 2)
    return np.array([GROUPS.index(name) for name in names])


def _classify(
    rng: np.random.Generator,
    begin: np.ndarray,
    label: np.ndarray,
    logit: np.ndarray,
    selected: np.ndarray,
    own: np.ndarray,
    group: np.ndarray,
    workers: int,
    answers: int,
) -> Any:
    """Followed-up images: labels that at least half as many selected, at least one chosen."""
    from annotation.report.arrays import FU, Partitions, Responses
    from tasks.aggregation import image_objects

    leaning = rng.normal(-1.0, LENIENCY, workers)
    said, offered, parts = [], [], []
    for image in np.flatnonzero(group == FU):
        rows = np.arange(begin[image], begin[image + 1])
        least = selected[rows[label[rows] == own[image]]][0]
        rows = rows[(2 * selected[rows] >= least) | (label[rows] == own[image])][:6]
        given = []
        asked = rng.choice(workers, answers, replace=False)
        scores = logit[rows] + leaning[asked, None] + rng.logistic(0, 1, (answers, rows.size))
        for worker, score in zip(asked.tolist(), scores, strict=True):
            labels = label[rows[(score > 0) | (score == score.max())]]
            main = label[rows[score.argmax()]]
            said.append((image, worker, main, labels))
            offered.append(label[rows])
            given.append(([f"{each:03d}" for each in labels], f"{main:03d}"))
        for place, found in enumerate(image_objects(given).objects):
            parts += [(image, place, int(key)) for key in found["labels"]]
    columns = np.array(sorted(parts), int).reshape(-1, 3).T
    return Responses(
        np.array([image for image, *_ in said], int),
        np.array([worker for _, worker, *_ in said], int),
        np.array([main for *_, main, _ in said], int),
        np.cumsum([0, *(labels.size for *_, labels in said)]),
        np.concatenate([labels for *_, labels in said]),
        np.cumsum([0, *(labels.size for labels in offered)]),
        np.concatenate(offered),
        Partitions(*columns, np.zeros(own.size, bool)),
    )


def headlines(figures: tuple[str, ...], kind: Kind, seed: int) -> list[list[float]]:
    """[value, low, high, and the ends over images alone] of each headline figure of one study; nan
    where there is none, or where no answer moves the figure."""
    from annotation.report.figures import FIGURES
    from annotation.report.intervals import bounds, interval

    made = study(np.random.default_rng([seed, *kind]), *kind)
    rows = []
    for name in figures:
        data = made.once(FIGURES[name]).data
        for pointer in HEADLINES[name]:
            found: Any = data
            for key in pointer.strip("/").split("/"):
                found = found[key]
            ends = interval(found) or (np.nan, np.nan)
            alone = (np.nan, np.nan)
            if found.value is not None and found.panel is not None:
                error = float(np.sqrt(found.parts.images[0, 0]))
                alone = bounds(found.value, error, found.images, found.n, found.unit)
            rows.append([np.nan if found.value is None else found.value, *ends, *alone])
    return rows


def misses(name: str, kind: Kind, share: float) -> bool:
    """Whether the share of intervals that cover misses the goal."""
    if name in MEANS:
        return not 0.93 <= share <= 0.98
    return kind[1] >= 5 and share < 0.9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=1000, help="of each kind (1000)")
    parser.add_argument("--workers", type=int, nargs="+", default=[12, 50, 400])
    parser.add_argument("--answers", type=int, nargs="+", default=[3, 5, 9], help="a pair (3 5 9)")
    parser.add_argument("--figures", nargs="+", choices=HEADLINES, default=list(HEADLINES))
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    figures = tuple(options.figures)
    names = [f"{name}{pointer}" for name in figures for pointer in HEADLINES[name]]
    kinds = [(w, r) for w in options.workers for r in options.answers]
    table, alone = {}, {}
    with ProcessPoolExecutor(options.processes) as pool:
        for kind in kinds:
            measured = partial(headlines, figures, kind)
            rows = np.array(list(pool.map(measured, range(options.studies), chunksize=5)))
            truth = np.nanmean(rows[:, :, 0], axis=0)
            shares = []
            for low, high in ((1, 2), (3, 4)):
                ends = rows[:, :, [low, high]]
                known = ~np.isnan(ends).any(2)
                covers = (ends[:, :, 0] <= truth) & (truth <= ends[:, :, 1])
                shares.append(covers.sum(0) / np.where(known.any(0), known.sum(0), np.nan))
            table[kind], alone[kind] = shares
            print(f"{kind[0]} workers, {kind[1]} answers a pair: done", file=sys.stderr)
    width = max(map(len, names))
    print(" " * width, *(f"W{w} R{r}".rjust(8) for w, r in kinds))
    missed = 0
    for row, name in enumerate(names):
        cells = []
        for kind in kinds:
            mark = "!" if misses(name, kind, table[kind][row]) else " "
            cells.append(f"{100 * table[kind][row]:6.1f}{mark}".rjust(8))
            missed += mark == "!"
        print(name.ljust(width), *cells)
    for label, least in (("images alone, least", np.nanmin), ("images alone, most", np.nanmax)):
        print(label.ljust(width), *(f"{100 * least(alone[kind]):6.1f} ".rjust(8) for kind in kinds))
    print(
        f"{options.studies} studies of each of {len(kinds)} kinds, {LABELS * PER_LABEL} images:"
        f" {missed} of {len(names) * len(kinds)} cells miss the goal (means 93 to 98 %, others at"
        f" least 90 % from 5 answers on); the least is {100 * min(map(min, table.values())):.1f} %"
    )


if __name__ == "__main__":
    main()
