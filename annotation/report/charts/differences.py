"""Charts of two studies' headline figures side by side, and of their differences."""

import textwrap
from collections.abc import Iterator, Sequence

from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import below, rows_of_points
from annotation.report.charts.reading import INTERVALS, TITLE
from annotation.report.charts.theme import OPEN, PEOPLES, shortened, theme
from annotation.report.comparison_groups import Group


def charts_of_differences(
    groups: Sequence[Group], names: tuple[str, str]
) -> Iterator[tuple[Group, Chart]]:
    """A chart for each group that has a difference to draw."""
    caption = f"Filled: {names[0]}; open: {names[1]}. Below: the first less the second. {INTERVALS}"
    for group in groups:
        rows = [row for row in group.rows if row.difference.value is not None]
        if not rows:
            continue
        order = shortened([row.of or group.says for row in rows])
        both = [
            {"row": name, "series": series, **value._asdict(), **mark}
            for name, row in zip(order, rows, strict=True)
            for series, value, mark in (("a", row.a, PEOPLES), ("b", row.b, OPEN))
        ]
        less = [
            {"row": name, "series": "", **row.difference._asdict(), **PEOPLES}
            for name, row in zip(order, rows, strict=True)
        ]
        zero = {0: ("", {"value": 0, "low": None, "high": None})}
        unit = group.is_share
        drawing = below(
            rows_of_points([("", both)], group.says, order, unit=unit),
            rows_of_points([("", less)], "difference", order, unit=unit, signed=True, lines=zero),
        )
        spec = {**theme(), "title": textwrap.wrap(group.title, TITLE), **drawing}
        chart = Chart(group.figure, f"{group.figure}-{group.name}", group.title, caption, spec)
        yield group, chart
