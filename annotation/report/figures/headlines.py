"""The headline figures: the estimates that a reader looks at first."""

from collections.abc import Callable, Iterator
from typing import Any

from annotation.report.arrays import Study
from annotation.report.figures.b1_leaderboard import b1
from annotation.report.figures.figure import Figure
from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r03_top1 import r3
from annotation.report.figures.r04_multi_label import r4
from annotation.report.figures.r05_main_object import r5
from annotation.report.figures.r07_rivals import r7
from annotation.report.figures.r10_selection import r10
from annotation.report.figures.r12_main_label import r12
from annotation.report.figures.r16_agreement import r16
from annotation.report.figures.r17_accepted import r17
from annotation.report.intervals import Estimate
from annotation.report.wording import token

HEADLINES: dict[str, tuple[Callable[[Study], Figure], tuple[str, ...]]] = {
    "R1": (r1, ("fraction_multi/of_settled",)),
    "R3": (r3, ("models/*/settled", "models/*/multi")),
    "R4": (r4, ("any_label/*/settled", "chosen_by_half/*/settled", "object_name/*/settled")),
    "R5": (r5, ("mean_share", "disagreements_of_multi")),
    "R7": (r7, ("thresholds/*/*",)),
    "R10": (r10, ("dataset_label/mean_sf", "models/*/mean_sf")),
    "R12": (r12, ("main_label/*/*",)),
    "R16": (r16, ("contains/alpha",)),
    "R17": (r17, ("difference_offered",)),
    "B1": (b1, ("models/*/*/value", "models/*/*/weighted")),
}
"""By figure: where its headline estimates stand in its data; * is any key."""


def headlines(study: Study) -> dict[str, Estimate]:
    """The study's headline estimates by figure and JSON pointer, as "R5/mean_share"."""
    found = {}
    for name, (compute, paths) in HEADLINES.items():
        data = study.once(compute).data
        for path in paths if data is not None else ():
            for pointer, estimate in _estimates(data, path.split("/"), name):
                found[pointer] = estimate
    return found


def _estimates(data: Any, path: list[str], pointer: str) -> Iterator[tuple[str, Estimate]]:
    if not path:
        if isinstance(data, Estimate):
            yield pointer, data
    elif isinstance(data, dict):
        for key in data if path[0] == "*" else [path[0]]:
            yield from _estimates(data.get(key), path[1:], f"{pointer}/{token(key)}")
