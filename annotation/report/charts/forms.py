"""The forms that charts are made of: columns, rows of points, points against accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from annotation.report.charts.theme import COLOURS, INK, QUIET, SHADE, SMALL, WIDTH, Look

Rows = list[dict[str, Any]]
Point = Mapping[str, Any]  # {value, low, high}; None where there is none
Line = tuple[str, Point]  # what to compare with, and where it stands


def drawn(rows: Sequence[Mapping[str, Any]]) -> Any:
    return alt.Chart(alt.Data(values=list(rows)))


def heading(text: str) -> alt.TitleParams:
    """Of one panel."""
    return alt.TitleParams(
        text, fontSize=SMALL, fontWeight="normal", color=QUIET, offset=8, frame="group"
    )


def beside(panels: Sequence[Any]) -> Any:
    return panels[0] if len(panels) == 1 else alt.hconcat(*panels, spacing=14)


def columns(
    counts: Mapping[str, int],
    x: str,
    y: str = "images",
    *,
    width: int = WIDTH - 60,
    height: int = 160,
    title: str = "",
    highest: int = 0,
) -> Any:
    """Bars of counts in the order given. highest: of the axis, where panels share one."""
    rows = [{"x": name, "count": count} for name, count in counts.items()]
    base = drawn(rows)
    along = alt.X("x:N", sort=list(counts), title=x)
    along = along.axis(labelAngle=0, ticks=False, labelOverlap=True).scale(padding=0.15)
    top = max(highest, *counts.values(), 1) * 1.1
    up = alt.Y("count:Q", title=y or None, axis=alt.Axis(format=",d", tickMinStep=1, tickCount=4))
    up = up.scale(domain=[0, top], nice=False)
    text = base.mark_text(dy=-7, fontSize=11, color=QUIET)
    layers = [
        base.mark_bar().encode(x=along, y=up),
        text.encode(x=along, y=up, text=alt.Text("count:Q", format=",d")),
    ]
    return alt.layer(*layers).properties(width=width, height=height, title=heading(title))


def domain_of(values: Sequence[float], *, unit: bool, zero: bool = False) -> list[float]:
    """Somewhat wider than the values, with zero if it must be; within [0, 1] where `unit`."""
    low, high = min([*values, 0.0] if zero else values), max([*values, 0.0] if zero else values)
    pad = 0.07 * (high - low) or 0.05
    low, high = low - pad * (not zero or low < 0), high + pad
    return [max(low, -0.005), min(high, 1.005)] if unit else [low, high]


def ends(points: Sequence[Point]) -> list[float]:
    """All numbers that these points reach."""
    return [
        point[key] for point in points for key in ("value", "low", "high") if point[key] is not None
    ]


def rows_of_points(
    panels: Sequence[tuple[str, Rows]],
    x: str,
    order: Sequence[str],
    *,
    unit: bool = True,
    zero: bool = False,
    lines: Mapping[int, Line] | None = None,
    reach: Sequence[float] = (),
) -> Any:
    """Points with their intervals, a row for each of `order`; one panel beside another.

    panels: (heading, rows of {row, series, value, low, high, fill, shape}). The series of a row
    stand below each other. lines: by panel, what to compare with. reach: numbers that the axis
    must include.
    """
    lines = lines or {}
    panels = [(name, [row for row in rows if row["value"] is not None]) for name, rows in panels]
    every = [row for _, rows in panels for row in rows]
    domain = domain_of(
        [*ends([*every, *(point for _, point in lines.values())]), *reach], unit=unit, zero=zero
    )
    series = list(dict.fromkeys(row["series"] for row in every))
    present = {row["row"] for row in every}
    names = [name for name in order if name in present]
    left = min(230, max(map(len, names)) * 7 + 10)
    width = max(80, (WIDTH - left - 14 * (len(panels) - 1)) // len(panels))
    step = 11 * max(len(series), 1) + 10
    made = []
    for at, (name, rows) in enumerate(panels):
        axis = alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK)
        place: dict[str, Any] = {
            "y": alt.Y("row:N", sort=names, title=None, axis=None if at else axis).scale(
                domain=names
            )
        }
        if len(series) > 1:
            offsets = alt.Scale(domain=series, paddingOuter=0.6)
            place["yOffset"] = alt.YOffset("series:N", scale=offsets)
        along = alt.Axis(format=".0%" if unit else "~g", tickCount=max(2, width // 60))
        scale = alt.Scale(domain=domain, nice=False, zero=False)

        def to(field: str, along: Any = along, scale: Any = scale) -> Any:
            return alt.X(f"{field}:Q", title=x, axis=along, scale=scale)

        certain = [row for row in rows if row["low"] is not None]
        layers = [
            *(line_across(*lines[at], to) if at in lines else ()),
            drawn(certain).mark_rule(strokeWidth=1.5).encode(x=to("low"), x2="high:Q", **place),
            drawn(rows)
            .mark_point(stroke=INK)
            .encode(
                x=to("value"),
                fill=alt.Fill("fill:N", scale=None),
                shape=alt.Shape("shape:N", scale=None),
                **place,
            ),
        ]
        panel = alt.layer(*layers).properties(width=width, height=step * len(names))
        made.append(panel.properties(title=heading(name)) if name else panel)
    return beside(made)


def line_across(text: str, point: Point, to: Any, *, up: bool = False) -> list[Any]:
    """A line to compare with, its interval as a band. to: makes the channel of a field."""
    if point["value"] is None:
        return []
    base = drawn([{**point, "text": text}])
    axis = "y" if up else "x"
    layers = []
    if point["low"] is not None:
        band = base.mark_rect(fill=SHADE, opacity=0.3)
        layers.append(band.encode(**{axis: to("low"), f"{axis}2": "high:Q"}))
    rule = base.mark_rule(strokeDash=[5, 3], color=QUIET)
    layers.append(rule.encode(**{axis: to("value")}))
    return layers


def against_accuracy(
    panels: Sequence[tuple[str, Rows]],
    y: str,
    *,
    diagonal: bool = False,
    lines: Mapping[int, Line] | None = None,
) -> Any:
    """Each classifier's number against its overall accuracy, with the intervals of both.

    panels: (heading, rows of {name, fill, shape, x, x_low, x_high, value, low, high}). Beside the
    last panel stand the classifiers' names, from the highest number to the lowest.
    """
    lines = lines or {}
    panels = [(name, [row for row in rows if row["value"] is not None]) for name, rows in panels]
    every = [row for _, rows in panels for row in rows]
    across = [{"value": row["x"], "low": row["x_low"], "high": row["x_high"]} for row in every]
    wide = domain_of(ends(across), unit=True)
    tall = domain_of(ends([*every, *(point for _, point in lines.values())]), unit=True)
    listed = sorted(panels[-1][1] or panels[0][1], key=lambda row: -row["value"])
    right = min(220, max(len(row["name"]) for row in listed) * 7 + 22)
    width = (WIDTH - 50 - right - 22 * (len(panels) - 1)) // len(panels)
    height = max(width, 190, 17 * len(listed))
    made = []
    for at, (name, rows) in enumerate(panels):
        ticks = max(2, width // 55)
        along = alt.Axis(format=".0%", tickCount=ticks)
        up = alt.Axis(format=".0%", tickCount=5, labels=not at, domain=not at, ticks=not at)
        xs, ys = alt.Scale(domain=wide, nice=False), alt.Scale(domain=tall, nice=False)

        def to_x(field: str, axis: Any = along, scale: Any = xs) -> Any:
            return alt.X(f"{field}:Q", title="top-1 accuracy", axis=axis, scale=scale)

        def to_y(field: str, axis: Any = up, scale: Any = ys, text: Any = None if at else y) -> Any:
            return alt.Y(f"{field}:Q", title=text, axis=axis, scale=scale)

        layers = list(line_across(*lines[at], to_y, up=True) if at in lines else ())
        if at in lines and layers:
            label = drawn([{"at": lines[at][1]["value"], "text": lines[at][0], "x": wide[0]}])
            text = label.mark_text(align="left", dx=4, dy=-6, color=QUIET, fontSize=11)
            layers.append(text.encode(x=to_x("x"), y=to_y("at"), text="text:N"))
        if diagonal:
            low, high = max(wide[0], tall[0]), min(wide[1], tall[1])
            corners = drawn([{"a": low}, {"a": high}]) if low < high else None
            if corners is not None:
                same = corners.mark_line(color=QUIET, strokeDash=[2, 3], strokeWidth=1)
                layers.append(same.encode(x=to_x("a"), y=to_y("a")))
        across_rows = [row for row in rows if row["x_low"] is not None]
        certain = [row for row in rows if row["low"] is not None]
        layers += [
            drawn(across_rows)
            .mark_rule(opacity=0.6)
            .encode(x=to_x("x_low"), x2="x_high:Q", y=to_y("value")),
            drawn(certain).mark_rule(opacity=0.6).encode(x=to_x("x"), y=to_y("low"), y2="high:Q"),
            drawn(rows)
            .mark_point(stroke=INK, size=70)
            .encode(
                x=to_x("x"),
                y=to_y("value"),
                fill=alt.Fill("fill:N", scale=None),
                shape=alt.Shape("shape:N", scale=None),
            ),
        ]
        panel = alt.layer(*layers).properties(width=width, height=height)
        made.append(panel.properties(title=heading(name)) if name else panel)
    return alt.hconcat(*made, _names(listed, right, height), spacing=12)


def _names(rows: Rows, width: int, height: int) -> Any:
    """Marks with their names below each other."""
    step = min(22, height // len(rows))
    placed = [{**row, "place": step * (at + 0.5)} for at, row in enumerate(rows)]
    down = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    base = drawn(placed)
    points = base.mark_point(stroke=INK, size=70).encode(
        x=alt.value(8),
        y=down,
        fill=alt.Fill("fill:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
    )
    text = base.mark_text(align="left").encode(x=alt.value(18), y=down, text="name:N")
    return alt.layer(points, text).properties(width=width, height=height)


def bubbles(counts: Mapping[str, int], x: str, y: str) -> Any:
    """Circles for {"x,y": n} with area n."""
    rows = [
        {"x": int(place.split(",")[0]), "y": int(place.split(",")[1]), "n": n}
        for place, n in counts.items()
    ]
    most = max(max(row["x"], row["y"]) for row in rows)
    tall = max(row["y"] for row in rows)
    size = (WIDTH - 90) // 2
    axis = alt.Axis(format="d", tickMinStep=1, tickCount=6)
    across = alt.X(
        "x:Q",
        title=x,
        axis=axis,
        scale=alt.Scale(domain=[-0.6, max(row["x"] for row in rows) + 0.6], nice=False),
    )
    up = alt.Y("y:Q", title=y, axis=axis, scale=alt.Scale(domain=[-0.6, tall + 0.6], nice=False))
    area = alt.Size(
        "n:Q",
        legend=None,
        scale=alt.Scale(domain=[0, max(row["n"] for row in rows)], range=[0, 420]),
    )
    low, high = 0, min(tall, max(row["x"] for row in rows))
    same = drawn([{"x": low, "y": low}, {"x": high, "y": high}])
    return alt.layer(
        same.mark_line(color=QUIET, strokeDash=[2, 3], strokeWidth=1).encode(x=across, y=up),
        drawn(rows)
        .mark_circle(fill=SHADE, opacity=0.85, stroke=INK, strokeWidth=0.5)
        .encode(x=across, y=up, size=area),
    ).properties(width=size, height=size)


def stacked(rows: Rows, parts: Sequence[str], x: str, order: Sequence[str]) -> Any:
    """Shares of a whole, a bar for each row, from the palest part to the darkest.

    rows: {row, part, place, share, n}: n stands at the right.
    """
    left = min(230, max(map(len, order)) * 7 + 10)
    width = WIDTH - left - 50
    axis = alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK)
    y = alt.Y("row:N", sort=list(order), title=None, axis=axis)
    base = drawn(rows)
    steps = [0.08 + 0.8 * at / max(len(parts) - 1, 1) for at in range(len(parts))]
    depth = alt.Opacity("part:N", scale=alt.Scale(domain=list(parts), range=steps))
    depth = depth.legend(
        title=None, symbolType="square", symbolFillColor=INK, columns=5, symbolStrokeWidth=0
    )
    along = alt.X(
        "share:Q", title=x, axis=alt.Axis(format=".0%", tickCount=5), scale=alt.Scale(domain=[0, 1])
    )
    last = drawn([row for row in rows if row["place"] == 0])
    return alt.layer(
        base.mark_bar(fill=INK, stroke=INK, strokeWidth=0.4, height={"band": 0.72}).encode(
            x=along, y=y, opacity=depth, order=alt.Order("place:Q")
        ),
        last.mark_text(align="left", dx=4, color=QUIET, fontSize=11).encode(
            x=alt.value(width), y=y, text=alt.Text("n:Q", format=",d")
        ),
    ).properties(width=width, height=22 * len(order))


def matrix(cells: Rows, order: Sequence[str], x: str, y: str, *, numbers: bool) -> Any:
    """Cells {row, column, value, depth} of a square; depth, from 0 to 1, is how dark it is."""
    left = min(180, max(map(len, order)) * 7 + 10)
    size = min(WIDTH - left, 30 * len(order))
    base = drawn(cells)
    axis = alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK, labelLimit=180)
    across = alt.X("column:N", sort=list(order), title=x, scale=alt.Scale(domain=list(order)))
    across = across.axis(
        grid=False,
        ticks=False,
        domain=False,
        labelColor=INK,
        labelAngle=-45,
        orient="top",
        labelLimit=120,
    )
    down = alt.Y("row:N", sort=list(order), title=y, axis=axis, scale=alt.Scale(domain=list(order)))
    depth = alt.FillOpacity(
        "depth:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.04, 0.75])
    )
    layers = [base.mark_rect(fill=COLOURS[0]).encode(x=across, y=down, fillOpacity=depth)]
    if numbers:
        text = base.mark_text(fontSize=11)
        layers.append(text.encode(x=across, y=down, text="text:N"))
    return alt.layer(*layers).properties(width=size, height=size)


def scatter(
    rows: Rows,
    x: tuple[str, str],
    y: tuple[str, str],
    *,
    n: str,
    named: Rows = (),
    width: int = WIDTH - 60,
    height: int = 300,
    log: bool = False,
) -> Any:
    """Places {x, y, n}, with area n where several share one; `named` have their name beside them.

    x, y: (title, format).
    """
    most = max(row["n"] for row in rows)
    kind = "log" if log else "linear"
    xs = (
        alt.Scale(type=kind, nice=False)
        if log
        else alt.Scale(domain=domain_of([row["x"] for row in rows], unit=True), nice=False)
    )
    ys = alt.Scale(domain=domain_of([row["y"] for row in rows], unit=True), nice=False)
    across = alt.X("x:Q", title=x[0], axis=alt.Axis(format=x[1], tickCount=5), scale=xs)
    up = alt.Y("y:Q", title=y[0], axis=alt.Axis(format=y[1], tickCount=5), scale=ys)
    area = alt.Size(
        "n:Q",
        legend=None,
        scale=alt.Scale(domain=[1, max(most, 2)], range=[26, 26 if most == 1 else 300]),
    )
    dots = drawn(rows).mark_circle(fill=SHADE, stroke=INK, strokeWidth=0.5, opacity=0.85)
    layers = [dots.encode(x=across, y=up, size=area)]
    for row in named:
        text = drawn([row]).mark_text(
            align=row["align"],
            dx=7 if row["align"] == "left" else -7,
            dy=row.get("dy", 0),
            fontSize=11,
        )
        layers.append(text.encode(x=across, y=up, text="name:N"))
    return alt.layer(*layers).properties(width=width, height=height)


def mark(look: Look, *, filled: bool = True) -> dict[str, str]:
    """A classifier's mark; an open one for the second of two series."""
    return {"fill": look.colour if filled else "transparent", "shape": look.shape}
