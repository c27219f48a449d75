"""Charts of what images show: R1, R2, R5, R7, R8."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from annotation.report.charts.areas import bubbles
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import (
    below,
    beside,
    columns,
    layered,
    left_of,
    marks,
    named_rows,
    rows_of_points,
)
from annotation.report.charts.reading import INTERVALS, Figure, percent
from annotation.report.charts.theme import INK, OPEN, PEOPLES, QUIET, WIDTH, shortened, shorter

AREAS = "A circle's area is the number of images; dotted: the same number on both axes."
LISTED = 15  # of pairs
MOST = 10  # columns of a histogram; what is beyond stands in the last


def r1(figure: Figure) -> list[Chart]:
    counts = histogram(figure.data["histogram_settled"])
    if not counts:
        return []
    share = figure.point("fraction_multi", "of_settled")
    kinds = {
        ("fraction_multi", "of_settled"): "of settled images",
        ("fraction_multi", "of_follow_up"): "of those followed up",
        ("fraction_multi", "of_all_images"): "of all images",
        ("fraction_multi", "weighted"): "of all, weighted",
    }
    rows = figure.peoples(kinds)
    drawing = below(
        columns(counts, "objects in an image", "settled images"),
        rows_of_points(
            [("", rows)], "images with several objects", list(kinds.values()), zero=True
        ),
    )
    title = f"{percent(share['value'])} of settled images show more than one object"
    if not share["value"]:
        title = "No settled image shows more than one object"
    return [figure.chart(title, drawing, INTERVALS)]


def r2(figure: Figure) -> list[Chart]:
    top, pairs = figure.data["top"][:LISTED], figure.data["pairs"]
    if not top:
        return []
    names = shortened([f"{row['other']} beside {row['dataset_label']}" for row in top], 40)
    rows = [
        {"row": name, "p": row["p"], "shrunk": row["p_shrunk"], "of": _of(row)}
        for name, row in zip(names, top, strict=True)
    ]
    width = WIDTH - left_of(names, 270) - 50
    y = named_rows(names)
    axis = alt.Axis(format=".0%", tickCount=4)
    title = "of the second label's images"
    p, shrunk = (
        alt.X(f"{key}:Q", title=title, axis=axis, scale=alt.Scale(domain=[0, 1], nice=False))
        for key in ("p", "shrunk")
    )
    diamond = {"fill": INK, "stroke": INK, "shape": "diamond"}
    number = {"align": "left", "dx": 6, "color": QUIET, "fontSize": 11}
    drawing = layered(
        marks("bar", rows, {"height": {"band": 0.7}}, x=p, y=y),
        marks("point", rows, diamond, x=shrunk, y=y),
        marks("text", rows, number, x=alt.value(width), y=y, text="of:N"),
        width=width,
        height=19 * len(rows),
    )
    other, own = shorter(top[0]["other"]), shorter(top[0]["dataset_label"])
    first = (
        f" Of {pairs:,} pairs the first {len(top)} on three images or more."
        if len(top) < pairs
        else ""
    )
    return [
        figure.chart(
            f"{other} stands beside {own} on {_of(top[0])} images",
            drawing,
            "Bars: the share of images; diamonds: that share drawn towards the mean of all, as far"
            f" as shares differ by chance.{first}",
        )
    ]


def _of(row: Mapping[str, Any]) -> str:
    return f"{row['images']:,} of {row['of']:,}"


def r5(figure: Figure) -> list[Chart]:
    tenths = figure.data["share_tenths"]
    if not sum(tenths):
        return []
    shares = {
        ("mean_share",): "votes for the dataset label",
        ("mean_share_single",): "... with one object",
        ("mean_share_multi",): "... with several",
        ("disagreements_of_multi",): "another main object, of several",
    }
    rows = figure.peoples(shares)
    drawing = below(
        columns(
            {f"{10 * at}-{10 * at + 10}": count for at, count in enumerate(tenths)},
            "percent of an image's workers whose main label is the dataset label",
        ),
        rows_of_points([("", rows)], "mean share", list(shares.values()), zero=True),
    )
    mean = percent(figure.point("mean_share")["value"])
    title = f"On average {mean} of workers take the dataset label for the main object"
    return [figure.chart(title, drawing, INTERVALS)]


def r7(figure: Figure) -> list[Chart]:
    thresholds = figure.data["thresholds"]
    counts = {t: histogram(each["histogram"]) for t, each in thresholds.items()}
    if not any(map(len, counts.values())):
        return []
    names = {t: "as often" if t == "1.0" else f"{t} x as often" for t in thresholds}
    highest = max(max(each.values(), default=0) for each in counts.values())
    panels = [
        columns(
            each,
            "labels in an image",
            "" if at else "images",
            width=128,
            height=130,
            heading=f"selected {names[t]}",
            highest=highest,
        )
        for at, (t, each) in enumerate(counts.items())
    ]
    shares = {
        "fraction_with_another": ("another label", PEOPLES),
        "cross_fitted": ("the same, cross-fitted", OPEN),
    }
    rows = [
        {"row": names[t], "series": text, **figure.point("thresholds", t, key), **look}
        for t in thresholds
        for key, (text, look) in shares.items()
    ]
    drawing = below(
        beside(*panels, spacing=10),
        rows_of_points([("", rows)], "images with another label", list(names.values()), zero=True),
    )
    share = percent(figure.point("thresholds", "1.0", "fraction_with_another")["value"])
    title = f"On {share} of images another label is selected at least as often as the dataset label"
    return [
        figure.chart(
            title,
            drawing,
            "Labels selected at least as often as said, the dataset label among them.",
            "Filled: as counted; open: one half of the workers chooses the other label, the other"
            " half is asked (cross-fitted).",
            INTERVALS,
        )
    ]


def r8(figure: Figure) -> list[Chart]:
    data, charts = figure.data, []
    objects, selected = data["by_num_objects"], data["by_mean_selected"]
    two, offered, main = (
        figure.point(key)["value"] for key in ("mean_labels_two", "mean_offered", "mean_main")
    )
    x = "labels that two or more selected in CONTAINS"
    if objects and selected:
        drawing = beside(
            bubbles(objects, x, "objects in an image"),
            bubbles(selected, "the same", "mean labels selected in CLASSIFY"),
        )
        title = f"At least two workers select {two:.1f} labels in an image, on average"
        charts.append(figure.chart(title, drawing, AREAS))
    every, single = data["main_by_offered"], data["main_by_offered_single"]
    if every:
        x, y = "labels offered", "labels that anybody named main"
        panels = [bubbles(every, x, y, "followed-up images")]
        if single:
            panels.append(bubbles(single, x, y, "those with one object"))
        title = f"Of {offered:.1f} labels offered, somebody names {main:.1f} the main one"
        charts.append(figure.chart(title, beside(*panels), AREAS, part="main"))
    return charts


def histogram(counts: dict[str, int]) -> dict[str, int]:
    """By number, ascending and without gaps; many numbers end in one column "10+"."""
    numbers = {int(number): count for number, count in counts.items()}
    if not numbers:
        return {}
    low, high = min(min(numbers), 1), max(numbers)
    last = low + MOST
    result = {str(number): numbers.get(number, 0) for number in range(low, min(high, last) + 1)}
    if high > last:
        del result[str(last)]
        result[f"{last}+"] = sum(count for number, count in numbers.items() if number >= last)
    return result
