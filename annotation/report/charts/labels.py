"""Charts of labels: R9, R13, R14."""

from collections import Counter
from typing import Any

import altair as alt

from annotation.report.charts.areas import matrix, scatter
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import (
    FILL,
    Rows,
    Spec,
    below,
    key,
    layered,
    left_of,
    mark,
    marks,
    named_rows,
    rows_of_points,
)
from annotation.report.charts.reading import INTERVALS, Figure, percent
from annotation.report.charts.theme import INK, PEOPLES, QUIET, WIDTH, shortened, shorter

PAIRS = 8  # in each of two groups
CROWDED = 150  # dots; more are drawn by their number in each place
GRID = 40
READABLE = 14  # superclasses of a matrix with numbers


def r9(figure: Figure) -> list[Chart]:
    report = figure.report
    known = []
    for row in figure.data["top"]:
        values = [model["accuracy"] for model in row["models"].values()]
        if values := [value for value in values if value is not None]:
            known.append((sum(values) / len(values), row))
    if not known:
        return []
    known.sort(key=lambda pair: pair[0])
    size = min(PAIRS, (len(known) + 1) // 2)
    groups = {
        "told apart worst": known[:size],
        "told apart best": known[max(size, len(known) - size) :],
    }
    order = report.ranked(report.looks)
    panels = [_pairs(figure, text, group, order) for text, group in groups.items() if group]
    drawing = below(
        *panels, key([{"name": look.name, **mark(look)} for look in map(report.look, order)])
    )
    worst, row = known[0]
    title = (
        f"Of these pairs classifiers tell {shorter(row['a'])} and {shorter(row['b'])} apart worst:"
        f" on {percent(worst)} of images, on average"
    )
    return [
        figure.chart(
            title,
            drawing,
            "At the right: images on which at least half of the workers select both labels, of all"
            " images of either. Dashed: a coin flip.",
        )
    ]


def _pairs(figure: Figure, heading: str, group: list[Any], order: list[str]) -> Spec:
    """Each pair's accuracy by each classifier; the classifiers stand below each other."""
    texts = shortened([f"{row['a']} / {row['b']}" for _, row in group], 34)
    rows: Rows = []
    shares = []
    for text, (_, row) in zip(texts, group, strict=True):
        shares.append({"row": text, "text": f"{row['both']:,} of {row['images']:,}"})
        for name, model in row["models"].items():
            if (value := model["accuracy"]) is not None:
                place = str(order.index(name))
                look = mark(figure.report.look(name))
                rows.append({"row": text, "place": place, "value": value, **look})
    width = WIDTH - left_of(texts) - 70
    y = named_rows(texts, grid=True, tickBand="extent")
    x = alt.X(
        "value:Q",
        title="accuracy on the two",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, 1.03], nice=False),
    )
    places = alt.Scale(domain=[str(at) for at in range(len(order))], paddingOuter=1)
    spread = alt.YOffset("place:N", scale=places)
    coin = {"strokeDash": [5, 3], "color": QUIET}
    number = {"align": "left", "dx": 6, "color": QUIET, "fontSize": 11}
    small = {"stroke": INK, "size": 40, "strokeWidth": 0.7}
    return layered(
        marks("rule", [{"value": 0.5}], coin, x=x),
        marks("point", rows, small, x=x, y=y, yOffset=spread, **FILL),
        marks("text", shares, number, x=alt.value(width), y=y, text="text:N"),
        width=width,
        height=(20 + 2 * min(len(order), 8)) * len(texts),
        heading=heading,
    )


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
        "mean top-1 accuracy of the classifiers",
        "dataset label's mean selection frequency",
        named=extremes,
    )
    what = f"{len(dots):,} dataset labels by place" if crowded else "Each dataset label"
    title = f"{what}: how often workers select it, and how often classifiers name it"
    note = f"{len(dots):,} dataset labels; named: those at the ends."
    if crowded:
        note = f"A circle's area is the number of labels within {100 // GRID} or so points. {note}"
    return [figure.chart(title, drawing, note)]


def _extremes(dots: Rows) -> Rows:
    """The dots at the ends, with their names on the side that has room."""
    ranks = [
        (lambda dot: (dot["y"], dot["name"]), 3),
        (lambda dot: (dot["x"], dot["name"]), 2),
        (lambda dot: (dot["y"] - dot["x"], dot["name"]), 2),
    ]
    chosen: dict[str, Any] = {}
    for rank, most in ranks:
        chosen |= {dot["name"]: dot for dot in sorted(dots, key=rank)[:most]}
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
    within = data["within_superclass"]
    order = report.ranked(within["models"])
    rows: Rows = [
        {
            "row": report.look(name).name,
            "series": "",
            **figure.point("within_superclass", "models", name),
            **mark(report.look(name)),
        }
        for name in order
    ]
    human = figure.point("within_superclass", "human")
    rows.append({"row": "people's main label", "series": "", **human, **PEOPLES})
    rows = [row for row in rows if row["value"] is not None]
    if not rows:
        return []
    drawing = rows_of_points(
        [("", rows)], "images whose label is of the same superclass", [row["row"] for row in rows]
    )
    title = "How often the label is of the dataset label's superclass"
    charts = [figure.chart(title, drawing, INTERVALS)]
    title = "Where people's main label is of another superclass"
    charts += _matrix(figure, data["human"], "main label", title, "people")
    if order:
        title = f"Where {report.look(order[0]).name}'s first label is of another superclass"
        charts += _matrix(figure, data["models"][order[0]], "first label", title, "classifier")
    title = "Which superclasses stand beside each other"
    return charts + _matrix(figure, data["co_occurrence"], "", title, "beside")


def _matrix(
    figure: Figure, counts: list[list[int]] | None, x: str, title: str, part: str
) -> list[Chart]:
    """x: what the columns are, whose rows are dataset labels; "": both are the same."""
    if not counts or not any(map(any, counts)):
        return []
    names = shortened(figure.data["superclasses"], 22)
    used = [at for at, row in enumerate(counts) if any(row) or any(each[at] for each in counts)]
    most = max(map(max, counts))
    numbers = len(used) <= READABLE
    cells = [
        {
            "row": names[a],
            "column": names[b],
            "value": counts[a][b],
            "text": f"{counts[a][b]:,}" if numbers else "",
            "depth": counts[a][b] / (sum(counts[a]) if x else most),
        }
        for a in used
        for b in used
        if counts[a][b]
    ]
    drawing = matrix(cells, [names[at] for at in used], x, "dataset label" if x else "")
    note = "Darker: more of the row's images." if x else "Darker: more images."
    note = f"{'Numbers are images. ' if numbers else ''}{note}"
    return [figure.chart(title, drawing, note, part=part)]
