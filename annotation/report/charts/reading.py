"""What charts read from report.json: numbers with their intervals, names, captions."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from annotation.report.charts.chart import Chart
from annotation.report.charts.theme import INK, PEOPLES, Look, looks, theme
from annotation.report.wording import sentence, to

_UNFIT_FOR_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
POPULATIONS = {
    "all": "all",
    "settled": "settled",
    "single": "with one object",
    "multi": "with several",
    "fu": "followed up",
}


class Report:
    """A report whose texts can all be drawn."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        report = _drawable(report)
        self.figures: dict[str, Any] = report["figures"]
        self.looks = looks(report["study"]["classifiers"])

    def add(self, name: str, figure: Mapping[str, Any]) -> None:
        """Another figure, as it stands in report.json."""
        self.figures[name] = _drawable(figure)

    def figure(self, name: str) -> "Figure | None":
        """The figure; None where it is missing."""
        plain = self.figures.get(name)
        return None if not plain or plain["data"] is None else Figure(self, name, plain)

    @cached_property
    def overall(self) -> "dict[str, dict[str, Any]]":
        """By classifier, the best first: its accuracy by the dataset labels, over all images."""
        figure = self.figure("R3")
        if figure is None:
            return {}
        points = {name: figure.point("models", name, "all") for name in figure.data["models"]}
        known = {name: point for name, point in points.items() if point["value"] is not None}
        return dict(sorted(known.items(), key=lambda item: (-item[1]["value"], item[0])))

    def ranked(self, names: Any) -> list[str]:
        """Classifiers in the order of every chart: by falling overall accuracy, then by name."""
        places = {name: at for at, name in enumerate(self.overall)}
        return sorted(names, key=lambda name: (places.get(name, len(places)), name))

    def look(self, name: str) -> Look:
        return self.looks.get(name) or Look(name, INK, "circle")

    def row(self, name: str, series: str = "", *, filled: bool = True) -> dict[str, str]:
        """What a classifier's row of points begins with."""
        look = self.look(name)
        return {"row": look.name, "series": series, **look.mark(filled=filled)}


class Figure:
    """One figure of a report, to be drawn."""

    def __init__(self, report: Report, name: str, plain: Mapping[str, Any]) -> None:
        self.report, self.name, self.plain = report, name, plain
        self.data: Any = plain["data"]

    def point(self, *keys: str) -> dict[str, Any]:
        """{value, low, high} of what stands under these keys; low, high: None without interval."""
        value = self.data
        for key in keys:
            value = value[int(key)] if isinstance(value, list) else value.get(key)
            if value is None:
                break
        low, high = self.plain["intervals"].get(to(*keys)) or (None, None)
        return {"value": value, "low": low, "high": high}

    def peoples(self, texts: Mapping[Any, str]) -> list[dict[str, Any]]:
        """Rows of points of people's numbers. texts: by the keys of each, what it is called."""
        return [
            {"row": text, "series": "", **self.point(*keys), **PEOPLES}
            for keys, text in texts.items()
        ]

    def chart(
        self, title: str, drawing: Any, *notes: str, part: str = "", over: tuple[str, ...] = ()
    ) -> Chart:
        """The chart with its caption: the population and n, then notes. `over`: the populations
        drawn, where n is by population."""
        of = f" ({said})" if (said := _n(self.plain["n"], over)) else ""
        caption = " ".join([f"{sentence(self.plain['population'])}{of}.", *notes])
        lines = textwrap.wrap(title, TITLE) or [""]
        spec = {**theme(), "title": lines, **drawing}
        return Chart(self.name, f"{self.name}{part and '-'}{part}", title, caption, spec)


INTERVALS = "Lines are 95\u00a0% intervals."
TITLE = 60  # characters of a line


def _n(n: Any, over: Sequence[str]) -> str:
    if not isinstance(n, Mapping):
        return "" if n is None else f"n = {n:,}"
    if any(key not in POPULATIONS for key in n):  # by classifier
        least, most = min(n.values()), max(n.values())
        return f"n = {least:,}" if least == most else f"n = {least:,} to {most:,} by classifier"
    sizes = [f"{POPULATIONS[key]} {n[key]:,}" for key in over or n if key in n]
    return f"n: {', '.join(sizes)}" if sizes else ""


def percent(share: float | None) -> str:
    """A share in words; whole percents, but not for what is nearly none or nearly all."""
    if share is None:
        return "an unknown share"
    whole = 0.005 <= share <= 0.995 or share in (0, 1)
    return f"{100 * share:.0f}\u00a0%" if whole else f"{100 * share:.1f}\u00a0%"


def _drawable(value: Any) -> Any:
    """The same with U+FFFD for each character that XML has no place for."""
    if isinstance(value, str):
        return _UNFIT_FOR_XML.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_drawable(key): _drawable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_drawable(each) for each in value]
    return value
