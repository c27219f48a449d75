"""The charts that this installation can draw."""

from typing import Any, Protocol

from annotation.report.wording import Plain


class Chart(Protocol):
    """A figure's chart, drawn when it is asked for."""

    figure: str
    name: str
    title: str
    caption: str

    def svg(self, dark: bool = False) -> str: ...


def charts_of(report: Plain) -> list[Any]:
    """The charts of a report whose labels are named; none where nothing draws them."""
    try:
        from annotation.report import charts
    except ImportError:
        return []
    return charts.charts_of(report)
