"""The headline figures of a comparison in words, and what belongs together in groups."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from annotation.report.wording import Plain, rounded, sentence, token

COLUMNS = ("a", "b", "difference")
POPULATIONS = {
    "settled": "settled images",
    "single": "images with one object",
    "multi": "images with several objects",
    "fu": "images followed up",
    "weighted": "all images, weighted",
}
# By pattern of a headline figure's pointer: what it says, and of which classifier or threshold.
WORDS = {
    r"R1/fraction_multi/of_settled": "images with several objects",
    r"R3/models/(?P<of>.*)/(?P<population>.*)": "right by the dataset label",
    r"R4/any_label/(?P<of>.*)/(?P<population>.*)": "right by any label",
    r"R4/chosen_by_half/(?P<of>.*)/(?P<population>.*)": "right by a label that half chose",
    r"R4/object_name/(?P<of>.*)/(?P<population>.*)": "right by an object's name",
    r"R5/mean_share": "answers that call the dataset label the main one",
    r"R5/disagreements_of_multi": "main object is not the dataset label's",
    r"R7/thresholds/(?P<of>.*)/fraction_with_another": "images with a rival label",
    r"R7/thresholds/(?P<of>.*)/mean_labels": "labels that rival, an image",
    r"R7/thresholds/(?P<of>.*)/counting_mis": "images with a rival label, or with none selected",
    r"R7/thresholds/(?P<of>.*)/cross_fitted": "images with a rival label, cross-fitted",
    r"R10/dataset_label/mean_sf": "selection frequency of dataset labels",
    r"R10/models/(?P<of>.*)/mean_sf": "selection frequency of first predictions",
    r"R12/main_label/(?P<of>.*)/(?P<population>.*)": "right by the main label",
    r"R16/contains/alpha": "agreement in CONTAINS (Krippendorff's alpha)",
    r"R17/difference_offered": "labels accepted one by one, less together",
    r"B1/models/(?P<of>.*)/top_k/value": "objects among the first labels, as many as objects",
    r"B1/models/(?P<of>.*)/top_k/(?P<population>weighted)": "objects among the first labels",
    r"B1/models/(?P<of>.*)/real/value": "first label is a likely one",
}
NUMBERS = ("mean_labels", "alpha", "difference_offered")  # all others are shares


def rows_of(compared: Plain) -> Iterator[tuple[str, list[tuple[float | None, list]]]]:
    """(figure and pointer, (value, its interval or []) of a, b and the difference)."""
    for pointer, row in ((compared["data"] or {}).get("headlines") or {}).items():
        at = f"/headlines/{token(pointer)}"
        intervals = compared["intervals"]
        yield pointer, [(row[key], intervals.get(f"{at}/{key}", [])) for key in COLUMNS]


class Value(NamedTuple):
    """A number with its interval, if it has one."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def said(self, is_share: bool, unit: str = " %") -> str:
        """As text: "27.1 % (25.9 to 28.3)", "1.28 (1.26 to 1.30)"; "-" where there is none."""
        if self.value is None:
            return "-"
        times, digits = (100, ".1f") if is_share else (1, ".2f")
        known = [end for end in (self.low, self.high) if end is not None]
        between = " to ".join(rounded(times * end, digits) for end in known)
        text = f"{rounded(times * self.value, digits)}{unit if is_share else ''}"
        return f"{text} ({between})" if between else text


@dataclass(frozen=True)
class Row:
    """A headline figure of both studies. of: the classifier or threshold; "" where it has none."""

    of: str
    a: Value
    b: Value
    difference: Value

    @property
    def distance(self) -> float:
        """The difference in half-widths of its interval; above 1 the interval leaves out zero."""
        value, low, high = self.difference
        if value is None or low is None or high is None:
            return 0.0
        return abs(value) / max((high - low) / 2, 1e-12)


@dataclass
class Group:
    """Rows of the same figure that say the same of several classifiers or thresholds."""

    figure: str
    name: str  # in file names
    says: str
    is_share: bool
    rows: list[Row]

    @property
    def clear(self) -> list[Row]:
        return [row for row in self.rows if row.distance > 1]

    @property
    def title(self) -> str:
        """What was found, in a sentence; of what has no interval, what it is."""
        if all(row.difference.low is None for row in self.rows):
            return sentence(self.says)
        clear = "no clear difference"
        if self.clear:
            several = f"clear differences in {len(self.clear)} of {len(self.rows)}"
            clear = several if len(self.rows) > 1 else "a clear difference"
        return f"{sentence(self.says)}: {clear}"


def groups_of(compared: Plain) -> list[Group]:
    """The headline figures of a comparison (compare.json), what belongs together in groups."""
    groups: dict[str, Group] = {}
    for pointer, values in rows_of(compared):
        matches = ((re.fullmatch(pattern, pointer), says) for pattern, says in WORDS.items())
        match, says = next((each for each in matches if each[0]), (None, ""))
        if match is None:  # the leaderboard's that stand under other figures as well
            continue
        parts = match.groupdict()
        if population := parts.get("population"):
            says = f"{says}, {POPULATIONS.get(population, population)}"
        of = parts.get("of", "")
        figure, *path = pointer.split("/")
        if says not in groups:
            name = "-".join(key for key in path if key not in ("models", "thresholds", of))
            groups[says] = Group(figure, name, says, path[-1] not in NUMBERS, [])
        of = of.replace("~1", "/").replace("~0", "~")
        groups[says].rows.append(Row(of, *(Value(value, *interval) for value, interval in values)))
    return list(groups.values())
