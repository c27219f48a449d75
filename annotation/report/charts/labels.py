"""Charts of labels: R9, R13, R14."""

from collections import Counter
from typing import Any

import altair as alt

from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import (
    Rows,
    drawn,
    heading,
    mark,
    matrix,
    rows_of_points,
    scatter,
)
from annotation.report.charts.reading import INTERVALS, Figure, percent
from annotation.report.charts.theme import INK, PEOPLE, QUIET, WIDTH, shortened, shorter

PAIRS = 8  # in each of two groups
NAMED = 4  # classes at each end
CROWDED = 150  # dots; more are drawn by their number in each place
GRID = 40
READABLE = 14  # superclasses of a matrix with numbers


def r9(figure: Figure) -> list[Chart]:
    report = figure.report
    known = []
    for row in figure.data["top"]:
        values = [model["accuracy"] for model in row["models"].values()]
        values = [value for value in values if value is not None]
        if values:
            known.append((sum(values) / len(values), row))
    if not known:
        return []
    known.sort(key=lambda pair: pair[0])
    size = min(PAIRS, (len(known) + 1) // 2)
    groups = {
        "told apart worst": known[:size],
        "told apart best": known[max(size, len(known) - size) :],
    }
    every = [row for group in groups.values() for _, row in group]
    texts = shortened([f"{row['a']} / {row['b']}" for row in every], 34)
    names = {id(row): text for row, text in zip(every, texts, strict=True)}
    left = min(230, 7 * max(map(len, texts)) + 10)
    panels = []
    for text, group in groups.items():
        if not group:
            continue
        rows: Rows = [
            {
                "row": names[id(row)],
                "value": model["accuracy"],
                **mark(report.look(name)),
            }
            for _, row in group
            for name, model in row["models"].items()
            if model["accuracy"] is not None
        ]
        shares = [
            {"row": names[id(row)], "text": f"{row['both']} of {row['images']}"} for _, row in group
        ]
        order = [names[id(row)] for _, row in group]
        axis = alt.Axis(ticks=False, domain=False, grid=True, labelColor=INK)
        y = alt.Y("row:N", sort=order, title=None, axis=axis, scale=alt.Scale(domain=order))
        last = group is list(groups.values())[-1] or not list(groups.values())[-1]
        x = alt.X(
            "value:Q",
            title="accuracy on the two" if last else None,
            scale=alt.Scale(domain=[0, 1.02], nice=False),
        )
        x = x.axis(format=".0%", tickCount=5)
        width = WIDTH - left - 60
        coin = drawn([{"value": 0.5}]).mark_rule(strokeDash=[5, 3], color=QUIET).encode(x=x)
        points = (
            drawn(rows)
            .mark_point(stroke=INK, size=46, strokeWidth=0.7)
            .encode(
                x=x,
                y=y,
                fill=alt.Fill("fill:N", scale=None),
                shape=alt.Shape("shape:N", scale=None),
            )
        )
        both = (
            drawn(shares)
            .mark_text(align="left", dx=6, color=QUIET, fontSize=11)
            .encode(x=alt.value(width), y=y, text="text:N")
        )
        panel = alt.layer(coin, points, both)
        panels.append(panel.properties(width=width, height=20 * len(order), title=heading(text)))
    drawing = alt.vconcat(*panels, _key(figure), spacing=12)
    worst, row = known[0]
    title = (
        f"Classifiers tell {shorter(row['a'])} from {shorter(row['b'])} on {percent(worst)} of"
        " their images, on average: the lowest of these pairs"
    )
    return [
        figure.chart(
            title,
            drawing,
            "At the right: images on which at least half of the workers select both labels, of all"
            " images of either. Dashed: a coin flip.",
            over=("",),
        )
    ]


def _key(figure: Figure) -> Any:
    """The classifiers' marks with their names, two beside each other."""
    report = figure.report
    names = report.ranked(report.looks)
    rows = [
        {
            "name": report.look(name).name,
            **mark(report.look(name)),
            "x": 8 + 240 * (at % 2),
            "y": 9 + 18 * (at // 2),
        }
        for at, name in enumerate(names)
    ]
    height = 18 * ((len(rows) + 1) // 2)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 480], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False))
    base = drawn(rows)
    return alt.layer(
        base.mark_point(stroke=INK).encode(
            x=x, y=y, fill=alt.Fill("fill:N", scale=None), shape=alt.Shape("shape:N", scale=None)
        ),
        base.mark_text(align="left", dx=10).encode(x=x, y=y, text="name:N"),
    ).properties(width=480, height=height)


def r13(figure: Figure) -> list[Chart]:
    dots = []
    for row in figure.data["classes"]:
        values = [model["accuracy"] for model in row["models"].values()]
        values = [value for value in values if value is not None]
        if values and row["sf"] is not None:
            dots.append({"x": sum(values) / len(values), "y": row["sf"], "name": row["label"]})
    if not dots:
        return []
    crowded = len(dots) > CROWDED
    extremes = _extremes(dots)
    drawing = scatter(
        in_places(dots) if crowded else [{**dot, "n": 1} for dot in dots],
        ("mean top-1 accuracy of the classifiers", ".0%"),
        ("dataset label's mean selection frequency", ".0%"),
        n="labels",
        named=extremes,
    )
    lowest = min(dots, key=lambda dot: (dot["y"], dot["name"]))
    what = "labels in each place, by area" if crowded else "each label"
    title = f"People and classifiers, {what}: {shorter(lowest['name'])} is selected least"
    note = f"{len(dots):,} dataset labels; named: those at the ends."
    if crowded:
        note = f"A circle's area is the number of labels within {100 // GRID} or so points. {note}"
    return [figure.chart(title, drawing, note)]


def _extremes(dots: Rows) -> Rows:
    """The dots at the ends, with their names on the side that has room."""
    spread = [
        (lambda dot: (dot["y"] - dot["x"], dot["name"])),  # classifiers do better than people say
        (lambda dot: (dot["x"] - dot["y"], dot["name"])),
        (lambda dot: (dot["y"], dot["name"])),
    ]
    chosen: dict[str, Any] = {}
    for key in spread:
        for dot in sorted(dots, key=key)[: NAMED - 1]:
            chosen.setdefault(dot["name"], dot)
    middle = (min(dot["x"] for dot in dots) + max(dot["x"] for dot in dots)) / 2
    heights = [dot["y"] for dot in dots]
    gap = (max(heights) - min(heights) or 1) / 24
    placed: Rows = []
    for dot in sorted(chosen.values(), key=lambda dot: dot["y"]):
        align = "left" if dot["x"] <= middle else "right"
        if all(other["align"] != align or abs(other["y"] - dot["y"]) >= gap for other in placed):
            placed.append({**dot, "name": shorter(dot["name"], 24), "align": align})
    return placed


def in_places(dots: Rows) -> Rows:
    """How many dots fall in each place of a grid."""
    places = Counter((round(dot["x"] * GRID) / GRID, round(dot["y"] * GRID) / GRID) for dot in dots)
    return [{"x": x, "y": y, "n": n} for (x, y), n in sorted(places.items())]


def r14(figure: Figure) -> list[Chart]:
    data, report = figure.data, figure.report
    names = shortened(data["superclasses"], 22)
    charts = []
    within = data["within_superclass"]
    order = report.ranked(within["models"])
    rows = [
        {
            "row": report.look(name).name,
            "series": "",
            **figure.point("within_superclass", "models", name),
            **mark(report.look(name)),
        }
        for name in order
    ]
    people = {"fill": PEOPLE[0], "shape": PEOPLE[1]}
    rows.append(
        {
            "row": "workers' main label",
            "series": "",
            **figure.point("within_superclass", "human"),
            **people,
        }
    )
    rows = [row for row in rows if row["value"] is not None]
    if not rows:
        return []
    drawing = rows_of_points(
        [("", rows)], "images whose label is of the same superclass", [row["row"] for row in rows]
    )
    title = "How often the label is of the dataset label's superclass"
    charts.append(figure.chart(title, drawing, INTERVALS))
    matrices = [
        (
            "people",
            data["human"],
            "main label",
            "Where people's main label is of another superclass",
        )
    ]
    if order and within["models"][order[0]] is not None:
        best = order[0]
        matrices.append(
            (
                "classifier",
                data["models"][best],
                "first label",
                f"Where {report.look(best).name}'s first label is of another superclass",
            )
        )
    matrices.append(
        ("beside", data["co_occurrence"], "", "Which superclasses stand beside each other")
    )
    for part, counts, x, title in matrices:
        if counts is None or not any(map(any, counts)):
            continue
        charts.append(_matrix(figure, names, counts, x, title, part))
    return charts


def _matrix(
    figure: Figure, names: list[str], counts: list[list[int]], x: str, title: str, part: str
) -> Chart:
    symmetric = part == "beside"
    most = max(map(max, counts))
    cells = [
        {
            "row": names[a],
            "column": names[b],
            "value": count,
            "text": f"{count:,}",
            "depth": count / (most if symmetric else sum(row)),
        }
        for a, row in enumerate(counts)
        for b, count in enumerate(row)
        if count
    ]
    used = [name for name in names if any(name in (cell["row"], cell["column"]) for cell in cells)]
    y = "" if symmetric else "dataset label"
    drawing = matrix(cells, used, x, y, numbers=len(used) <= READABLE)
    note = "Darker: more images." if symmetric else "Darker: more of the row's images."
    return figure.chart(
        title, drawing, f"Numbers are images. {note}" if len(used) <= READABLE else note, part=part
    )
