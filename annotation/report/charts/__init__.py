"""The report's charts, drawn from the numbers in report.json, and from nothing else."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from annotation.report.charts.accuracies import r3, r4, r6, r10, r11, r12
from annotation.report.charts.beyond import b1, b2, b3, b4, b5
from annotation.report.charts.chart import Chart
from annotation.report.charts.images import r1, r2, r5, r7, r8
from annotation.report.charts.labels import r9, r13, r14
from annotation.report.charts.more import b6
from annotation.report.charts.people import r15, r16, r17
from annotation.report.charts.reading import Figure, Report

__all__ = ["Chart", "Report", "charts_of", "charts_of_figure", "files_of_charts"]

CHARTS: dict[str, Callable[[Figure], list[Chart]]] = {
    draw.__name__.upper(): draw
    for draw in (
        *(r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17),
        *(b1, b2, b3, b4, b5, b6),
    )
}


def charts_of(report: Mapping[str, Any]) -> list[Chart]:
    """The charts of a report as it stands in report.json, in the order of its figures.

    Figures that are missing, or have nothing to draw, have none. Labels are named as the report
    names them: give it with names in place of keys where people will read the charts.
    """
    read = Report(report)
    return [chart for name in CHARTS for chart in charts_of_figure(read, name)]


def charts_of_figure(report: Report, name: str) -> list[Chart]:
    """Those of one figure, which reads no figure behind it in the report's order."""
    figure = report.figure(name)
    return [] if figure is None else CHARTS[name](figure)


def files_of_charts(charts: Iterable[Chart]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each chart as SVG and as PNG, with its caption."""
    for chart in charts:
        yield f"{chart.name}.svg", chart.svg(with_caption=True).encode()
        yield f"{chart.name}.png", chart.png()
