"""Charts of labels: R9, R13, R14."""

from typing import Any

import altair as alt

from annotation.report.charts.areas import CROWDED, in_places, matrix, scatter
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import (
    FILL,
    Rows,
    Spec,
    below,
    key,
    layered,
    left_of,
    marks,
    named_rows,
    rows_of_points,
)
from annotation.report.charts.reading import INTERVALS, Figure, percent
from annotation.report.charts.theme import INK, QUIET, WIDTH, shortened, shorter

PAIRS = 8  # in each of two groups
READABLE = 14  # superclasses of a matrix with numbers


def r9(figure: Figure) -> list[Chart]:
    report = figure.report
    known = []
    for row in figure.data["top"]:
        if (accuracy := _mean(row, "accuracy")) is not None:
            known.append((accuracy, row))
    known.sort(key=lambda pair: pair[0])
    if not known:
        return []
    size = min(PAIRS, (len(known) + 1) // 2)
    groups = {
        "told apart worst": [row for _, row in known[:size]],
        "told apart best": [row for _, row in known[max(size, len(known) - size) :]],
    }
    order = report.ranked(report.looks)
    every = [row for group in groups.values() for row in group]
    names = shortened([f"{row['a']} / {row['b']}" for row in every], 34)
    left = left_of(names)
    panels = []
    for heading, group in groups.items():
        if group:
            panels.append(_pairs(figure, heading, group, names[: len(group)], order, left))
            names = names[len(group) :]
    looks = [{"name": look.name, **look.mark()} for look in map(report.look, order)]
    worst, row = known[0]
    title = (
        f"Of these pairs classifiers tell {shorter(row['a'])} and {shorter(row['b'])} apart worst:"
        f" on {percent(worst)} of images, on average"
    )
    return [
        figure.chart(
            title,
            below(*panels, key(looks, left)),
            "At the right: images on which at least half of the workers select both labels, of all"
            " images of either. Dashed: a coin flip.",
        )
    ]


def _mean(row: dict[str, Any], key: str) -> float | None:
    """Over a row's classifiers."""
    values = [model[key] for model in row["models"].values() if model[key] is not None]
    return sum(values) / len(values) if values else None


def _pairs(
    figure: Figure,
    heading: str,
    group: list[dict[str, Any]],
    names: list[str],
    order: list[str],
    left: int,
) -> Spec:
    """Each pair's accuracy by each classifier; the classifiers stand below each other."""
    rows: Rows = []
    shares = []
    for name, pair in zip(names, group, strict=True):
        shares.append({"row": name, "text": f"{pair['both']:,} of {pair['images']:,}"})
        for classifier, model in pair["models"].items():
            if (value := model["accuracy"]) is not None:
                place = str(order.index(classifier))
                look = figure.report.look(classifier).mark()
                rows.append({"row": name, "place": place, "value": value, **look})
    width = WIDTH - left - 70
    y = named_rows(names, grid=True, tickBand="extent")
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
        height=(20 + 2 * min(len(order), 8)) * len(names),
        heading=heading,
    )


def r13(figure: Figure) -> list[Chart]:
    dots = []
    for row in figure.data["classes"]:
        accuracy = _mean(row, "accuracy")
        if accuracy is not None and row["sf"] is not None:
            dots.append({"x": accuracy, "y": row["sf"], "name": row["label"]})
    if not dots:
        return []
    crowded = len(dots) > CROWDED
    extremes = _extremes(dots)
    drawing = scatter(
        in_places(dots),
        "mean top-1 accuracy of the classifiers",
        "dataset label's mean selection frequency",
        named=extremes,
    )
    what = f"{len(dots):,} dataset labels by place" if crowded else "Each dataset label"
    title = f"{what}: how often workers select it, and how often classifiers name it"
    least = min(dots, key=lambda dot: (dot["y"], dot["name"]))
    most = max(dots, key=lambda dot: (dot["y"], dot["name"]))
    if least["y"] < most["y"]:
        title = (
            f"In their own images dataset labels are selected by {percent(least['y'])}"
            f" ({shorter(least['name'])}) to {percent(most['y'])} of workers"
        )
    note = f"{len(dots):,} dataset labels; named: those at the ends."
    if crowded:
        note = f"A circle's area is the number of labels about its place. {note}"
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


def r14(figure: Figure) -> list[Chart]:
    data, report = figure.data, figure.report
    within = data["within_superclass"]
    order = report.ranked(within["models"])
    rows: Rows = [
        {**report.row(name), **figure.point("within_superclass", "models", name)} for name in order
    ]
    rows += figure.peoples({("within_superclass", "human"): "people's main label"})
    rows = [row for row in rows if row["value"] is not None]
    if not rows:
        return []
    drawing = rows_of_points(
        [("", rows)], "images whose label is of the same superclass", [row["row"] for row in rows]
    )
    title = "How often the label is of the dataset label's superclass"
    if within["human"] is not None:
        share = percent(within["human"])
        title = f"People's main label is of the dataset label's superclass on {share} of images"
    charts = [figure.chart(title, drawing, INTERVALS, over=("all", "settled"))]
    title = "Where people's main label is of another superclass"
    charts += _matrix(figure, data["human"], "main label", title, "people", "settled")
    if order:
        title = f"Where {report.look(order[0]).name}'s first label is of another superclass"
        charts += _matrix(
            figure, data["models"][order[0]], "first label", title, "classifier", "all"
        )
    title = "Which superclasses stand beside each other"
    return charts + _matrix(figure, data["co_occurrence"], "", title, "beside", "multi")


def _matrix(
    figure: Figure, counts: list[list[int]] | None, x: str, title: str, part: str, over: str
) -> list[Chart]:
    """x: what the columns are, whose rows are dataset labels; "": both are the same.

    over: the population that is counted.
    """
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
    note = "Stronger: more of the row's images." if x else "Stronger: more images."
    note = f"{'Numbers are images. ' if numbers else ''}{note}"
    return [figure.chart(title, drawing, note, part=part, over=(over,))]
