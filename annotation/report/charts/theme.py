"""How the report's charts look: one Altair theme, and the colour and shape of each classifier.

Colour belongs to classifiers; what people and images say is drawn in ink. Both grounds share the
classifiers' colours; the inks are exchanged for a dark one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import altair as alt

WIDTH = 500  # of a whole chart, in pixels: on a phone its text is still 9 px tall
TEXT, SMALL = 13, 12
# As wide where a chart is read as where it was laid out: these fonts share their widths.
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"

# Inks are told apart from each other, and from all colours, so that they can be exchanged.
INK, QUIET, LINE, SHADE = "#14171c", "#525a66", "#d1d5db", "#9aa1ab"
RAMP = ("#e9ecf0", "#c9ced6", "#a2aab5", "#6e7784", "#39404a")  # parts of a whole
DARK = {
    INK: "#eceff3",
    QUIET: "#a7b0bd",
    LINE: "#3d444f",
    SHADE: "#77808d",
    **dict(zip(RAMP, ("#272c34", "#424a56", "#656f7e", "#98a2b0", "#d3d9e1"), strict=True)),
}
PAPER = "#ffffff"

# Okabe and Ito's colours, without black: it is the people's.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#F0E442")
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
    "M-.9,-.6L-.6,-.9L0,-.3L.6,-.9L.9,-.6L.3,0L.9,.6L.6,.9L0,.3L-.6,.9L-.9,.6L-.3,0Z",  # an x
    "M0,-1L.87,-.5L.87,.5L0,1L-.87,.5L-.87,-.5Z",  # a hexagon
)  # ten, so that grey print tells ten classifiers apart
PEOPLES = {"fill": INK, "shape": "circle"}  # the mark of what is no classifier's
OPEN = {"fill": "transparent", "shape": "diamond"}  # a second one of these
LONGEST = 30  # characters of a name


@alt.theme.register("report", enable=True)
def theme() -> alt.theme.ThemeConfig:
    axis: dict[str, Any] = {
        "labelColor": QUIET,
        "titleColor": QUIET,
        "labelFontSize": SMALL,
        "titleFontSize": SMALL,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelLimit": 0,  # names are shortened before; measuring them takes half of the time
        "titleLimit": 0,
        "tickCount": 5,
        "labelFlush": False,
        "labelOverlap": False,
    }
    config: Any = {
        "aria": False,
        "font": FONT,
        "background": None,
        "padding": 4,
        "view": {"stroke": None},
        "axis": axis,
        "axisY": {"titlePadding": 8},
        "title": {
            "anchor": "start",
            "limit": 0,
            "frame": "bounds",
            "color": INK,
            "subtitleColor": QUIET,
            "fontSize": 15,
            "subtitleFontSize": SMALL,
            "fontWeight": 600,
            "offset": 10,
            "subtitlePadding": 6,
        },
        "legend": {
            "orient": "top",
            "labelColor": QUIET,
            "titleColor": QUIET,
            "labelFontSize": SMALL,
            "titleFontSize": SMALL,
            "titleFontWeight": "normal",
            "labelLimit": 0,
        },
        "bar": {"fill": SHADE},
        "rule": {"stroke": QUIET},
        "text": {"fill": INK, "fontSize": SMALL, "limit": 0},
        "point": {"size": 60, "strokeWidth": 1, "opacity": 1},
    }
    return alt.theme.ThemeConfig(config=config)


@dataclass(frozen=True)
class Look:
    """A classifier in every chart: the name as it is drawn, its colour and shape."""

    name: str
    colour: str
    shape: str

    def mark(self, *, filled: bool = True) -> dict[str, str]:
        """As a row of data has it; an open one for the other of two series."""
        return {"fill": self.colour if filled else "transparent", "shape": self.shape}


def looks(classifiers: Sequence[str]) -> dict[str, Look]:
    """By classifier, in the order of the study's list."""
    names = shortened(classifiers)
    return {
        name: Look(short, COLOURS[at % len(COLOURS)], SHAPES[at % len(SHAPES)])
        for at, (name, short) in enumerate(zip(classifiers, names, strict=True))
    }


def shortened(names: Sequence[str], longest: int = LONGEST) -> list[str]:
    """The names, of long ones what tells them apart from the others."""
    short = [shorter(name, longest) for name in names]
    alike = {brief for brief in short if short.count(brief) > 1}
    for brief in alike:
        group = [name for name, each in zip(names, short, strict=True) if each == brief]
        same = sum(1 for _ in takewhile(lambda at: len(set(at)) == 1, zip(*group, strict=False)))
        for at, name in enumerate(names):
            if short[at] == brief and len(name) > longest:
                short[at] = f"{name[: longest // 3]}…{shorter(name[same:], longest * 2 // 3 - 1)}"
    return short if len(set(short)) == len(set(names)) else list(names)


def shorter(name: str, longest: int = LONGEST) -> str:
    """The name, of a long one its middle left out."""
    if len(name) <= longest:
        return name
    head = (longest - 1) * 3 // 5
    return f"{name[:head]}…{name[head + 1 - longest :]}"
