"""What each estimate of each figure is by its definition, picture by picture.

A definition gives a picture's (x, d): the figure is sum(x) / sum(d). What a worker changes is found
by asking the picture again without that worker.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from annotation.report.arrays import FU
from annotation.report.figures.b1_leaderboard import b1
from annotation.report.figures.b2_label_errors import b2
from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r03_top1 import r3
from annotation.report.figures.r04_multi_label import r4
from annotation.report.figures.r05_main_object import r5
from annotation.report.figures.r06_disagreements import r6
from annotation.report.figures.r07_rivals import r7
from annotation.report.figures.r08_labels import r8
from annotation.report.figures.r10_selection import r10
from annotation.report.figures.r11_wrong import r11
from annotation.report.figures.r12_main_label import r12
from annotation.report.figures.r14_superclasses import r14
from annotation.report.figures.r16_agreement import r16
from annotation.report.figures.r17_accepted import r17
from tests.studies.made_up_studies import SUPERCLASSES, Picture

Terms = tuple[float, float] | None  # (x, d); None: undefined
Definition = Callable[[Picture], Terms]

MODEL = "first"


def over(population: Callable[[Picture], bool], x: Callable[[Picture], Any]) -> Definition:
    """The mean of x over a population; undefined once nobody's response is left."""

    def terms(picture: Picture) -> Terms:
        if picture.group == FU and picture.asked and not picture.responses:
            return None
        inside = bool(population(picture))
        return (float(x(picture)) if inside else 0.0, float(inside))

    return terms


def top(picture: Picture) -> str | None:
    return picture.tops[MODEL]


def predicted(population: Callable[[Picture], bool]) -> Callable[[Picture], bool]:
    return lambda picture: population(picture) and top(picture) is not None


def parted(population: Callable[[Picture], bool]) -> Callable[[Picture], bool]:
    return lambda picture: population(picture) and (picture.is_easy or not picture.unparted)


def is_fu(picture: Picture) -> bool:
    return picture.is_fu


def settled(picture: Picture) -> bool:
    return picture.is_settled


def single(picture: Picture) -> bool:
    return picture.is_single


def multi(picture: Picture) -> bool:
    return picture.is_multi


def labelled(population: Callable[[Picture], bool]) -> Callable[[Picture], bool]:
    return lambda picture: population(picture) and picture.dataset_label is not None


def right_by_dataset(picture: Picture) -> bool:
    return top(picture) == picture.dataset_label


def any_label(picture: Picture) -> bool:
    if picture.is_easy:
        return right_by_dataset(picture)
    return bool(picture.num_objects) and (top(picture) or "-") in "".join(picture.partition)


def chosen_by_half(picture: Picture) -> bool:
    if picture.is_easy:
        return right_by_dataset(picture)
    return any_label(picture) and 2 * picture.chosen[top(picture)] >= len(picture.responses)


def object_name(picture: Picture) -> bool:
    if picture.is_easy:
        return right_by_dataset(picture)
    return bool(picture.num_objects) and top(picture) in picture.names


def main_share(picture: Picture) -> float:
    own = sum(main == picture.dataset_label for _, main in picture.responses.values())
    return own / len(picture.responses)


def disagrees(picture: Picture) -> bool:
    return picture.is_fu and picture.disagrees


def frequency(label: Callable[[Picture], str | None]) -> Definition:
    def terms(picture: Picture) -> Terms:
        sf = picture.sf(label(picture))
        return None if sf is None else (sf, 1.0)

    return terms


def wrong(picture: Picture) -> str | None:
    differs = picture.dataset_label is not None and top(picture) != picture.dataset_label
    return top(picture) if differs else None


def labels_at(t: float) -> Callable[[Picture], int]:
    """How many labels have at least t times the dataset label's frequency."""

    def count(picture: Picture) -> int:
        least = picture.sf(picture.dataset_label)
        frequencies = [picture.sf(label) for label in picture.pairs]
        return sum(sf is not None and sf >= t * least - 1e-12 for sf in frequencies)

    return count


def enough(picture: Picture) -> bool:
    """Whether the dataset label has judgments; there must be two, so that one is left."""
    return picture.sf(picture.dataset_label) is not None


def rivals(x: Callable[[Picture], Any], among: Callable[[Picture], bool]) -> Definition:
    def terms(picture: Picture) -> Terms:
        if not enough(picture):
            return None
        inside = among(picture)
        return (float(x(picture)) if inside else 0.0, float(inside))

    return terms


def is_selected(picture: Picture) -> bool:
    return bool(picture.sf(picture.dataset_label))


def main_label(picture: Picture) -> str | None:
    return picture.dataset_label if picture.is_easy else picture.main_label


def main_object(picture: Picture) -> str:
    """Its labels."""
    if picture.is_easy:
        return picture.dataset_label or ""
    return picture.main_object or ""


def main_counts(picture: Picture) -> Counter:
    """Main labels, "none of these" among them."""
    return Counter(main for _, main in picture.responses.values())


def over_two(x: Callable[[Picture], int]) -> Definition:
    """The mean of x / responses over followed-up pictures of two responses or more."""

    def terms(picture: Picture) -> Terms:
        if picture.group != FU or len(picture.responses) < 2:
            return None
        return x(picture) / len(picture.responses), 1.0

    return terms


def over_fu(x: Callable[[Picture], float]) -> Definition:
    """The mean of what CLASSIFY's answers do not move, over followed-up pictures."""

    def terms(picture: Picture) -> Terms:
        inside = picture.group == FU and picture.answered
        return (float(x(picture)) if inside else 0.0, float(inside))

    return terms


def mean_selected(picture: Picture) -> float:
    return sum(picture.chosen.values()) / len(picture.responses)


def sum_of_frequencies(picture: Picture, labels: Iterable[str]) -> float:
    return sum(picture.sf(label) or 0.0 for label in labels)


def difference_offered(picture: Picture) -> Terms:
    """The part of a campaign whose answers are all gone stays as it was."""
    if picture.group != FU or not picture.answered:
        return 0.0, 0.0
    together = mean_selected(picture) if picture.responses else picture.selected_before
    return sum_of_frequencies(picture, picture.offered) - together, 1.0


def kind(label: str | None) -> str | None:
    return SUPERCLASSES.get(label or "")


def restricted(picture: Picture) -> bool:
    """The one stored label is the main label, and was offered."""
    return top(picture) == picture.main_label


def is_offered(population: Callable[[Picture], bool]) -> Callable[[Picture], bool]:
    return lambda picture: population(picture) and (top(picture) or "-") in picture.offered


def has_objects(picture: Picture) -> bool:
    """Those found by all answers, of which the answers that are left may find a number anew."""
    return picture.is_fu and bool(picture.num_objects) and bool(picture.partition)


def share_of_objects(picture: Picture) -> float:
    """By the one label that is stored."""
    if picture.is_easy:
        return float(right_by_dataset(picture))
    hits = sum(top(picture) in labels for labels in picture.partition)
    return hits / len(picture.partition)


def is_secondary(picture: Picture) -> bool:
    if not disagrees(picture):
        return False
    votes = sum(picture.mains[label] for label in picture.main_object)
    return 2 * votes >= sum(picture.mains.values())


def is_missing(picture: Picture) -> bool:
    return (
        picture.is_fu
        and bool(picture.num_objects)
        and any(
            2 * picture.chosen[name] >= len(picture.responses)
            for labels, name in zip(picture.partition, picture.names, strict=True)
            if labels != picture.dataset_object
        )
    )


FIGURES = {
    b1: {
        "models/first/top_k/value": over(
            predicted(lambda picture: picture.is_easy or has_objects(picture)),
            share_of_objects,
        ),
        "models/first/any_label/value": over(parted(predicted(settled)), any_label),
        "models/first/mean_sf/value": frequency(top),
    },
    b2: {
        "rates/secondary/settled": over(parted(labelled(settled)), is_secondary),
        "rates/missing/settled": over(parted(labelled(settled)), is_missing),
    },
    r7: {
        f"thresholds/{name}/{key}": definition
        for name, t in [("0.5", 0.5), ("0.75", 0.75), ("1.0", 1.0)]
        for key, definition in {
            "fraction_with_another": rivals(
                lambda picture, t=t: labels_at(t)(picture) > 1, is_selected
            ),
            "mean_labels": rivals(labels_at(t), is_selected),
            "counting_mis": rivals(
                lambda picture, t=t: not is_selected(picture) or labels_at(t)(picture) > 1,
                lambda picture: True,
            ),
        }.items()
    },
    r1: {
        "fraction_multi/of_follow_up": over(is_fu, multi),
        "fraction_multi/of_settled": over(settled, multi),
        "fraction_multi/of_all_images": over(lambda picture: True, multi),
        "mean_objects_settled": over(settled, lambda picture: picture.settled_objects),
    },
    r3: {
        "models/first/all": over(labelled(predicted(lambda picture: True)), right_by_dataset),
        "models/first/settled": over(labelled(predicted(settled)), right_by_dataset),
        "models/first/single": over(labelled(predicted(single)), right_by_dataset),
        "models/first/multi": over(labelled(predicted(multi)), right_by_dataset),
    },
    r4: {
        f"{reading.__name__}/first/{name}": over(parted(predicted(population)), reading)
        for reading in (any_label, chosen_by_half, object_name)
        for name, population in [
            ("settled", settled),
            ("single", single),
            ("multi", multi),
            ("fu", is_fu),
        ]
    },
    r5: {
        "mean_share": over(labelled(is_fu), main_share),
        "mean_share_multi": over(
            labelled(lambda picture: is_fu(picture) and multi(picture)), main_share
        ),
        "mean_share_single": over(
            labelled(lambda picture: is_fu(picture) and single(picture)), main_share
        ),
        "disagreements_of_multi": over(
            parted(labelled(lambda picture: is_fu(picture) and multi(picture))), disagrees
        ),
        "disagreements_of_multi_with_dataset_object": over(
            labelled(
                lambda picture: (
                    is_fu(picture) and multi(picture) and picture.dataset_object is not None
                )
            ),
            disagrees,
        ),
    },
    r6: {
        "random_object": over(disagrees, lambda picture: 1 / picture.num_objects),
        "models/first/dataset_label": over(predicted(disagrees), right_by_dataset),
        "models/first/main_object": over(
            predicted(disagrees), lambda picture: (top(picture) or "-") in picture.main_object
        ),
        "models/first/main_label": over(
            predicted(disagrees), lambda picture: top(picture) == picture.main_label
        ),
        "models/first/any_object": over(predicted(disagrees), any_label),
        "models/first/given_object/dataset_object": over(
            predicted(lambda picture: disagrees(picture) and any_label(picture)),
            lambda picture: top(picture) in picture.dataset_object,
        ),
        "models/first/given_object/main_object": over(
            predicted(lambda picture: disagrees(picture) and any_label(picture)),
            lambda picture: top(picture) in picture.main_object,
        ),
    },
    r12: {
        f"{key}/first/{name}": over(
            parted(predicted(population)) if key == "main_object" else predicted(population), x
        )
        for name, population in [
            ("settled", settled),
            ("single", single),
            ("multi", multi),
            ("fu", is_fu),
        ]
        for key, x in {
            "main_label": lambda picture: top(picture) == main_label(picture),
            "main_object": lambda picture: (top(picture) or "-") in main_object(picture),
        }.items()
    }
    | {
        "restricted_to_offered/first/fu": over(is_offered(is_fu), restricted),
        "restricted_to_offered/first/multi": over(
            is_offered(lambda picture: is_fu(picture) and multi(picture)), restricted
        ),
        "restricted_to_offered/first/single": over(
            is_offered(lambda picture: is_fu(picture) and single(picture)), restricted
        ),
    },
    r16: {
        "classify/mean_modal_share": over_two(lambda picture: max(main_counts(picture).values())),
        "classify/unanimous": over_two(
            lambda picture: (len(main_counts(picture)) == 1) * len(picture.responses)
        ),
    },
    r8: {
        "mean_labels_two": (
            over_fu(lambda picture: sum(sum(a.values()) > 1 for a in picture.pairs.values()))
        ),
        "mean_selected": over(is_fu, mean_selected),
        "mean_offered": over_fu(lambda picture: len(picture.offered)),
        "mean_main": over(is_fu, lambda picture: len(picture.mains)),
    },
    r14: {
        "within_superclass/models/first": over(
            lambda picture: kind(top(picture)) and kind(picture.dataset_label),
            lambda picture: kind(top(picture)) == kind(picture.dataset_label),
        ),
        "within_superclass/human": over(
            lambda picture: (
                settled(picture) and kind(main_label(picture)) and kind(picture.dataset_label)
            ),
            lambda picture: kind(main_label(picture)) == kind(picture.dataset_label),
        ),
    },
    r17: {
        "contains_mean": over_fu(lambda picture: sum_of_frequencies(picture, picture.pairs)),
        "contains_mean_offered": over_fu(
            lambda picture: sum_of_frequencies(picture, picture.offered)
        ),
        "classify_mean": over(is_fu, mean_selected),
        "difference_offered": difference_offered,
        "contains_accepted_by_half": over_fu(
            lambda picture: sum((picture.sf(label) or 0) >= 0.5 for label in picture.pairs)
        ),
        "classify_accepted_by_half": over(
            is_fu,
            lambda picture: sum(2 * n >= len(picture.responses) for n in picture.chosen.values()),
        ),
    },
    r10: {
        "dataset_label/mean_sf": frequency(lambda picture: picture.dataset_label),
        "models/first/mean_sf": frequency(top),
    },
    r11: {"models/first/mean_sf": frequency(wrong)},
}
