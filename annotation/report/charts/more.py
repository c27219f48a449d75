"""Charts of B6: how many times as many images or answers would halve an interval."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotation.report.charts.areas import matrix
from annotation.report.charts.chart import Chart
from annotation.report.charts.forms import Rows, below, rows_of_points
from annotation.report.charts.reading import Figure
from annotation.report.charts.theme import PEOPLES
from annotation.report.wording import count, token

OF_PEOPLE = {
    "R1/fraction_multi/of_settled": "R1: several objects",
    "R5/mean_share": "R5: votes as the label",
    "R5/disagreements_of_multi": "R5: another main one",
    "R7/thresholds/0.5/fraction_with_another": "R7: half as often",
    "R7/thresholds/0.75/fraction_with_another": "R7: three quarters",
    "R7/thresholds/1.0/fraction_with_another": "R7: as often",
    "R10/dataset_label/mean_sf": "R10: dataset labels",
    "R16/contains/alpha": "R16: alpha",
    "R17/difference_offered": "R17: the difference",
}
OF_EACH = (  # {} for a classifier
    ("R3/models/{}/settled", "R3: top 1"),
    ("R3/models/{}/multi", "R3: several objects"),
    ("R4/any_label/{}/settled", "R4: any label"),
    ("R4/chosen_by_half/{}/settled", "R4: chosen by half"),
    ("R4/object_name/{}/settled", "R4: object's name"),
    ("R10/models/{}/mean_sf", "R10: selection"),
    ("R12/main_label/{}/settled", "R12: main label"),
    ("B1/models/{}/top_k/value", "B1: variable top-k"),
    ("B1/models/{}/real/value", "B1: a likely label"),
)
WAYS = {"images": "more images", "new_workers": "new workers", "same_workers": "same workers"}
MOST_TIMES = 40
NEVER = f"more than {MOST_TIMES} times as many, or no number, would do"
CAPTION = "More images; or for the same images more answers, by new workers or by the same ones."
NO_INTERVAL = {"low": None, "high": None}
Factors = Mapping[str, float | None]


def b6(figure: Figure) -> list[Chart]:
    return [chart for chart in (_of_people(figure), _of_classifiers(figure)) if chart is not None]


def _of_people(figure: Figure) -> Chart | None:
    """A panel for each way to halve intervals, a row for each headline figure."""
    known = dict(_known(figure, OF_PEOPLE))
    panels: list[tuple[str, Rows]] = []
    for way, heading in WAYS.items():
        rows = [
            {"row": text, "series": "", "value": factors[way], **NO_INTERVAL, **PEOPLES}
            for text, factors in known.items()
            if _would_do(factors[way])
        ]
        panels.append((heading, rows))
    if not any(rows for _, rows in panels):
        return None
    drawing = rows_of_points(panels, "times as many", list(known), unit=False, reach=[1.0])
    title = _title("what people say", list(known.values()))
    return figure.chart(title, drawing, f"{CAPTION} A missing mark: {NEVER}.")


def _of_classifiers(figure: Figure) -> Chart | None:
    """A matrix for each way, of classifiers and headline figures."""
    report = figure.report
    known = {
        name: dict(_known(figure, {at.replace("{}", token(name)): text for at, text in OF_EACH}))
        for name in report.ranked(report.looks)
    }
    rows = {report.look(name).name: factors for name, factors in known.items() if factors}
    if not rows:
        return None
    columns = [text for _, text in OF_EACH if any(text in factors for factors in rows.values())]
    panels = [
        matrix(
            [
                {"row": name, "column": text, **_cell(factors[way])}
                for name, of in rows.items()
                for text, factors in of.items()
            ],
            list(rows),
            columns=columns,
            heading=heading,
            names=not at,
        )
        for at, (way, heading) in enumerate(WAYS.items())
    ]
    every = [factors for of in rows.values() for factors in of.values()]
    return figure.chart(
        _title("classifiers", every),
        below(*panels),
        f"Times as many. {CAPTION} Stronger: more. A dash: {NEVER}.",
        part="classifiers",
    )


def _known(figure: Figure, headlines: Mapping[str, str]) -> Iterator[tuple[str, Factors]]:
    """(text, factors) of the headline figures that have an interval."""
    every = figure.data["headlines"]
    for pointer, text in headlines.items():
        if pointer in every and every[pointer]["all"] is not None:
            yield text, every[pointer]


def _would_do(factor: float | None) -> bool:
    return factor is not None and factor <= MOST_TIMES


def _cell(factor: float | None) -> dict[str, Any]:
    if factor is None or not _would_do(factor):
        return {"value": None, "text": "-", "depth": 0}
    text = f"{factor:.0f}" if factor >= 9.95 else f"{factor:.1f}"
    return {"value": factor, "text": text, "depth": factor / MOST_TIMES}


def _title(whose: str, every: Sequence[Factors]) -> str:
    """How many of the intervals more images alone, or more workers alone, could halve."""
    images, workers = (
        sum(_would_do(factors[way]) for factors in every) for way in ("images", "new_workers")
    )
    of = f"{count(len(every), 'interval', 'intervals')} of {whose}"
    return (
        f"More images alone could halve {images or 'none'} of {of}, more workers alone"
        f" {workers or 'none'}"
    )
