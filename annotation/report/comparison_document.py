"""The comparison of two studies as a document, compare.json, and as a table."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from annotation.report.answers import answers, withdrawn_from
from annotation.report.arrays import Study
from annotation.report.campaigns import Campaigns
from annotation.report.comparing import comparison
from annotation.report.comparison_groups import COLUMNS, rows_of
from annotation.report.document import text_of
from annotation.report.figures.populations import sizes
from annotation.report.loading import load_study
from tasks.results.version import code_version


def comparison_of(first: Campaigns, second: Campaigns, seed: int = 0) -> dict[str, Any]:
    """The comparison as it stands in compare.json. The campaigns have been aggregated."""
    datasets = [next(filter(None, campaigns)).dataset for campaigns in (first, second)]
    a, b = (
        load_study(dataset, *campaigns, seed)
        for dataset, campaigns in zip(datasets, (first, second), strict=True)
    )
    return {
        "a": _study(a, first),
        "b": _study(b, second),
        "software": code_version(),
        "seed": seed,
        **comparison(a, b, one_dataset=datasets[0] == datasets[1]).plain(),
    }


def _study(study: Study, campaigns: Campaigns) -> dict[str, Any]:
    contains, classify = campaigns
    return {
        "dataset": next(filter(None, campaigns)).dataset.slug,
        "contains": contains.slug if contains else None,
        "classify": classify.slug if classify else None,
        "classifiers": list(study.models),
        "images": study.n,
        "withdrawn": withdrawn_from(*campaigns),
        "workers": answers(study)["workers"],
        "populations": sizes(study),
    }


def files_of(compared: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of compare.json and compare.csv."""
    yield "compare.json", text_of(compared).encode()
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    ends = [(key, f"{key}_low", f"{key}_high") for key in COLUMNS]
    rows.writerow(["figure", *(name for each in ends for name in each)])
    for pointer, values in rows_of(compared):
        cells = [[value, *(interval or ("", ""))] for value, interval in values]
        rows.writerow([pointer, *(cell for each in cells for cell in each)])
    yield "compare.csv", out.getvalue().encode()
