"""Charts of what images show: R1, R2, R5, R7, R8."""

import altair as alt

from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import beside, bubbles, columns, drawn, heading, rows_of_points
from annotation.report.charts.reading import INTERVALS, Figure, percent
from annotation.report.charts.theme import INK, PEOPLE, QUIET, WIDTH, shortened, shorter

PEOPLES = {"fill": PEOPLE[0], "shape": PEOPLE[1]}
OPEN = {"fill": "transparent", "shape": "diamond"}
AREAS = "A circle's area is the number of images; dotted: the same number on both axes."
LISTED = 15  # of pairs
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


def r2(figure: Figure) -> list[Chart]:
    top = figure.data["top"][:LISTED]
    if not top:
        return []
    names = shortened([f"{row['other']} beside {row['dataset_label']}" for row in top], 40)
    rows = [
        {
            "row": name,
            "p": row["p"],
            "shrunk": row["p_shrunk"],
            "of": f"{row['images']} of {row['of']}",
        }
        for name, row in zip(names, top, strict=True)
    ]
    base = drawn(rows)
    axis = alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK, labelLimit=270)
    y = alt.Y("row:N", sort=names, title=None, axis=axis)
    along = alt.Axis(format=".0%", tickCount=4)
    x = alt.X("p:Q", title="of the second one's images", axis=along)
    x = x.scale(domain=[0, 1])
    left = min(270, 6.5 * max(map(len, names)) + 10)
    drawing = alt.layer(
        base.mark_bar(height={"band": 0.7}).encode(x=x, y=y),
        base.mark_point(fill=INK, stroke=INK, shape="diamond").encode(x="shrunk:Q", y=y),
        base.mark_text(align="left", dx=4, color=QUIET, fontSize=11).encode(
            x=alt.value(WIDTH - left - 50), y=y, text="of:N"
        ),
    ).properties(width=WIDTH - left - 50, height=19 * len(rows))
    first = top[0]
    title = (
        f"{shorter(first['other'])} stands beside {shorter(first['dataset_label'])} on"
        f" {percent(first['p'])} of its images"
    )
    return [
        figure.chart(
            title,
            drawing,
            "Bars: the share of images, with images of images at the right; diamonds: that share"
            " drawn towards the mean of all, as far as shares differ by chance."
            + (
                f" The first {LISTED} of {figure.data['pairs']:,} pairs."
                if len(figure.data["top"]) > LISTED
                else ""
            ),
        )
    ]


def r5(figure: Figure) -> list[Chart]:
    tenths = figure.data["share_tenths"]
    if not sum(tenths):
        return []
    shares = {
        "mean_share": "votes for the dataset label",
        "mean_share_single": "... with one object",
        "mean_share_multi": "... with several",
        "disagreements_of_multi": "another main object, of several",
    }
    rows = [
        {"row": text, "series": "", **figure.point(key), **PEOPLES} for key, text in shares.items()
    ]
    drawing = alt.vconcat(
        columns(
            {f"{10 * at}-{10 * at + 10} %": count for at, count in enumerate(tenths)},
            "workers whose main label is the dataset label",
        ),
        rows_of_points([("", rows)], "mean share", list(shares.values()), zero=True),
        spacing=16,
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


def r8(figure: Figure) -> list[Chart]:
    charts = []
    panels = {
        "objects in an image": figure.data["by_num_objects"],
        "mean labels selected in CLASSIFY": figure.data["by_mean_selected"],
    }
    if all(panels.values()):
        drawing = beside(
            [
                bubbles(counts, "labels selected by two or more in CONTAINS", y)
                for y, counts in panels.items()
            ]
        )
        two = figure.point("mean_labels_two")["value"]
        title = f"At least two workers select {two:.1f} labels in an image, on average"
        charts.append(figure.chart(title, drawing, AREAS))
    panels = {
        "all followed-up images": figure.data["main_by_offered"],
        "images with one object": figure.data["main_by_offered_single"],
    }
    if panels["all followed-up images"]:
        drawing = beside(
            [
                bubbles(counts, "labels offered", "labels that anybody named main").properties(
                    title=heading(name)
                )
                for name, counts in panels.items()
                if counts
            ]
        )
        offered, main = (figure.point(key)["value"] for key in ("mean_offered", "mean_main"))
        title = (
            f"Of {offered:.1f} labels offered, workers between them name {main:.1f} the main one"
        )
        charts.append(figure.chart(title, drawing, AREAS, part="main"))
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
