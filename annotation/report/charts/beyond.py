"""Charts of what goes beyond the paper: B1 to B6."""

from typing import Any

from annotation.report.charts.areas import matrix
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import Rows, below, mark, rows_of_points
from annotation.report.charts.reading import INTERVALS, Figure, Report, percent
from annotation.report.charts.theme import OPEN, PEOPLES, shorter

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


def b1(figure: Figure) -> list[Chart]:
    report, models = figure.report, figure.data["models"]
    order = report.ranked(models)

    def panels(read: Any) -> list[tuple[str, Rows]]:
        made = []
        for key, text in METRICS.items():
            rows = [
                {
                    "row": report.look(name).name,
                    "series": "",
                    **read(name, key),
                    **mark(report.look(name)),
                }
                for name in order
                if models[name].get(key)
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
        parts = [panels[at : at + IN_A_ROW] for at in range(0, len(panels), IN_A_ROW)]
        return below(*(rows_of_points(part, x, names, **options) for part in parts))

    first, leading = values[0][0], min(ranks[0][1], key=lambda row: (row["value"], row["row"]))
    title = f"By {first}, {leading['row']} leads; each classifier by {len(values)} measures"
    charts = [figure.chart(title, grid(values, "share of images"), INTERVALS)]
    reach = [1.0, float(len(names))]
    drawing = grid(ranks, "rank, 1 the highest", unit=False, reach=reach)
    _, low, high = leading["value"], leading["low"], leading["high"]
    title = f"Ranks: {leading['row']} leads by {first}"
    if low is not None:
        title += f", and may be anything from rank {low:.0f} to {high:.0f}"
    return [*charts, figure.chart(title, drawing, INTERVALS, part="ranks")]


def _rank(metric: dict[str, Any]) -> dict[str, Any]:
    low, high = metric.get("rank_interval") or (None, None)
    return {"value": metric.get("rank"), "low": low, "high": high}


def b2(figure: Figure) -> list[Chart]:
    texts = {
        ("wrong",): "wrong: not there",
        ("secondary", "settled"): "secondary: not the main one",
        ("secondary", "weighted"): "... weighted",
        ("missing", "settled"): "missing: another object",
        ("missing", "weighted"): "... weighted ",
    }
    rows = [
        {"row": text, "series": "", **figure.point("rates", *keys), **PEOPLES}
        for keys, text in texts.items()
    ]
    if not any(row["value"] is not None for row in rows):
        return []
    drawing = rows_of_points([("", rows)], "share of images", list(texts.values()), zero=True)
    wrong = figure.point("rates", "wrong")["value"]
    title = "How many dataset labels are likely wrong, secondary, or not all"
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
    title = (
        f"By {METRICS[metric]}, {sure} of {len(rows)} differences between classifiers are larger"
        " than chance would make them"
    )
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
    nothing = {0: ("", {"value": 0, "low": None, "high": None})}
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
        {
            "row": report.look(name).name,
            "series": key,
            **figure.point("models", name, key),
            **mark(report.look(name), filled=key == "assisted"),
        }
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
        rows = [
            {
                "row": report.look(name).name,
                "series": "",
                **figure.point("models", name, key),
                **mark(report.look(name)),
            }
            for name in order
        ]
        if any(row["value"] is not None for row in rows):
            panels.append((text, rows))
    if not panels:
        return []
    names = [report.look(name).name for name in order]
    drawing = below(
        *(
            rows_of_points([("", rows)], text, names, unit=key == 1, zero=True)
            for key, (text, rows) in enumerate(panels)
        )
    )
    entropy = figure.data["mean_entropy"]
    title = "How well classifiers foretell what people call the main thing"
    if entropy is not None:
        title = f"People's main labels leave {entropy:.2f} nats of doubt; classifiers beside them"
    return [figure.chart(title, drawing, "Lower is better.")]


def b6(figure: Figure) -> list[Chart]:
    report = figure.report
    first = next(iter(report.ranked(report.looks)), None)
    ways = {
        "images": ("more images", PEOPLES),
        "new_workers": ("more answers by new workers", OPEN),
        "same_workers": ("more answers by the same", {"fill": "transparent", "shape": "square"}),
    }
    rows: Rows = []
    for pointer, factors in figure.data["headlines"].items():
        text = _headline(pointer, report, first)
        if text is None:
            continue
        for way, (_, look) in ways.items():
            value = factors[way]
            if value is not None and value <= MOST_TIMES:
                rows.append(
                    {"row": text, "series": way, "value": value, "low": None, "high": None, **look}
                )
    if not rows:
        return []
    names = list(dict.fromkeys(row["row"] for row in rows))
    drawing = rows_of_points(
        [("", rows)], "times as many, to halve the interval", names, unit=False, reach=[1.0]
    )
    title = "How many times the images or answers would halve each interval"
    return [
        figure.chart(
            title,
            drawing,
            "Circle: more images; diamond: more answers by new workers; square: by the same ones."
            f" What no number reaches, or more than {MOST_TIMES} times, is not drawn."
            + (f" Of classifiers only {report.look(first).name} is drawn." if first else ""),
        )
    ]


MOST_TIMES = 40


def _headline(pointer: str, report: Report, first: str | None) -> str | None:
    """What a headline number is, in words; None for those of all classifiers but the first."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")]
    if any(key in report.looks and key != first for key in keys):
        return None
    words = [key.replace("_", " ") for key in keys if key not in {first, "models", "value"}]
    return shorter(" ".join(words), 36)
