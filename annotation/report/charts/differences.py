"""Charts of two studies' headline figures side by side, and of their differences."""

import textwrap
from collections.abc import Iterator

from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import below, rows_of_points
from annotation.report.charts.reading import INTERVALS, TITLE
from annotation.report.charts.theme import OPEN, PEOPLES, looks, shortened, theme
from annotation.report.comparison_groups import groups_of
from annotation.report.wording import Plain


def charts_of_differences(compared: Plain, names: tuple[str, str]) -> Iterator[Chart]:
    """A chart for each group of headline figures (compare.json) that has a difference to draw."""
    sides = [compared[side] for side in ("a", "b")]
    marks = looks(list(dict.fromkeys(name for side in sides for name in side["classifiers"])))
    n = " and ".join(f"{side['images']:,}" for side in sides)
    caption = (
        f"Filled: {names[0]}; open: {names[1]} (n = {n} images). Below: the first less the second."
        f" {INTERVALS}"
    )

    def mark(of: str, *, filled: bool = True) -> dict[str, str]:
        if of in marks:
            return marks[of].mark(filled=filled)
        return PEOPLES if filled else OPEN

    for group in groups_of(compared):
        rows = [row for row in group.rows if row.difference.value is not None]
        if not rows:
            continue
        order = shortened([row.of or " " for row in rows])  # else the axis says it
        both = [
            {"row": name, "series": series, **value._asdict(), **mark(row.of, filled=filled)}
            for name, row in zip(order, rows, strict=True)
            for series, value, filled in (("a", row.a, True), ("b", row.b, False))
        ]
        less = [
            {"row": name, "series": "", **row.difference._asdict(), **mark(row.of)}
            for name, row in zip(order, rows, strict=True)
        ]
        zero = {0: ("", {"value": 0, "low": None, "high": None})}
        unit = group.is_share
        drawing = below(
            rows_of_points([("", both)], group.says, order, unit=unit),
            rows_of_points([("", less)], "difference", order, unit=unit, signed=True, lines=zero),
        )
        spec = {**theme(), "title": textwrap.wrap(group.title, TITLE), **drawing}
        yield Chart(group.figure, f"{group.figure}-{group.name}", group.title, caption, spec)
