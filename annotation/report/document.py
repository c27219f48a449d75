"""The report of a study as one document, report.json, and its figures as tables."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from annotation.report.answers import answers, withdrawn_from
from annotation.report.arrays import Study
from annotation.report.figures import FIGURES
from annotation.report.figures.populations import sizes
from annotation.report.findings import finding
from annotation.report.loading import load_study
from annotation.report.paper import paper_values
from annotation.report.wording import token
from imagesets.models import Dataset
from tasks.crowds import crowd_of
from tasks.models import Campaign
from tasks.results.prevalence import bands
from tasks.results.version import code_version

SETTINGS = {
    "contains": (
        "crowd",
        "candidates",
        "workers_per_item",
        "round_size",
        "grid_size",
        "max_sections",
        "maybe",
    ),
    "classify": (
        "crowd",
        "workers_per_item",
        "images_per_hit",
        "min_relative_sf",
        "max_offered",
        "min_judgments",
        "follow_up",
    ),
}


def report_of(
    dataset: Dataset,
    contains: Campaign | None,
    classify: Campaign | None,
    seed: int = 0,
    study: Study | None = None,
    see: Callable[[str, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """The report as it stands in report.json. The campaigns have been aggregated.

    study: what they found, where it has been loaded. see: is shown each figure as it comes.
    """
    study = study or load_study(dataset, contains, classify, seed)
    campaigns = {"contains": contains, "classify": classify}
    paper = paper_values(contains, classify)
    asked = {name: campaign for name, campaign in campaigns.items() if campaign is not None}
    figures = {}
    for name, plain in _figures(study):
        figures[name] = {**plain, "paper": paper.get(name) if plain["data"] else None}
        if see is not None:
            see(name, figures[name])
    return {
        "study": {
            "dataset": dataset.slug,
            **{name: campaign.slug if campaign else None for name, campaign in campaigns.items()},
            "added": list(study.added),
            "classifiers": list(study.models),
            "images": study.n,
            "dataset_labels": int((study.dataset_label >= 0).sum()),
            "populations": sizes(study),
            "withdrawn": withdrawn_from(contains, classify),
            "demographics": _demographics(asked),
            "answers": answers(study),
            "prevalence": [] if contains is None else _prevalence(contains),
            "runs": {name: _run(campaign) for name, campaign in asked.items()},
            "settings": {
                name: {key: getattr(campaign, key) for key in SETTINGS[name]}
                for name, campaign in asked.items()
            },
            "software": code_version(),
            "seed": seed,
        },
        "figures": figures,
    }


def _prevalence(contains: Campaign) -> list[dict[str, Any]]:
    """CONTAINS's sections by the share of tiles that should show the label (rule F5)."""
    return [
        {
            "above": band.low,
            "up_to": band.high,
            "sections": band.sections,
            "expected": band.expected,
            "observed": band.observed,
            "shown": band.shown,
        }
        for band in bands(contains)
    ]


def _demographics(asked: Mapping[str, Campaign]) -> dict[str, Any] | None:
    """Who took part in each campaign, where its crowd says so; None: nobody was asked."""
    told = {name: crowd_of(campaign).demographics(campaign) for name, campaign in asked.items()}
    return told if any(counts is not None for counts in told.values()) else None


def _run(campaign: Campaign) -> dict[str, Any] | None:
    run = campaign.runs.first()
    return None if run is None else {"id": run.pk, "at": run.started_at.isoformat()}


def figures_of(study: Study) -> dict[str, dict[str, Any]]:
    """Every figure with its finding, as they stand in report.json."""
    return dict(_figures(study))


def _figures(study: Study) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, compute in FIGURES.items():
        plain = study.once(compute).plain()
        yield name, {"finding": finding(name, plain), **plain}


def text_of(report: dict[str, Any]) -> str:
    """report.json."""
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1, default=str)
    return f"{text}\n"


def files_of(report: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of report.json and of a CSV for each figure that is not missing.

    A row of a CSV is a value in the figure's data: its JSON pointer, the value, its interval.
    """
    yield "report.json", text_of(report).encode()
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
