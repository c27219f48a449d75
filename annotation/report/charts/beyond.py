"""Charts of what goes beyond the paper: B1 to B6."""

from typing import Any

from annotation.report.charts.areas import matrix
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import Rows, below, rows_of_points
from annotation.report.charts.reading import INTERVALS, Figure, Report, percent
from annotation.report.charts.theme import OPEN, PEOPLES, shorter
from annotation.report.figures.figure import token

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
    charts = []
    for metric in ("top1", "any_label"):
        rows = [
            (at, row)
            for at, row in enumerate(figure.data["differences"])
            if row["metric"] == metric and row["difference"] is not None
        ]
        if rows:
            charts.append(_differences(figure, metric, rows))
    return charts


def _differences(figure: Figure, metric: str, rows: list[tuple[int, dict[str, Any]]]) -> Chart:
    report = figure.report
    sure = sum(row["p_holm"] is not None and row["p_holm"] < SURE for _, row in rows)
    pairs = f"{sure} of {len(rows)} pairs of" if sure else "no two"
    title = f"By {METRICS[metric]}, {pairs} classifiers differ by more than chance explains"
    if all(row["p_holm"] is None for _, row in rows):
        title = f"How far classifiers differ by {METRICS[metric]}"
    if len(rows) > MOST_PAIRS:
        return figure.chart(
            title,
            _of_pairs(report, [row for _, row in rows]),
            "Points by which the row's classifier is ahead of the column's; a star: p below 0.05"
            " after Holm. Darker: a larger difference.",
            part=metric,
        )
    points: Rows = []
    for at, row in rows:
        a, b = (report.look(row[side]).name for side in ("a", "b"))
        star = "" if row["p_holm"] is None or row["p_holm"] >= SURE else " *"
        text = f"{shorter(a, 18)} less {shorter(b, 18)}{star}"
        point = figure.point("differences", str(at), "difference")
        points.append({"row": text, "series": "", **point, **PEOPLES})
    points.sort(key=lambda row: -row["value"])
    nothing = {0: ("", {"value": 0, **NO_INTERVAL})}
    drawing = rows_of_points(
        [("", points)], "difference", [row["row"] for row in points], lines=nothing, signed=True
    )
    notes = ("A star: p below 0.05 after Holm.", INTERVALS)
    return figure.chart(title, drawing, *notes, part=metric)


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


HEADLINES = {  # the pointer, with {} for a classifier
    "R1/fraction_multi/of_settled": "R1: several objects",
    "R3/models/{}/settled": "R3: top 1",
    "R3/models/{}/multi": "R3: top 1, several objects",
    "R4/any_label/{}/settled": "R4: any label",
    "R5/mean_share": "R5: votes for the dataset label",
    "R5/disagreements_of_multi": "R5: another main object",
    "R7/thresholds/0.5/fraction_with_another": "R7: half as often",
    "R7/thresholds/1.0/fraction_with_another": "R7: as often",
    "R10/models/{}/mean_sf": "R10: selection frequency",
    "R12/main_label/{}/settled": "R12: main label",
    "R16/contains/alpha": "R16: alpha of CONTAINS",
    "R17/difference_offered": "R17: one by one less together",
}
WAYS = {
    "images": PEOPLES,
    "new_workers": OPEN,
    "same_workers": {"fill": "transparent", "shape": "square"},
}
MOST_TIMES = 40


def b6(figure: Figure) -> list[Chart]:
    report = figure.report
    best = next(iter(report.ranked(report.looks)), "")
    rows: Rows = []
    for pointer, text in HEADLINES.items():
        factors = figure.data["headlines"].get(pointer.replace("{}", token(best))) or {}
        for way, look in WAYS.items():
            value = factors.get(way)
            if value is not None and value <= MOST_TIMES:
                rows.append({"row": text, "series": way, "value": value, **NO_INTERVAL, **look})
    if not rows:
        return []
    x = "times as many, to halve the interval"
    drawing = rows_of_points([("", rows)], x, list(HEADLINES.values()), unit=False, reach=[1.0])
    whose = f" Of classifiers: {report.look(best).name}." if best else ""
    return [
        figure.chart(
            "How many times as many images or answers would halve an interval",
            drawing,
            "Circle: more images; diamond: more answers by new workers; square: by the same ones."
            f" What more than {MOST_TIMES} times would not do is not drawn.{whose}",
        )
    ]
