"""What to distrust in a study's numbers, each doubt with the numbers that raise it."""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from annotation.report.least import LEAST_WORKERS
from annotation.report.page.abstract import numbers_of
from annotation.report.wording import Plain, count, listed, sentence

FEW_ANSWERS = 4  # a pair; up to here one answer often decides
OF_VOTES = ("R1", "R4", "R5", "R7", "R12")  # figures that count a most frequent answer
SOME_WORKERS = 30
# As benchmarks/coverage.py found (docs/statistics.md), where fewer than 93 of 100 intervals held.
TOO_SHORT = {"R16's alpha": ("R16", "92 to 93"), "B1's real": ("B1", "82 to 90")}
HELD_AT_THREE = " For three answers they held in 93 to 99 of 100 simulated studies."
RARE = 0.1  # expected share of positives


class Doubt(NamedTuple):
    """What it is about, in two or three words, and what the study shows of it."""

    about: str
    text: str


def distrust(report: Plain) -> list[Doubt]:
    """The doubts that apply to the study, those that weigh most first."""
    makes: tuple[tuple[str, Callable[[Plain], str | None]], ...] = (
        ("Few workers", _workers),
        ("Soft calls", _soft_calls),
        ("The luckiest rival", _cross_fitted),
        ("The question", _question),
        ("Few answers", _few_answers),
        ("Rare labels", _rare),
        ("None of these", _none),
        ("Not judged", _not_judged),
        ("Not answered", _not_answered),
        ("Not predicted", _not_predicted),
        ("Posterior", _not_converged),
        ("No interval", _no_intervals),
    )
    return [Doubt(about, text) for about, make in makes if (text := make(report))]


def _no_intervals(report: Plain) -> str | None:
    figures: dict[str, list[str]] = defaultdict(list)
    for name, figure in report["figures"].items():
        for reason in sorted(set(figure["without_interval"].values())):
            figures[reason].append(name)
    if not figures:
        return None
    reasons = "; ".join(f"{listed(names)}: {reason}" for reason, names in figures.items())
    return f"Some numbers have no interval, and so speak of this sample alone. {reasons}."


def _workers(report: Plain) -> str | None:
    workers = report["study"]["answers"]["workers"]
    if not 0 < workers < SOME_WORKERS:
        return None
    answered = f"{count(workers, 'worker', 'workers')} answered"
    if workers < LEAST_WORKERS:
        return (
            f"{answered}, too few to tell how others would have: what answers can move has no"
            " interval."
        )
    text = (
        f"{answered}. Others would have answered otherwise; the intervals count that in, and are"
        " wide for it."
    )
    agreement = numbers_of(report, "R16")
    if agreement is None or agreement["contains"] is None:
        return text
    short = [name for name, (figure, _) in TOO_SHORT.items() if numbers_of(report, figure)]
    held = " and ".join(f"{TOO_SHORT[name][1]} ({name})" for name in short)
    return (
        f"{text} Some are too short even so: of 100 simulated studies with 12 workers"
        f" {held} had one that held what it should."
    )


def _soft_calls(report: Plain) -> str | None:
    of = numbers_of(report, "R12")
    if of is None or of["split_half"] is None:
        return None
    text = (
        "R5, R6 and R12 rest on which object people call the main one. Two halves of an image's"
        f" workers name the same main label on {of.share('/split_half')} of followed-up images"
    )
    if of["human_line"] is None:
        return f"{text}."
    return f"{text}, and one worker that of the others on {of.share('/human_line')} of responses."


def _cross_fitted(report: Plain) -> str | None:
    of = numbers_of(report, "R7")
    if of is None:
        return None
    raw, crossed = (f"/thresholds/1.0/{name}" for name in ("fraction_with_another", "cross_fitted"))
    if of[raw] is None or of[crossed] is None:
        return None
    return (
        "R7 asks for the highest of several noisy frequencies, which chance raises, the more the"
        f" fewer answers a pair has. Another label is selected as often as the dataset label on"
        f" {of.share(raw)} of images; with the rival chosen by one half of the workers and compared"
        f" by the other, on {of.share(crossed)}. Neither is free of chance."
    )


def _question(report: Plain) -> str | None:
    of = numbers_of(report, "R17")
    if of is None or of["difference_offered"] is None:
        return None
    difference = of["difference_offered"]
    said = of.number("/difference_offered")
    interval = of.intervals.get("/difference_offered")
    text = (
        "Of the same labels of an image, workers asked one by one accept"
        f" {of.number('/contains_mean_offered')}, and asked together {of.number('/classify_mean')}:"
        f" a difference of {said}"
    )
    if interval is None:
        return f"{text}, without an interval."
    if interval[0] <= 0 <= interval[1]:
        return f"{text}, which may be chance: its interval holds zero."
    more = "one by one" if difference > 0 else "together"
    return f"{text}. People accept more when asked {more}, so that the form decides what counts."


def _few_answers(report: Plain) -> str | None:
    numbers = {each["workers_per_item"] for each in report["study"]["settings"].values()}
    asked = {number for number in numbers if number <= FEW_ANSWERS}
    figures = [name for name in OF_VOTES if numbers_of(report, name)]
    if not asked or not figures:
        return None
    return (
        f"With {listed(sorted(str(each) for each in asked))} answers wanted of a pair or an"
        f" image, shares that count a most frequent or a highest answer ({listed(figures)}) also"
        " depend on their number: a study that asked more would find others, and the intervals do"
        f" not reach towards them.{HELD_AT_THREE if 3 in numbers else ''}"
    )


def _rare(report: Plain) -> str | None:
    bands = [band for band in report["study"]["prevalence"] if band["observed"] is not None]
    rare = [band for band in bands if band["up_to"] <= RARE]
    shown = sum(band["shown"] for band in rare)
    if not shown:
        return None
    selected = sum(band["shown"] * band["observed"] for band in rare) / shown
    of_all = shown / sum(band["shown"] for band in bands)
    return (
        f"{100 * of_all:.0f} % of judgments were given where at most one picture in ten was"
        f" expected to show the label; workers selected {100 * selected:.1f} % of these. People"
        " miss what is rare among what they look through, so low frequencies may be too low."
    )


def _none(report: Plain) -> str | None:
    classify = report["study"]["answers"]["classify"]
    if classify is None or not classify["none_of_these"]:
        return None
    none, of = classify["none_of_these"], classify["responses"]
    return (
        f"{none:,} of {count(of, 'response', 'responses')} ({100 * none / of:.1f} %) found none of"
        " the labels offered. What neither the dataset nor a classifier names cannot be found."
    )


def _not_judged(report: Plain) -> str | None:
    of = numbers_of(report, "R10")
    if of is None:
        return None
    unjudged = {name: row for name, row in of["models"].items() if row["not_judged"]}
    if not unjudged:
        return None
    name = max(sorted(unjudged), key=lambda each: unjudged[each]["not_judged"])
    row = unjudged[name]
    low, high = row["bounds"]
    images = row["images"] + row["not_judged"]
    others = f" (the most of {len(unjudged)} classifiers)" if len(unjudged) > 1 else ""
    return (
        f"Nobody was shown the first label of {name} on {row['not_judged']:,} of"
        f" {count(images, 'image', 'images')}{others}: were all of them wrong, its mean frequency"
        f" would be {100 * low:.1f} %, were all right, {100 * high:.1f} %."
    )


def _not_answered(report: Plain) -> str | None:
    study = report["study"]
    groups = study["answers"]["groups"]
    said = []
    follow_up = groups.get("fu", {"images": 0, "answered": 0})
    if missing := follow_up["images"] - follow_up["answered"]:
        said.append(
            f"{count(missing, 'image', 'images')} of the {follow_up['images']:,} to be followed up"
            " had no answer"
        )
    if easy := groups.get("easy"):
        said.append(
            f"{count(easy['images'], 'image counts', 'images count')} as one object because of"
            f" CONTAINS alone, of which {easy['answered']:,} {_were(easy['answered'])} asked about"
        )
    if unclear := groups.get("amb"):
        said.append(
            f"{count(unclear['images'], 'image', 'images')} with too few judgments of the dataset"
            f" label {_are(unclear['images'])} in no share of objects"
        )
    return f"{sentence('; '.join(said))}." if said else None


def _not_predicted(report: Plain) -> str | None:
    of = numbers_of(report, "R3")
    if of is None:
        return None
    missing = {
        name: row["not_predicted"] for name, row in of["models"].items() if row["not_predicted"]
    }
    if not missing:
        return None
    each = ", ".join(f"{name} {n:,}" for name, n in sorted(missing.items()))
    return (
        f"Classifiers are measured only where they predicted. Images without a prediction: {each}."
    )


def _not_converged(report: Plain) -> str | None:
    of = numbers_of(report, "R15")
    fit = of and of["posterior"]
    if not fit or fit.get("converged", True):
        return None
    change = fit.get("largest_change")
    last = f"; the last of them still moved one by {change:.1g}" if change is not None else ""
    return (
        f"The posteriors had not settled after {fit['iterations']:,} steps{last}. Do not use them"
        " before they do."
    )


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
