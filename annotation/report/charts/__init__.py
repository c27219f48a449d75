"""The report's charts, drawn from the numbers in report.json, and from nothing else."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from annotation.report.charts.accuracies import r3, r4, r6, r10, r11, r12
from annotation.report.charts.beyond import b1, b2, b3, b4, b5, b6
from annotation.report.charts.chart import Chart
from annotation.report.charts.images import r1, r2, r5, r7, r8
from annotation.report.charts.labels import r9, r13, r14
from annotation.report.charts.people import r15, r16, r17
from annotation.report.charts.reading import Figure, Report

__all__ = ["Chart", "charts_of", "files_of_charts"]

CHARTS: dict[str, Callable[[Figure], list[Chart]]] = {
    "R1": r1,
    "R2": r2,
    "R3": r3,
    "R4": r4,
    "R5": r5,
    "R6": r6,
    "R7": r7,
    "R8": r8,
    "R9": r9,
    "R10": r10,
    "R11": r11,
    "R12": r12,
    "R13": r13,
    "R14": r14,
    "R15": r15,
    "R16": r16,
    "R17": r17,
    "B1": b1,
    "B2": b2,
    "B3": b3,
    "B4": b4,
    "B5": b5,
    "B6": b6,
}


def charts_of(report: Mapping[str, Any]) -> list[Chart]:
    """The charts of a report as it stands in report.json, in the order of its figures.

    Figures that are missing, or have nothing to draw, have none. Labels are named as the report
    names them: give it with names in place of keys where people will read the charts.
    """
    read = Report(report)
    figures = [(draw, read.figure(name)) for name, draw in CHARTS.items()]
    return [chart for draw, figure in figures if figure is not None for chart in draw(figure)]


def files_of_charts(charts: Iterable[Chart]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each chart as SVG and as PNG, with its caption."""
    for chart in charts:
        yield f"{chart.name}.svg", chart.svg(with_caption=True).encode()
        yield f"{chart.name}.png", chart.png()
