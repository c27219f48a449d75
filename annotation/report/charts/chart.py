"""A chart: what it shows in words, and its drawing as SVG and PNG."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from annotation.report.charts.theme import DARK, FONT, PAPER, QUIET, SMALL

SCALE = 2  # pixels of a PNG for each
_LINE = 16  # pixels from one line of a caption to the next
_UNSEEN = re.compile(
    r' (?:class|role|pointer-events|xmlns:xlink|version|aria-[a-z]+|font-family)="[^"]*"'
    r'| (?:opacity|stroke-width)="1"| fill-opacity="1"'
)
_LONG = re.compile(r"\d+\.\d{2,}")
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)" viewBox="[^"]*"')


@dataclass(frozen=True)
class Chart:
    """A chart of one figure.

    figure: "R7". name: the stem of its files, "R7" or "R7-labels". title: what was found; it is in
    the drawing. caption: whom or what it speaks of, with n; only the files have it in the drawing.
    spec: the drawing in Vega-Lite, its numbers as they stand in report.json.
    """

    figure: str
    name: str
    title: str
    caption: str
    spec: Mapping[str, Any]

    def svg(self, dark: bool = False, with_caption: bool = False) -> str:
        """The drawing without a ground, in ink for a light one or for a dark one."""
        svg = self._captioned if with_caption else self._svg
        if dark:
            svg = re.sub(r"<[^>]+>", lambda tag: _dark(tag[0]), svg)
        return svg

    def png(self) -> bytes:
        """The drawing with its caption on white, two pixels for each."""
        return self.raw_png

    @property
    def svg_on_paper(self) -> str:
        """What the PNG shows."""
        ground = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        return re.sub(r"(<svg[^>]*>)", rf"\1{ground}", self._captioned, count=1)

    def keep(self, **drawings: str | bytes) -> None:
        """Keep `raw_svg` or `raw_png`, made elsewhere as this chart would."""
        vars(self).update(drawings)

    @cached_property
    def raw_svg(self) -> str:
        """As Vega writes it."""
        import vl_convert

        return vl_convert.vegalite_to_svg(dict(self.spec))

    @cached_property
    def raw_png(self) -> bytes:
        import vl_convert

        return vl_convert.svg_to_png(self.svg_on_paper, scale=SCALE)

    @cached_property
    def _svg(self) -> str:
        svg = _smaller(self.raw_svg)
        head = f'<svg role="img" aria-label="{escape(self.title)}" font-family="{FONT}" '
        return svg.replace("<svg ", head, 1)

    @cached_property
    def _captioned(self) -> str:
        found = _SIZE.search(self._svg)
        assert found is not None
        width, height = map(float, found.groups())
        lines = textwrap.wrap(self.caption, max(30, int(width / 6.2)))
        taller = height + _LINE * len(lines) + 8
        text = "".join(
            f'<text x="4" y="{height + 4 + _LINE * (at + 0.7):.0f}" font-size="{SMALL}px"'
            f' fill="{QUIET}">{escape(line)}</text>'
            for at, line in enumerate(lines)
        )
        size = f'width="{width:g}" height="{taller:g}" viewBox="0 0 {width:g} {taller:g}"'
        return self._svg.replace(found[0], size).replace("</svg>", f"{text}</svg>")


def _smaller(svg: str) -> str:
    """The same drawing without what Vega writes and nobody sees; it is half of the size.

    Only tags are changed: what stands between them may be anything.
    """
    svg = re.sub(r"<[^>]+>", lambda tag: _tag(tag[0]), svg)
    while (less := re.sub(r"<g(?: [^>]*)?></g>", "", svg)) != svg:
        svg = less
    while (less := re.sub(r"<g>((?:(?!</?g[ >]).)*)</g>", r"\1", svg)) != svg:
        svg = less
    return svg


def _dark(tag: str) -> str:
    for light, dark in DARK.items():
        tag = tag.replace(f'"{light}"', f'"{dark}"')
    return tag


def _tag(tag: str) -> str:
    if tag.startswith(('<path class="background"', '<path class="foreground"')):
        return ""
    tag = _UNSEEN.sub("", tag)
    return _LONG.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), tag)
