"""Charts of what images show: R1, R2, R5, R7, R8."""

import altair as alt

from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import columns, rows_of_points
from annotation.report.charts.reading import INTERVALS, Figure, percent
from annotation.report.charts.theme import PEOPLE

PEOPLES = {"fill": PEOPLE[0], "shape": PEOPLE[1]}
OPEN = {"fill": "transparent", "shape": "diamond"}
MOST = 10  # columns of a histogram; what is beyond stands in the last


def r1(figure: Figure) -> list[Chart]:
    counts = histogram(figure.data["histogram_settled"])
    if not counts:
        return []
    share = figure.point("fraction_multi", "of_settled")
    kinds = {
        "of_settled": "of settled images",
        "of_follow_up": "of those followed up",
        "of_all_images": "of all images",
        "weighted": "of all, weighted",
    }
    rows = [
        {"row": text, "series": "", **figure.point("fraction_multi", key), **PEOPLES}
        for key, text in kinds.items()
    ]
    drawing = alt.vconcat(
        columns(counts, "objects in an image", "settled images"),
        rows_of_points(
            [("", rows)], "images with several objects", list(kinds.values()), zero=True
        ),
        spacing=16,
    )
    title = f"{percent(share['value'])} of settled images show more than one object"
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
            title=f"selected {names[t]}",
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
    drawing = alt.vconcat(
        alt.hconcat(*panels, spacing=10),
        rows_of_points([("", rows)], "images with another label", list(names.values()), zero=True),
        spacing=16,
    )
    share = percent(figure.point("thresholds", "1.0", "fraction_with_another")["value"])
    title = f"On {share} of images another label is selected at least as often as the dataset label"
    return [
        figure.chart(
            title,
            drawing,
            "Labels selected at least so often as the dataset label, itself among them.",
            "Filled: as counted; open: one half of the workers chooses the other label, the other"
            " half is asked (cross-fitted).",
            INTERVALS,
        )
    ]


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
