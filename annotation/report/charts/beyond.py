"""Charts of what goes beyond the paper: B1 to B5."""

from typing import Any

from annotation.report.charts.areas import matrix
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import (
    Rows,
    below,
    ends,
    rows_of_points,
)
from annotation.report.charts.reading import INTERVALS, Figure, Report, percent
from annotation.report.charts.theme import INK, PEOPLES, shortened
from annotation.report.wording import listed, sentence

METRICS = {
    "top1": "top 1",
    "any_label": "any label",
    "main_label": "main label",
    "top_k": "variable top-k",
    "real": "a likely label",
    "mean_sf": "selection frequency",
}
IN_A_ROW = 3  # panels
MOST_PAIRS = 15  # rows; more pairs of classifiers stand in a matrix
SURE = 0.05
TALLEST = 760  # pixels of panels in a chart, so that it fits on a printed page
PANEL, ROW = 60, 21  # pixels of an empty panel and of a row
NO_INTERVAL = {"low": None, "high": None}


def b1(figure: Figure) -> list[Chart]:
    report, models = figure.report, figure.data["models"]
    order = report.ranked(models)

    def panels(read: Any) -> list[tuple[str, Rows]]:
        made = []
        for key, text in METRICS.items():
            rows = [
                {**report.row(name), **read(name, key)} for name in order if models[name].get(key)
            ]
            if any(row["value"] is not None for row in rows):
                made.append((text, rows))
        return made

    values = panels(lambda name, key: figure.point("models", name, key, "value"))
    if not values:
        return []
    ranks = panels(lambda name, key: _rank(models[name][key]))
    names = [report.look(name).name for name in order]

    def grid(panels: list[tuple[str, Rows]], x: str, **options: Any) -> Any:
        places = min(IN_A_ROW, len(panels))
        parts = [panels[at : at + IN_A_ROW] for at in range(0, len(panels), IN_A_ROW)]
        return below(*(rows_of_points(part, x, names, places=places, **options) for part in parts))

    measures = f"{len(values)} measures" if len(values) > 1 else "one measure"
    if len(names) == 1:
        title = f"{names[0]} by {measures}"
        return [figure.chart(title, grid(values, "share of images"), INTERVALS)]
    first = values[0][0]
    ranked = [row for row in ranks[0][1] if row["value"] is not None]
    leading = min(ranked, key=lambda row: (row["value"], row["row"]))
    title = f"By {first}, {leading['row']} leads; each classifier by {measures}"
    charts = [figure.chart(title, grid(values, "share of images"), INTERVALS)]
    drawing = grid(ranks, "rank, 1 the highest", unit=False, reach=[1.0, float(len(names))])
    title = f"Ranks: {leading['row']} leads by {first}"
    if leading["low"] is not None:
        title += f", and ranks {leading['low']:.0f} to {leading['high']:.0f} by its interval"
    return [*charts, figure.chart(title, drawing, INTERVALS, part="ranks")]


def _rank(metric: dict[str, Any]) -> dict[str, Any]:
    low, high = metric.get("rank_interval") or (None, None)
    return {"value": metric.get("rank"), "low": low, "high": high}


def b2(figure: Figure) -> list[Chart]:
    texts = {
        ("rates", "wrong"): "wrong: not there",
        ("rates", "secondary", "settled"): "secondary: not the main one",
        ("rates", "secondary", "weighted"): "... weighted",
        ("rates", "missing", "settled"): "missing: another object",
        ("rates", "missing", "weighted"): "... weighted ",
    }
    rows = figure.peoples(texts)
    if not any(row["value"] is not None for row in rows):
        return []
    drawing = rows_of_points([("", rows)], "share of images", list(texts.values()), zero=True)
    wrong = figure.point("rates", "wrong")["value"]
    title = "How many dataset labels are likely secondary, or not all that there is"
    if wrong is not None:
        title = f"{percent(wrong)} of dataset labels are likely wrong"
    return [figure.chart(title, drawing, INTERVALS)]


def b3(figure: Figure) -> list[Chart]:
    by_metric: dict[str, Rows] = {}
    pairs: set[tuple[str, str]] = set()
    for at, row in enumerate(figure.data["differences"]):
        if row["difference"] is not None:
            point = figure.point("differences", str(at), "difference")
            by_metric.setdefault(row["metric"], []).append({**row, **point})
            pairs.add((row["a"], row["b"]))
    if len(pairs) > MOST_PAIRS:
        return [
            figure.chart(
                f"By {METRICS[metric]}, {_clear(rows)}",
                _of_pairs(figure.report, rows),
                "Points by which the row's classifier is ahead of the column's; a star: p below"
                " 0.05 after Holm. Stronger: a larger difference.",
                part=metric,
            )
            for metric, rows in by_metric.items()
        ]
    if not by_metric:
        return []
    tall = PANEL + ROW * len(pairs)
    most, keys = 2 * max(1, TALLEST // tall), list(by_metric)
    parts = [keys[at : at + most] for at in range(0, len(keys), most)]
    charts = []
    for metrics in parts:
        rows = [row for metric in metrics for row in by_metric[metric]]
        by = "" if len(parts) == 1 else f"By {listed([METRICS[key] for key in metrics])}: "
        charts.append(
            figure.chart(
                sentence(by + _clear(rows)),
                _differences(figure.report, {key: by_metric[key] for key in metrics}),
                "Filled: p below 0.05 after Holm; open: not." if _tested(rows) else "",
                INTERVALS,
                part="" if len(parts) == 1 else metrics[0],
            )
        )
    return charts


def _tested(rows: Rows) -> Rows:
    return [row for row in rows if row["p_holm"] is not None]


def _clear(rows: Rows) -> str:
    """How many of these differences chance does not explain."""
    tested = _tested(rows)
    if not tested:
        return "how far classifiers differ"
    sure = sum(row["p_holm"] < SURE for row in tested)
    if not sure:
        return "no two classifiers differ by more than chance explains"
    of = f"{sure} of {len(tested)} differences between classifiers"
    return f"{of} {'is' if sure == 1 else 'are'} more than chance explains"


def _differences(report: Report, by_metric: dict[str, Rows]) -> Any:
    """A panel for each metric, two beside each other, with a row for each pair."""
    panels: list[tuple[str, Rows]] = []
    names = dict(zip(report.looks, shortened(list(report.looks), 18), strict=True))
    for metric, rows in by_metric.items():
        points = []
        for row in sorted(rows, key=lambda row: -row["value"]):
            a, b = (names[row[side]] for side in ("a", "b"))
            sure = row["p_holm"] is None or row["p_holm"] < SURE
            fill = INK if sure else "transparent"
            point = {key: row[key] for key in ("value", "low", "high")}
            mark = {**PEOPLES, "fill": fill}
            points.append({"row": f"{a} less {b}", "series": "", **point, **mark})
        panels.append((METRICS[metric], points))
    order = list(dict.fromkeys(row["row"] for _, rows in panels for row in rows))
    nothing = ("", {"value": 0, **NO_INTERVAL})
    grid = [panels[at : at + 2] for at in range(0, len(panels), 2)]
    reach = ends([row for _, rows in panels for row in rows])
    return below(
        *(
            rows_of_points(
                row,
                "difference",
                order,
                lines=dict.fromkeys(range(len(row)), nothing),
                signed=True,
                places=min(2, len(panels)),
                reach=reach,
            )
            for row in grid
        )
    )


def _of_pairs(report: Report, rows: list[dict[str, Any]]) -> Any:
    most = max(abs(row["difference"]) for row in rows) or 1
    cells = []
    for row in rows:
        ahead, behind = (row["a"], row["b"]) if row["difference"] >= 0 else (row["b"], row["a"])
        star = "*" if row["p_holm"] is not None and row["p_holm"] < SURE else ""
        size = abs(row["difference"])
        cells.append(
            {
                "row": report.look(ahead).name,
                "column": report.look(behind).name,
                "value": row["difference"],
                "text": f"{100 * size:.1f}{star}",
                "depth": size / most,
            }
        )
    names = [
        report.look(name).name for name in report.ranked({row[s] for row in rows for s in "ab"})
    ]
    return matrix(cells, names, "behind", "ahead")


def b4(figure: Figure) -> list[Chart]:
    report, models = figure.report, figure.data["models"]
    order = [name for name in report.ranked(models) if models[name]["assisted"] is not None]
    if not order:
        return []
    rows = [
        {**report.row(name, key, filled=key == "assisted"), **figure.point("models", name, key)}
        for name in order
        for key in ("human", "assisted")
    ]
    names = [report.look(name).name for name in order]
    drawing = rows_of_points([("", rows)], "names a label of any object", names)
    gains = [models[name]["effective_n"] / models[name]["n"] for name in order if models[name]["n"]]
    title = "Predictions beside the people's answers narrow no interval"
    if gains and max(gains) > 1:
        title = (
            "With predictions beside them, people's answers are worth up to"
            f" {max(gains):.1f} times as many"
        )
    return [figure.chart(title, drawing, "Open: people alone; filled: assisted.", INTERVALS)]


def b5(figure: Figure) -> list[Chart]:
    report, models = figure.report, figure.data["models"]
    order = report.ranked(models)
    panels = []
    for key, text in (("nll", "log loss, in nats"), ("ece", "calibration error")):
        rows = [{**report.row(name), **figure.point("models", name, key)} for name in order]
        if any(row["value"] is not None for row in rows):
            panels.append((text, rows))
    if not panels:
        return []
    names = [report.look(name).name for name in order]
    drawing = below(
        *(rows_of_points([("", rows)], text, names, unit=False, zero=True) for text, rows in panels)
    )
    entropy = figure.data["mean_entropy"]
    title = "How well classifiers foretell what people call the main thing"
    if entropy is not None:
        title = (
            f"People's main labels leave {abs(entropy):.2f} nats of doubt; classifiers beside them"
        )
    return [figure.chart(title, drawing, "Lower is better.")]
