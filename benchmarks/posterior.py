"""How well the posterior is calibrated, beside SF and crowd-kit's Dawid-Skene; how long it takes.

Simulates two studies, so that the truth is known. In one, answers are independent given the truth
and the worker; in the other each pair also has a difficulty, which moves all its workers' answers
together. For each: accuracy at 1/2, Brier score, log loss (probabilities cut to 1e-6 .. 1 - 1e-6),
and a reliability table: among the pairs that were given about the same probability, the share
where the label is there. "untempered" is the posterior with tau = 1. `--alone` leaves crowd-kit
out. Times include imports; the last line gives the posterior's.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

Floats = NDArray[np.float64]
GOAL = 10  # seconds, for 1.3 million judgments
MAYBE = 2


class Study(NamedTuple):
    worker: NDArray[Any]
    pair: NDArray[Any]
    answer: NDArray[Any]
    workers: int
    truth: NDArray[np.bool_]


def simulate(options: argparse.Namespace, difficulty: float) -> Study:
    """Workers of differing skill and leniency (0.8 logits); three in ten labels are there."""
    rng = np.random.default_rng(options.seed)
    pairs = max(1, options.judgments // options.per_pair)
    truth = rng.random(pairs) < 0.3
    first = rng.integers(0, options.workers, pairs)
    apart = rng.integers(1, max(2, options.workers // options.per_pair), pairs)
    worker = (first[:, None] + apart[:, None] * np.arange(options.per_pair)) % options.workers
    skill = rng.normal(1.8, 0.5, options.workers)[worker]
    odds = np.where(truth[:, None], skill, -skill)
    odds += rng.normal(0, 0.8, options.workers)[worker]
    odds += rng.normal(0, difficulty, pairs)[:, None]
    answer = (rng.random(odds.shape) < 1 / (1 + np.exp(-odds))).astype(np.uint8)
    answer[rng.random(odds.shape) < options.maybe * np.exp(-np.abs(odds))] = MAYBE
    pair = np.repeat(np.arange(pairs), options.per_pair)
    return Study(worker.ravel(), pair, answer.ravel(), options.workers, truth)


def selection_frequency(study: Study) -> Floats:
    selected = np.bincount(study.pair, study.answer == 1, minlength=study.truth.size)
    return selected / np.bincount(study.pair, minlength=study.truth.size)


def by_crowd_kit(study: Study) -> Floats:
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    table = pd.DataFrame(
        {"task": study.pair, "worker": study.worker, "label": study.answer.astype(np.int64)}
    )
    return DawidSkene().fit(table).probas_[1].sort_index().to_numpy()


def show(study: Study, given: dict[str, Floats]) -> None:
    """Print the scores and the reliability table of each kind of probability."""
    print(f"{'':>12}  accuracy   Brier  log loss")
    for name, probability in given.items():
        cut = np.clip(probability, 1e-6, 1 - 1e-6)
        right = ((probability > 0.5) == study.truth).mean()
        brier = ((probability - study.truth) ** 2).mean()
        loss = -np.log(np.where(study.truth, cut, 1 - cut)).mean()
        print(f"{name:>12}  {right:8.4f}  {brier:6.4f}  {loss:8.4f}")
    print("probability " + "".join(f"{name + ': pairs, there':>27}" for name in given))
    for tenth in range(10):
        row = f"{tenth / 10:4.1f} to {(tenth + 1) / 10:3.1f} "
        for probability in given.values():
            inside = np.minimum((probability * 10).astype(int), 9) == tenth
            share = f"{study.truth[inside].mean():.3f}" if inside.any() else "-"
            row += f"{inside.sum():>20,} {share:>6}"
        print(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=1_300_000)
    parser.add_argument("--per-pair", type=int, default=9)
    parser.add_argument("--workers", type=int, default=400)
    parser.add_argument("--difficulty", type=float, default=1.0, help="its spread, in logits")
    parser.add_argument("--maybe", type=float, default=0.0, help="offered, and how often taken")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help="without crowd-kit")
    options = parser.parse_args()
    from tasks.aggregation import fit_posteriors

    seconds: list[float] = []
    busy: list[float] = []
    for name, difficulty in (("independent", 0.0), ("difficult", options.difficulty)):
        study = simulate(options, difficulty)
        started, processor = time.monotonic(), time.process_time()
        fit = fit_posteriors(*study[:4], study.truth.size)
        seconds.append(time.monotonic() - started)
        busy.append(time.process_time() - processor)
        untempered = fit_posteriors(*study[:4], study.truth.size, taus=[1.0])
        given = {"SF": selection_frequency(study), "posterior": fit.posterior}
        given["untempered"] = untempered.posterior
        if not options.alone:
            started = time.monotonic()
            given["crowd-kit"] = by_crowd_kit(study)
            print(f"crowd-kit: {time.monotonic() - started:.1f} s")
        print(
            f"{name} answers: tau = {fit.tau}, {fit.arrival.iterations} steps, of which the last"
            f" moved no posterior by more than {fit.arrival.largest_change:.0e};"
            f" {seconds[-1]:.1f} s ({busy[-1]:.1f} s of processor time)"
        )
        show(study, given)
        print()
    print(
        f"posteriors of {study.answer.size:,} judgments, each tau to its fixed point:"
        f" {seconds[0]:.1f} s independent, {seconds[1]:.1f} s difficult, {busy[0]:.1f} and"
        f" {busy[1]:.1f} s of processor time (goal: under {GOAL} s for 1,300,000)"
    )


if __name__ == "__main__":
    main()
