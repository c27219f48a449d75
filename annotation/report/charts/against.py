"""Charts of classifiers' numbers against their overall accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from annotation.report.charts.forms import (
    FILL,
    Line,
    Rows,
    Spec,
    below,
    beside,
    domain_of,
    ends,
    key,
    layered,
    left_of,
    line_across,
    marks,
    names_below,
    ticks_in,
)
from annotation.report.charts.theme import INK, QUIET, WIDTH


def against_accuracy(
    panels: Sequence[tuple[str, Rows]],
    y: str,
    *,
    diagonal: bool = False,
    lines: Mapping[int, Line] | None = None,
) -> Spec:
    """Each classifier's number against its overall accuracy, with the intervals of both.

    panels: (heading, rows of {name, fill, shape, x, x_low, x_high, value, low, high}). The names
    stand beside one panel, from the highest number to the lowest, and below several. lines: by
    panel, what to compare with.
    """
    lines = lines or {}
    panels = [(name, [row for row in rows if row["value"] is not None]) for name, rows in panels]
    panels = [(name, rows) for name, rows in panels if rows]
    every = [row for _, rows in panels for row in rows]
    across = [{"value": row["x"], "low": row["x_low"], "high": row["x_high"]} for row in every]
    wide = domain_of(ends(across), unit=True)
    tall = domain_of(ends([*every, *(point for _, point in lines.values())]), unit=True)
    listed = sorted(panels[-1][1], key=lambda row: -row["value"])
    right = left_of([row["name"] for row in listed]) + 12 if len(panels) == 1 else 0
    width = (WIDTH - 60 - right - 14 * (len(panels) - 1)) // len(panels)
    height = max(190, 17 * len(listed) if right else 0)
    xs, ys = (alt.Scale(domain=domain, nice=False, zero=False) for domain in (wide, tall))
    along = alt.Axis(format=".0%", values=ticks_in(wide, max(3, width // 45)))

    def to_x(field: str) -> Any:
        return alt.X(f"{field}:Q", title="top-1 accuracy", axis=along, scale=xs)

    made = []
    for at, (name, rows) in enumerate(panels):
        up = alt.Axis(format=".0%", values=ticks_in(tall, 6), labels=not at, ticks=not at)

        def to_y(field: str, up: Any = up, title: str | None = None if at else y) -> Any:
            return alt.Y(f"{field}:Q", title=title, axis=up, scale=ys)

        layers = []
        if at in lines:
            text, point = lines[at]
            layers += line_across(point, to_y, up=True)
            if layers:
                label = {"align": "left", "dx": 4, "dy": -6, "color": QUIET, "fontSize": 11}
                place = [{"x": wide[0], "value": point["value"], "text": text}]
                layers.append(
                    marks("text", place, label, x=to_x("x"), y=to_y("value"), text="text:N")
                )
        low, high = max(wide[0], tall[0]), min(wide[1], tall[1])
        if diagonal and low < high:
            dots = {"color": QUIET, "strokeDash": [2, 3], "strokeWidth": 1}
            layers.append(
                marks("line", [{"at": low}, {"at": high}], dots, x=to_x("at"), y=to_y("at"))
            )
        sure_x = [row for row in rows if row["x_low"] is not None]
        sure_y = [row for row in rows if row["low"] is not None]
        thin = {"opacity": 0.6}
        layers += [
            marks("rule", sure_x, thin, x=to_x("x_low"), x2="x_high:Q", y=to_y("value")),
            marks("rule", sure_y, thin, x=to_x("x"), y=to_y("low"), y2="high:Q"),
            marks("point", rows, {"stroke": INK, "size": 70}, x=to_x("x"), y=to_y("value"), **FILL),
        ]
        made.append(layered(*layers, width=width, height=height, heading=name))
    if right:
        return beside(*made, names_below(listed, right, height))
    return below(beside(*made), key(listed))
