"""Charts of many things at once: bubbles, scatter, stacked shares, matrices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from annotation.report.charts.forms import (
    NAMES,
    Rows,
    Spec,
    domain_of,
    layered,
    left_of,
    marks,
    named_rows,
)
from annotation.report.charts.theme import INK, QUIET, RAMP, SHADE, WIDTH

CROWDED = 150  # dots
GRID = 40  # places in a share's range
SPOT = {"fill": SHADE, "stroke": INK, "strokeWidth": 0.5, "opacity": 0.85}


def bubbles(counts: Mapping[str, int], x: str, y: str, heading: str = "") -> Spec:
    """Circles for {"x,y": n} with area n; a dotted line where x is y."""
    places = [(*map(int, place.split(",")), n) for place, n in counts.items()]
    rows = [{"x": a, "y": b, "n": n} for a, b, n in places]
    size = (WIDTH - 100) // 2
    axis = alt.Axis(format="d", tickMinStep=1, tickCount=6)
    wide, tall = max(row["x"] for row in rows), max(row["y"] for row in rows)
    across, up = (
        channel(
            f"{field}:Q",
            title=title,
            axis=axis,
            scale=alt.Scale(domain=[-0.6, most + 0.6], nice=False),
        )
        for channel, field, title, most in ((alt.X, "x", x, wide), (alt.Y, "y", y, tall))
    )
    most = alt.Scale(domain=[0, max(row["n"] for row in rows)], range=[0, 420])
    same = [{"x": 0, "y": 0}, {"x": min(wide, tall), "y": min(wide, tall)}]
    dots = {"color": QUIET, "strokeDash": [2, 3], "strokeWidth": 1}
    area = alt.Size("n:Q", legend=None, scale=most)
    return layered(
        marks("line", same, dots, x=across, y=up),
        marks("circle", rows, SPOT, x=across, y=up, size=area),
        width=size,
        height=size,
        heading=heading,
    )


def in_places(dots: Rows) -> Rows:
    """Dots {x, y} with n = 1; very many by their number n in each place of a grid."""
    if len(dots) <= CROWDED:
        return [{**dot, "n": 1} for dot in dots]
    places = Counter((round(dot["x"] * GRID) / GRID, round(dot["y"] * GRID) / GRID) for dot in dots)
    return [{"x": x, "y": y, "n": n} for (x, y), n in sorted(places.items())]


def scatter(
    rows: Rows,
    x: str,
    y: str,
    *,
    named: Sequence[dict[str, Any]] = (),
    width: int = WIDTH - 60,
    height: int = 300,
) -> Spec:
    """Shares {x, y, n}, with area n where several share a place. named: {x, y, name, align}."""
    most = max(row["n"] for row in rows)
    across, up = (
        channel(
            f"{field}:Q",
            title=title,
            axis=alt.Axis(format=".0%", tickCount=5),
            scale=alt.Scale(domain=domain_of([row[field] for row in rows], unit=True), nice=False),
        )
        for channel, field, title in ((alt.X, "x", x), (alt.Y, "y", y))
    )
    sizes = alt.Scale(domain=[1, max(most, 2)], range=[26, 300 if most > 1 else 26])
    area = alt.Size("n:Q", legend=None, scale=sizes)
    layers = [
        marks("circle", rows, SPOT, x=across, y=up, size=area),
        marks("circle", named, {"fill": INK, "opacity": 1, "size": 20}, x=across, y=up),
    ]
    for align, dx in (("left", 7), ("right", -7)):
        if some := [row for row in named if row["align"] == align]:
            text = {"align": align, "dx": dx, "fontSize": 11}
            layers.append(marks("text", some, text, x=across, y=up, text="name:N"))
    return layered(*layers, width=width, height=height)


def stacked(rows: Rows, parts: Sequence[str], x: str, order: Sequence[str]) -> Spec:
    """Shares of a whole, a bar for each row, from the palest part to the darkest.

    rows: {row, part, place, share, n}: n stands at the right.
    """
    width = WIDTH - left_of(order) - 45
    y = named_rows(order)
    shades = alt.Fill(
        "part:N",
        scale=alt.Scale(domain=list(parts), range=RAMP),
        legend=alt.Legend(title=None, symbolType="square", columns=len(parts)),
    )
    share = alt.X(
        "share:Q",
        title=x,
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, 1]),
    )
    bar = {"height": {"band": 0.72}}
    number = {"align": "left", "dx": 4, "color": QUIET, "fontSize": 11}
    last = [row for row in rows if row["place"] == 0]
    return layered(
        marks("bar", rows, bar, x=share, y=y, fill=shades, order=alt.Order("place:Q")),
        marks("text", last, number, x=alt.value(width), y=y, text=alt.Text("n:Q", format=",d")),
        width=width,
        height=22 * len(order),
    )


def matrix(
    cells: Rows,
    order: Sequence[str],
    x: str = "",
    y: str = "",
    *,
    columns: Sequence[str] = (),
    heading: str = "",
    names: bool = True,
) -> Spec:
    """Cells {row, column, value, depth, text}; depth, from 0 to 1, is how dark it is.

    What has no value is not shaded. A square, unless it has `columns` of its own; names: whether
    these stand above.
    """
    across = list(columns or order)
    width = min(WIDTH - left_of(order, 180), 30 * len(across))
    height = 20 * len(order) if columns else width
    above = alt.X(
        "column:N",
        sort=across,
        title=x or None,
        scale=alt.Scale(domain=across),
        axis=alt.Axis(
            **NAMES,
            labelAngle=-45 if width / len(across) > 20 else -90,
            orient="top",
            labels=names,
        ),
    )
    down = named_rows(order)
    down.title = y or None
    depth = alt.Scale(domain=[0, 1], range=[0.05, 0.45])
    dark = alt.FillOpacity("depth:Q", legend=None, scale=depth)
    shaded = [cell for cell in cells if cell["value"] is not None]
    layers = [marks("rect", shaded, {"fill": INK}, x=above, y=down, fillOpacity=dark)]
    if any(cell["text"] for cell in cells):
        layers.append(marks("text", cells, {"fontSize": 11}, x=above, y=down, text="text:N"))
    return layered(*layers, width=width, height=height, heading=heading)
