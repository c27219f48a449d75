"""The page's contents, from a report, its charts and its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotation.report.page.abstract import abstract
from annotation.report.page.distrust import Doubt, distrust
from annotation.report.page.methods import methods
from annotation.report.page.pictures import Pictures
from annotation.report.page.sources import bibtex
from annotation.report.page.tables import Table, tables_of
from annotation.report.wording import Plain

TOPICS = {
    "R1": "Objects in an image",
    "R2": "What stands beside what",
    "R3": "Accuracy by the dataset labels",
    "R4": "Accuracy by what people saw",
    "R5": "The main object",
    "R6": "Where main object and dataset label differ",
    "R7": "Labels as good as the dataset label",
    "R8": "Labels accepted and objects found",
    "R9": "Pairs of labels that people accept together",
    "R10": "How often people select what classifiers say",
    "R11": "Errors by how many people select them",
    "R12": "The main label foretold",
    "R13": "Label by label",
    "R14": "Superclasses",
    "R15": "Workers",
    "R16": "Agreement",
    "R17": "One by one, or together",
    "B1": "Leaderboard",
    "B2": "Likely label errors",
    "B3": "Differences between classifiers",
    "B4": "Accuracy with the help of predictions",
    "B5": "Soft labels and calibration",
    "B6": "What more judgments would buy",
}


@dataclass(frozen=True)
class ChartImage:
    """Where the page finds a chart in either scheme; text: what it shows, for whoever sees none.

    width, height: in CSS pixels, where they are known.
    """

    light: str
    dark: str
    text: str
    caption: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Section:
    """A figure on the page."""

    name: str
    topic: str
    finding: str
    paper: str
    missing: str
    charts: Sequence[ChartImage]
    galleries: Sequence[Pictures]
    definition: str
    population: str
    n: str
    without_interval: str
    tables: Sequence[Table]


@dataclass(frozen=True)
class Page:
    """Everything that the page says."""

    title: str
    study: Mapping[str, Any]
    abstract: Sequence[str]
    doubts: Sequence[Doubt]
    sections: Sequence[Section]
    methods: str
    bibtex: str


def page_of(
    report: Plain,
    title: str,
    charts: Mapping[str, Sequence[ChartImage]],
    galleries: Mapping[str, Sequence[Pictures]],
) -> Page:
    """report: with labels by name (page.named). charts, galleries: by figure; some may lack."""
    names = report["study"]["classifiers"]
    return Page(
        title,
        report["study"],
        [tight(sentence) for sentence in abstract(report)],
        [Doubt(about, tight(text)) for about, text in distrust(report)],
        [
            _section(name, figure, charts.get(name, ()), galleries.get(name, ()), names)
            for name, figure in report["figures"].items()
        ],
        tight(" ".join(methods(report))),
        bibtex(report),
    )


def _section(
    name: str,
    figure: Plain,
    charts: Sequence[ChartImage],
    galleries: Sequence[Pictures],
    names: Sequence[str],
) -> Section:
    topic = TOPICS.get(name, name)
    return Section(
        name,
        topic,
        tight(figure["finding"] or ""),
        tight((figure.get("paper") or {}).get("says", "")),
        figure["missing"] or "",
        [replace(chart, caption=tight(chart.caption)) for chart in charts],
        galleries,
        figure["definition"],
        figure["population"],
        _n(figure["n"]),
        "; ".join(sorted(set(figure["without_interval"].values()))),
        tables_of(figure, names),
    )


def tight(text: str) -> str:
    """No line ends between a number and its per cent."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _n(n: int | Mapping[str, int] | None) -> str:
    if isinstance(n, Mapping):
        return ", ".join(f"{name} {images:,}" for name, images in n.items())
    return "" if n is None else f"{n:,}"
