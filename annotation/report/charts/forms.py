"""What charts are put together from: layers of marks, panels, and rows of points.

Altair makes each layer; layers and panels are put together as plain Vega-Lite, since Altair copies
all that is under a chart at every step.
"""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

import altair as alt

from annotation.report.charts.theme import INK, QUIET, SHADE, SMALL, WIDTH

Spec = dict[str, Any]  # in Vega-Lite
Rows = list[dict[str, Any]]
Point = Mapping[str, Any]  # {value, low, high}; None where there is none
Line = tuple[str, Point]  # what to compare with, and where it stands

LETTER = 7  # pixels of an average one
FILL = {"fill": alt.Fill("fill:N", scale=None), "shape": alt.Shape("shape:N", scale=None)}
NAMES: Spec = {
    "grid": False,
    "ticks": False,
    "domain": False,
    "labelColor": INK,
}  # of rows, on an axis


def marks(
    kind: str, rows: Sequence[Mapping[str, Any]], style: Spec | None = None, **by: Any
) -> Spec:
    """A layer of marks ("point"), one for each row, placed and drawn `by` its fields."""
    chart = getattr(alt.Chart(), f"mark_{kind}")(**(style or {})).encode(**by)
    layer = chart.to_dict(validate=False, context={"top_level": False})
    return layer | {"data": {"values": rows}}


def layered(*layers: Spec, width: float, height: float, heading: str = "") -> Spec:
    """A panel of layers."""
    panel: Spec = {"layer": list(layers), "width": width, "height": height}
    if heading:
        panel["title"] = {
            "text": heading,
            "fontSize": SMALL,
            "fontWeight": "normal",
            "color": QUIET,
            "offset": 8,
            "frame": "group",
        }
    return panel


def beside(*panels: Spec, spacing: int = 14) -> Spec:
    return panels[0] if len(panels) == 1 else {"hconcat": list(panels), "spacing": spacing}


def below(*panels: Spec) -> Spec:
    return panels[0] if len(panels) == 1 else {"vconcat": list(panels), "spacing": 16}


def left_of(names: Sequence[str], most: int = 230) -> int:
    """Pixels for the names of rows."""
    return min(most, max(map(len, names)) * LETTER + 10)


def named_rows(names: Sequence[str], field: str = "row:N", **axis: Any) -> Any:
    """The channel of rows with their names, in this order."""
    scale = alt.Scale(domain=list(names))
    return alt.Y(
        field, sort=list(names), title=None, axis=alt.Axis(**{**NAMES, **axis}), scale=scale
    )


def domain_of(values: Sequence[float], *, unit: bool, zero: bool = False) -> list[float]:
    """Somewhat wider than the values, with zero if it must be; hardly beyond [0, 1] if `unit`."""
    every = [*values, 0.0] if zero or not values else values
    low, high = min(every), max(every)
    pad = 0.06 * (high - low) if high - low > 0.001 else 0.05  # equal, but for what is rounded
    low, high = low - pad, high + pad
    if unit:
        low, high = max(low, -0.03), min(high, 1.03)
    return [round(low, 4), round(high, 4)]


def ticks_in(domain: Sequence[float], most: int) -> list[float]:
    """Round numbers in a domain, as many as may be."""
    least = 10.0 ** floor(log10((domain[1] - domain[0]) / most))
    ticks: list[float] = []
    for step in (least * each for each in (1, 2, 2.5, 5, 10, 20)):
        first, last = ceil(domain[0] / step - 1e-9), floor(domain[1] / step + 1e-9)
        ticks = [round(step * at, 9) for at in range(first, last + 1)]
        if len(ticks) <= most:
            break
    return ticks


def ends(points: Sequence[Point]) -> list[float]:
    """All numbers that these points reach."""
    return [
        point[key] for point in points for key in ("value", "low", "high") if point[key] is not None
    ]


def columns(
    counts: Mapping[str, int],
    x: str,
    y: str = "images",
    *,
    width: int = WIDTH - 60,
    height: int = 160,
    heading: str = "",
    highest: int = 0,
) -> Spec:
    """Bars of counts in the order given. highest: of the axis, where panels share one."""
    rows = [{"x": name, "count": count} for name, count in counts.items()]
    along = alt.X(
        "x:N",
        sort=list(counts),
        title=x,
        axis=alt.Axis(labelAngle=0, ticks=False, grid=False),
        scale=alt.Scale(padding=0.15),
    )
    up = alt.Y(
        "count:Q",
        title=y or None,
        axis=alt.Axis(format=",d", tickMinStep=1, tickCount=4),
        scale=alt.Scale(domain=[0, 1.1 * max(highest, *counts.values(), 1)], nice=False),
    )
    number = {"dy": -7, "fontSize": 11, "color": QUIET}
    return layered(
        marks("bar", rows, x=along, y=up),
        marks("text", rows, number, x=along, y=up, text=alt.Text("count:Q", format=",d")),
        width=width,
        height=height,
        heading=heading,
    )


def rows_of_points(
    panels: Sequence[tuple[str, Rows]],
    x: str,
    order: Sequence[str],
    *,
    unit: bool = True,
    zero: bool = False,
    lines: Mapping[int, Line] | None = None,
    reach: Sequence[float] = (),
    signed: bool = False,
    places: int = 0,
) -> Spec:
    """Points with their intervals, a row for each of `order`; one panel beside another.

    panels: (heading, rows of {row, series, value, low, high, fill, shape}). The series of a row
    stand below each other. unit: they are shares. signed: differences of shares. lines: by panel,
    what to compare with. reach: numbers that the axis must include. places: for panels, where
    there is to be room for more than these.
    """
    lines = lines or {}
    panels = [(name, [row for row in rows if row["value"] is not None]) for name, rows in panels]
    every = [row for _, rows in panels for row in rows]
    series = list(dict.fromkeys(row["series"] for row in every))
    present = {row["row"] for row in every}
    names = [name for name in order if name in present]
    compared = [point for _, point in lines.values()]
    scale = alt.Scale(
        domain=domain_of([*ends([*every, *compared]), *reach], unit=unit and not signed, zero=zero),
        nice=False,
        zero=False,
    )
    places = max(places, len(panels))
    width = (WIDTH - left_of(names) - 14 * (places - 1)) // places
    at_most = max(3, width // 45)
    values = ticks_in(scale.domain, at_most)
    whole = all(abs(100 * value - round(100 * value)) < 1e-6 for value in values)
    ticks = alt.Axis(format=(".0%" if whole else ".1%") if unit else ",~f", values=values)
    offset = {}
    if len(series) > 1:
        apart = alt.Scale(domain=series, paddingOuter=0.6)
        offset["yOffset"] = alt.YOffset("series:N", scale=apart, bandPosition=0.5)

    def to(field: str) -> Any:
        return alt.X(f"{field}:Q", title=x, axis=ticks, scale=scale)

    made = []
    for at, (heading, rows) in enumerate(panels):
        y = named_rows(names, labels=not at)
        certain = [row for row in rows if row["low"] is not None]
        whisker = {"strokeWidth": 1.5}
        layers = [
            *(line_across(lines[at][1], to) if at in lines else ()),
            marks("rule", certain, whisker, x=to("low"), x2="high:Q", y=y, **offset),
            marks("point", rows, {"stroke": INK}, x=to("value"), y=y, **FILL, **offset),
        ]
        height = len(names) * (11 * max(len(series), 1) + 10)
        made.append(layered(*layers, width=width, height=height, heading=heading))
    return beside(*made)


def line_across(point: Point, to: Any, *, up: bool = False) -> list[Spec]:
    """A line to compare with, its interval as a band. to: makes the channel of a field."""
    if point["value"] is None:
        return []
    axis = "y" if up else "x"
    rule = {"strokeDash": [5, 3], "color": QUIET}
    layers = [marks("rule", [point], rule, **{axis: to("value")})]
    if point["low"] is not None:
        band = {axis: to("low"), f"{axis}2": "high:Q"}
        layers.insert(0, marks("rect", [point], {"fill": SHADE, "opacity": 0.3}, **band))
    return layers


def key(rows: Rows, left: int) -> Spec:
    """Classifiers' marks with their names {name, fill, shape}, two beside each other, for a place
    below a panel; left: the pixels of what stands left of that one's plot."""
    placed = [
        {**row, "x": 8 + WIDTH // 2 * (at % 2) - left, "y": 9 + 18 * (at // 2)}
        for at, row in enumerate(rows)
    ]
    return _names(placed, WIDTH - 10 - left, 18 * ((len(rows) + 1) // 2))


def names_below(rows: Rows, width: int, height: int) -> Spec:
    """Marks with their names below each other, for a place beside a panel."""
    step = min(22, height // len(rows))
    placed = [{**row, "x": 8, "y": step * (at + 0.5)} for at, row in enumerate(rows)]
    return _names(placed, width, height)


def _names(rows: Rows, width: int, height: int) -> Spec:
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, width], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    return layered(
        marks("point", rows, {"stroke": INK, "size": 70}, x=x, y=y, **FILL),
        marks("text", rows, {"align": "left", "dx": 10}, x=x, y=y, text="name:N"),
        width=width,
        height=height,
    )
