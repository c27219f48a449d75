"""Charts of the classifiers' accuracy: R3, R4."""

from typing import Any

from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import Rows, against_accuracy, mark, rows_of_points
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
        rows.append({"name": look.name, **mark(look), **x, **figure.point(*path, name, key)})
    return rows


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def r3(figure: Figure) -> list[Chart]:
    panels = [
        ("images with one object", rows_against(figure, "models", key="single")),
        ("images with several", rows_against(figure, "models", key="multi")),
    ]
    if any(row["value"] is not None for _, rows in panels for row in rows):
        drawing = against_accuracy(panels, "on these images", diagonal=True)
        title = "Accuracy by the dataset labels, on images with one object and with several"
        notes = (ACROSS, "Dotted: the same as over all images.", INTERVALS)
        return [figure.chart(title, drawing, *notes, over=("all", "single", "multi"))]
    report = figure.report
    order = report.ranked(report.overall)
    rows = [
        {
            "row": report.look(name).name,
            "series": "",
            **report.overall[name],
            **mark(report.look(name)),
        }
        for name in order
    ]
    if not rows:
        return []
    names = [row["row"] for row in rows]
    drawing = rows_of_points([("", rows)], "top-1 accuracy", names)
    title = f"{names[0]} agrees most often with the dataset labels: on {percent(rows[0]['value'])}"
    return [figure.chart(title, drawing, INTERVALS, over=("all",))]
