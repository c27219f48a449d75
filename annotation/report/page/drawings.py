"""Charts of kept reports on the site: drawn once, then remembered.

The queue draws them after it has computed a report; what is not there is drawn when it is asked
for.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from django.core.cache import cache

if TYPE_CHECKING:  # it takes a second to import
    from annotation.report.charts import Chart

MONTH = 30 * 24 * 3600
SCHEMES = ("light", "dark")


class Drawing(NamedTuple):
    """What a page says of a chart. width, height: in pixels, None until it has been drawn."""

    figure: str
    name: str
    title: str
    caption: str
    width: int | None = None
    height: int | None = None


def version_of(text: str) -> str:
    """Names a kept report, by its text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def remembered(version: str) -> list[Drawing] | None:
    """The charts of a report that the queue has drawn."""
    return cache.get(f"charts-{version}")


def to_draw(charts: Iterable["Chart"]) -> list[Drawing]:
    """The same of charts that nobody has drawn yet."""
    return [Drawing(each.figure, each.name, each.title, each.caption) for each in charts]


def drawn(version: str, name: str, scheme: str) -> str | None:
    """A chart as SVG, if it has been drawn."""
    return cache.get(_key(version, name, scheme))


def draw(version: str, chart: "Chart") -> Drawing:
    """Draw a chart in both schemes, and remember it."""
    for scheme in SCHEMES:
        svg = chart.svg(dark=scheme == "dark")
        cache.set(_key(version, chart.name, scheme), svg, MONTH)
    return Drawing(chart.figure, chart.name, chart.title, chart.caption, *size_of(svg))


def draw_all(version: str, charts: Iterable["Chart"]) -> None:
    """Draw a report's charts, and remember them."""
    cache.set(f"charts-{version}", [draw(version, chart) for chart in charts], MONTH)


def size_of(svg: str) -> tuple[int | None, int | None]:
    """Width and height of a drawing in pixels."""
    found = re.search(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', svg)
    return (round(float(found[1])), round(float(found[2]))) if found else (None, None)


def _key(version: str, name: str, scheme: str) -> str:
    return f"chart-{version}-{hashlib.sha256(name.encode()).hexdigest()[:16]}-{scheme}"
