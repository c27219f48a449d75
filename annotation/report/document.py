"""The report of a study as one document, report.json, and its figures as tables."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from annotation.report.arrays import Study
from annotation.report.figures.figure import Figure, token
from annotation.report.figures.populations import sizes
from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r02_beside import r2
from annotation.report.figures.r03_top1 import r3
from annotation.report.figures.r04_multi_label import r4
from annotation.report.figures.r05_main_object import r5
from annotation.report.figures.r06_disagreements import r6
from annotation.report.figures.r07_rivals import r7
from annotation.report.figures.r08_labels import r8
from annotation.report.figures.r09_pairs import r9
from annotation.report.figures.r10_selection import r10
from annotation.report.figures.r11_wrong import r11
from annotation.report.figures.r12_main_label import r12
from annotation.report.figures.r13_classes import r13
from annotation.report.figures.r14_superclasses import r14
from annotation.report.figures.r15_workers import r15
from annotation.report.figures.r16_agreement import r16
from annotation.report.figures.r17_accepted import r17
from annotation.report.findings import finding
from annotation.report.loading import load_study
from imagesets.models import Dataset
from tasks.models import Campaign
from tasks.results.version import code_version

FIGURES: dict[str, Callable[[Study], Figure]] = {
    "R1": r1,
    "R2": r2,
    "R3": r3,
    "R4": r4,
    "R5": r5,
    "R6": r6,
    "R7": r7,
    "R8": r8,
    "R9": r9,
    "R10": r10,
    "R11": r11,
    "R12": r12,
    "R13": r13,
    "R14": r14,
    "R15": r15,
    "R16": r16,
    "R17": r17,
}


SETTINGS = {
    "contains": ("workers_per_item", "maybe"),
    "classify": (
        "workers_per_item",
        "min_relative_sf",
        "max_offered",
        "min_judgments",
        "follow_up",
    ),
}


def report_of(
    dataset: Dataset, contains: Campaign | None, classify: Campaign | None, seed: int = 0
) -> dict[str, Any]:
    """The report as it stands in report.json. The campaigns have been aggregated."""
    study = load_study(dataset, contains, classify, seed)
    campaigns = {"contains": contains, "classify": classify}
    asked = {name: campaign for name, campaign in campaigns.items() if campaign is not None}
    return {
        "study": {
            "dataset": dataset.slug,
            **{name: campaign.slug if campaign else None for name, campaign in campaigns.items()},
            "classifiers": list(study.models),
            "images": study.n,
            "dataset_labels": int((study.dataset_label >= 0).sum()),
            "populations": sizes(study),
            "runs": {name: _run(campaign) for name, campaign in asked.items()},
            "settings": {
                name: {key: getattr(campaign, key) for key in SETTINGS[name]}
                for name, campaign in asked.items()
            },
            "software": code_version(),
            "seed": seed,
        },
        "figures": figures_of(study),
    }


def _run(campaign: Campaign) -> dict[str, Any] | None:
    run = campaign.runs.first()
    return None if run is None else {"id": run.pk, "at": run.started_at.isoformat()}


def figures_of(study: Study) -> dict[str, dict[str, Any]]:
    """Every figure with its finding, as they stand in report.json."""
    figures = {}
    for name, compute in FIGURES.items():
        plain = compute(study).plain()
        figures[name] = {"finding": finding(name, plain), **plain}
    return figures


def files_of(report: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of report.json and of a CSV for each figure that is not missing.

    A row of a CSV is a value in the figure's data: its JSON pointer, the value, its interval.
    """
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1, default=str)
    yield "report.json", f"{text}\n".encode()
    for name, figure in report["figures"].items():
        if figure["data"] is not None:
            yield f"{name}.csv", _table(figure).encode()


def _table(figure: dict[str, Any]) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["pointer", "value", "low", "high"])
    for pointer, value in _leaves(figure["data"], ""):
        written = str(value).lower() if isinstance(value, bool) else value
        rows.writerow([pointer, written, *figure["intervals"].get(pointer, ("", ""))])
    return out.getvalue()


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """(JSON pointer, value) of everything in a figure's data that is no dict or list."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{pointer}/{token(key)}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, f"{pointer}/{place}")
    else:
        yield pointer, value
