"""Charts of the workers and how far they agree: R15, R16, R17."""

from annotation.report.charts.areas import CROWDED, in_places, scatter
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import below, columns, rows_of_points
from annotation.report.charts.reading import INTERVALS, Figure, percent
from annotation.report.charts.theme import OPEN, PEOPLES

BINS = 20  # of agreement


def r15(figure: Figure) -> list[Chart]:
    workers = figure.data["workers"].values()
    agreements = [worker["agreement"] for worker in workers if worker["agreement"] is not None]
    if not agreements:
        return []
    places = [min(BINS - 1, int(BINS * agreement + 1e-9)) for agreement in agreements]
    step = 100 // BINS
    counts = {
        f"{step * at}-{step * at + step}": places.count(at) for at in range(min(places), BINS)
    }
    drawing = columns(counts, "percent of answers that agree with most of the others", "workers")
    dots = [
        {"x": worker["specificity"], "y": worker["sensitivity"]}
        for worker in workers
        if worker.get("specificity") is not None and worker.get("sensitivity") is not None
    ]
    notes = []
    if dots:
        crowded = len(dots) > CROWDED
        drawing = below(
            drawing,
            scatter(
                in_places(dots),
                "specificity: says no where the label is absent",
                "sensitivity: says yes where it is there",
                height=200,
            ),
        )
        notes.append(
            "A circle is a worker" + (", its area how many there are." if crowded else ".")
        )
    least, mean = figure.data["least_agreement"], figure.data["mean_agreement"]
    title = (
        f"Workers agree with most of the others on {percent(mean)} of answers; whoever agrees"
        f" least, on {percent(least)}"
    )
    return [figure.chart(title, drawing, *notes)]


def r16(figure: Figure) -> list[Chart]:
    texts = {
        ("contains", "alpha"): "CONTAINS: alpha",
        ("contains", "alpha_yes"): "... maybe as no",
        ("contains", "pairwise_agreement"): "CONTAINS: two workers agree",
        ("classify", "pairwise_agreement"): "CLASSIFY: two workers agree",
        ("classify", "mean_modal_share"): "CLASSIFY: share of the most frequent",
        ("classify", "unanimous"): "CLASSIFY: all agree",
    }
    rows = figure.peoples(texts)
    alpha, alike = figure.point("contains", "alpha"), figure.point("contains", "alpha_yes")
    if alpha == alike:
        rows = [row for row in rows if row["row"] != "... maybe as no"]
    rows = [row for row in rows if row["value"] is not None]
    if not rows:
        return []
    drawing = rows_of_points(
        [("", rows)], "alpha, or share", list(texts.values()), unit=False, zero=True, reach=[1.0]
    )
    title = f"{rows[0]['row']} {rows[0]['value']:.2f}"
    if alpha["value"] is not None:
        title = f"Krippendorff's alpha of CONTAINS is {alpha['value']:.2f}"
    return [
        figure.chart(
            title, drawing, "Alpha: 1 is full agreement, 0 what chance would give.", INTERVALS
        )
    ]


def r17(figure: Figure) -> list[Chart]:
    texts = {
        "contains_mean_offered": "one by one, of those offered",
        "classify_mean": "together",
        "contains_accepted_by_half": "one by one, by half",
        "classify_accepted_by_half": "together, by half",
    }
    differences = {
        "difference_offered": "one by one less together",
        "cross_fitted": "... cross-fitted",
    }
    looks = {"classify_mean": OPEN, "classify_accepted_by_half": OPEN}
    numbers, less = (
        [
            {"row": text, "series": "", **figure.point(key), **looks.get(key, PEOPLES)}
            for key, text in some.items()
        ]
        for some in (texts, differences)
    )
    if not any(row["value"] is not None for row in numbers):
        return []
    panels = [
        rows_of_points(
            [("", numbers)],
            "labels accepted on an image",
            list(texts.values()),
            unit=False,
            zero=True,
        )
    ]
    if any(row["value"] is not None for row in less):
        zero = {0: ("", {"value": 0, "low": None, "high": None})}
        panels.append(
            rows_of_points(
                [("", less)],
                "difference in labels",
                list(differences.values()),
                unit=False,
                lines=zero,
            )
        )
    one, together = (
        figure.point(key)["value"] for key in ("contains_mean_offered", "classify_mean")
    )
    title = "How many labels a worker accepts"
    if one is not None and together is not None:
        title = (
            f"A worker accepts {one:.2f} of the labels offered when asked one by one, and"
            f" {together:.2f} when asked together"
        )
    return [figure.chart(title, below(*panels), INTERVALS)]
