"""Two kept reports side by side: what compare.json holds, before differences are known."""

from typing import Any

from annotation.report.comparison_groups import COLUMNS
from annotation.report.wording import Numbers, Plain, token


def side_by_side(first: Plain, second: Plain) -> dict[str, Any]:
    """The headline figures that two reports (report.json) share, with their own intervals.

    Differences are null; for their intervals the answers themselves are needed.
    """
    reports = (first, second)
    theirs = set(_headlines(second))
    rows: dict[str, dict[str, Any]] = {}
    intervals: dict[str, list[float]] = {}
    for pointer in _headlines(first):
        if pointer not in theirs:
            continue
        figure, _, place = pointer.partition("/")
        rows[pointer] = dict.fromkeys(COLUMNS)
        for column, report in zip(COLUMNS, reports, strict=False):
            of = Numbers(report["figures"][figure])
            rows[pointer][column] = of[place]
            if low_high := of.intervals.get(f"/{place}"):
                intervals[f"/headlines/{token(pointer)}/{column}"] = low_high
    return {
        "a": _study(first),
        "b": _study(second),
        "software": first["study"]["software"],
        "data": {"headlines": rows} if rows else None,
        "intervals": intervals,
    }


def _headlines(report: Plain) -> list[str]:
    """B6 lists the headline figures of a report."""
    return list((report["figures"]["B6"]["data"] or {}).get("headlines", ()))


def _study(report: Plain) -> dict[str, Any]:
    study = report["study"]
    kept = ("dataset", "contains", "classify", "classifiers", "images", "populations")
    return {**{key: study[key] for key in kept}, "workers": study["answers"]["workers"]}
