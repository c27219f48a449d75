"""Charts of what classifiers say: R3, R4, R6, R10, R11, R12."""

from collections.abc import Sequence
from typing import Any

from annotation.report.charts.against import against_accuracy
from annotation.report.charts.areas import stacked
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import Rows, rows_of_points
from annotation.report.charts.reading import INTERVALS, Figure, percent

ACROSS = "Across: the share of all images on which the first label is the dataset label (R3)."


def rows_against(figure: Figure, *path: str, key: str) -> Rows:
    """Each classifier's number under data/path/NAME/key against its overall accuracy."""
    report = figure.report
    rows: Rows = []
    for name in report.ranked(_at(figure.data, path)):
        overall = report.overall.get(name)
        if overall is None:
            continue
        look = report.look(name)
        x = {"x": overall["value"], "x_low": overall["low"], "x_high": overall["high"]}
        rows.append({"name": look.name, **look.mark(), **x, **figure.point(*path, name, key)})
    return rows


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def _of_first(figure: Figure, path: str, says: str, otherwise: str) -> str:
    """What the first classifier does on images with one object and with several, in words."""
    for name in figure.report.ranked(figure.data[path])[:1]:
        single, multi = (figure.data[path][name].get(key) for key in ("single", "multi"))
        if single is not None and multi is not None:
            return (
                f"{figure.report.look(name).name} {says} on {percent(single)} of images with one"
                f" object, on {percent(multi)} of those with several"
            )
    return otherwise


def _both(panels: Sequence[tuple[str, Rows]]) -> str:
    """The headings of panels in which anything is drawn."""
    drawn = [name for name, rows in panels if any(row["value"] is not None for row in rows)]
    return " and ".join(drawn)


def r3(figure: Figure) -> list[Chart]:
    panels = [
        ("images with one object", rows_against(figure, "models", key="single")),
        ("images with several objects", rows_against(figure, "models", key="multi")),
    ]
    if any(row["value"] is not None for _, rows in panels for row in rows):
        drawing = against_accuracy(panels, "on these images", diagonal=True)
        otherwise = f"Accuracy by the dataset labels, on {_both(panels)}"
        title = _of_first(figure, "models", "names the dataset label", otherwise)
        notes = (ACROSS, "Dotted: the same as over all images.", INTERVALS)
        return [figure.chart(title, drawing, *notes, over=("all", "single", "multi"))]
    report = figure.report
    order = report.ranked(report.overall)
    rows = [{**report.row(name), **report.overall[name]} for name in order]
    if not rows:
        return []
    names = [row["row"] for row in rows]
    drawing = rows_of_points([("", rows)], "top-1 accuracy", names)
    title = f"{names[0]} agrees most often with the dataset labels: on {percent(rows[0]['value'])}"
    return [figure.chart(title, drawing, INTERVALS, over=("all",))]


def r4(figure: Figure) -> list[Chart]:
    panels = [
        ("images with one object", rows_against(figure, "any_label", key="single")),
        ("images with several objects", rows_against(figure, "any_label", key="multi")),
    ]
    if not any(row["value"] is not None for _, rows in panels for row in rows):
        return []
    drawing = against_accuracy(panels, "names a label of any object", diagonal=True)
    otherwise = f"Accuracy where a label of any object is right, on {_both(panels)}"
    title = _of_first(figure, "any_label", "names a label of any object", otherwise)
    notes = (ACROSS, "Dotted: as accurate as by the dataset labels.", INTERVALS)
    readings = {
        "any_label": "any label",
        "chosen_by_half": "chosen by half",
        "object_name": "an object's name",
    }
    charts = [figure.chart(title, drawing, *notes, over=("settled", "single", "multi"))]
    report = figure.report
    order = report.ranked(figure.data["any_label"])
    rows = [
        (
            text,
            [
                {**report.row(name, key, filled=key == "multi"), **figure.point(reading, name, key)}
                for name in order
                for key in ("single", "multi")
            ],
        )
        for reading, text in readings.items()
    ]
    names = [report.look(name).name for name in order]
    drawing = rows_of_points(rows, "names a label", names)
    title = "Accuracy by what counts as a label of an object"
    first = {key: figure.data[key][order[0]]["multi"] for key in ("any_label", "object_name")}
    if None not in first.values():
        title = (
            f"With several objects {names[0]} names any label on {percent(first['any_label'])}, an"
            f" object's name on {percent(first['object_name'])}"
        )
    return [
        *charts,
        figure.chart(
            title,
            drawing,
            "Open: images with one object; filled: with several.",
            INTERVALS,
            part="readings",
            over=("single", "multi"),
        ),
    ]


def r6(figure: Figure) -> list[Chart]:
    report = figure.report
    order = report.ranked(figure.data["models"])
    chance = figure.point("random_object")
    if chance["value"] is None:
        return []

    def rows(*path: str, keys: tuple[str, str]) -> Rows:
        return [
            {
                **report.row(name, key, filled=key == "main_object"),
                **figure.point("models", name, *path, key),
            }
            for name in order
            for key in keys
        ]

    panels = [
        ("of all these images", rows(keys=("dataset_label", "main_object"))),
        (
            "where it names an object",
            rows("given_object", keys=("dataset_object", "main_object")),
        ),
    ]
    if all(row["value"] is None for _, each in panels for row in each):
        return []
    for _, each in panels:
        for row in each:
            row["series"] = "main" if row["series"] == "main_object" else "dataset"
    names = [report.look(name).name for name in order]
    drawing = rows_of_points(
        panels, "share of images", names, zero=True, lines={1: ("random", chance)}
    )
    title = "Where main object and dataset label differ: which one each classifier names"
    first = figure.data["models"][order[0]]
    if first["main_object"] is not None and first["dataset_label"] is not None:
        title = (
            f"Where they differ, {names[0]} names the main object on"
            f" {percent(first['main_object'])}, the dataset label on"
            f" {percent(first['dataset_label'])}"
        )
    return [
        figure.chart(
            title,
            drawing,
            "Filled: the main object; open: the dataset label's object. Dashed, at the right: an"
            f" object named at random would be either on {percent(chance['value'])}.",
            INTERVALS,
        )
    ]


def r10(figure: Figure) -> list[Chart]:
    own = figure.point("dataset_label", "mean_sf")
    rows = rows_against(figure, "models", key="mean_sf")
    if not any(row["value"] is not None for row in rows):
        return []
    drawing = against_accuracy(
        [("", rows)], "mean selection frequency", lines={0: ("dataset label", own)}
    )
    title = (
        f"Workers select the dataset label with a mean frequency of {percent(own['value'])};"
        " classifiers' first labels beside it"
    )
    models = figure.data["models"]
    unjudged = max(model["not_judged"] for model in models.values())
    notes = [ACROSS, "Band: the dataset label.", INTERVALS]
    if unjudged:
        notes.append(f"Up to {unjudged:,} of a classifier's first labels were not judged.")
    return [figure.chart(title, drawing, *notes)]


def r11(figure: Figure) -> list[Chart]:
    report = figure.report
    models = {name: model for name, model in figure.data["models"].items() if model["wrong"]}
    if not models:
        return []
    order = report.ranked(models)
    names = [report.look(name).name for name in order]
    rows = [
        {
            "row": report.look(name).name,
            "part": FIFTHS[at],
            "place": at,
            "share": count / models[name]["wrong"],
            "n": models[name]["wrong"],
        }
        for name in order
        for at, count in enumerate(models[name]["fifths"])
    ]
    drawing = stacked(rows, FIFTHS, "errors, by the share of workers who select the label", names)
    most = models[order[0]]
    share = percent(sum(most["fifths"][3:]) / most["wrong"])
    title = f"At least 3 in 5 workers select the label of {share} of {names[0]}'s errors"
    charts = [figure.chart(title, drawing, "At the right: errors that workers were shown.")]
    points = rows_against(figure, "models", key="mean_sf")
    if any(row["value"] is not None for row in points):
        drawing = against_accuracy([("", points)], "mean selection frequency of errors")
        title = "How often workers select what counts as a classifier's error"
        if most["mean_sf"] is not None:
            title = (
                f"On average {percent(most['mean_sf'])} of workers select what counts as an error"
                f" of {names[0]}"
            )
        charts.append(figure.chart(title, drawing, ACROSS, INTERVALS, part="mean"))
    return charts


FIFTHS = ("0-20 %", "20-40 %", "40-60 %", "60-80 %", "80-100 %")


def r12(figure: Figure) -> list[Chart]:
    human = figure.point("human_line")
    panels = [
        ("its first label", rows_against(figure, "main_label", key="fu")),
        ("the best of those offered", rows_against(figure, "restricted_to_offered", key="fu")),
    ]
    if not any(row["value"] is not None for _, rows in panels for row in rows):
        return []
    line = ("one worker", human)
    drawing = against_accuracy(panels, "is the main label", lines={0: line, 1: line})
    title = "How often a classifier's label is people's main label"
    if human["value"] is not None:
        title = f"One worker names the others' main label in {percent(human['value'])} of responses"
    notes = (ACROSS, "Band: one worker against the image's others.", INTERVALS)
    return [figure.chart(title, drawing, *notes, over=("fu",))]
