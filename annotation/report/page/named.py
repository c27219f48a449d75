"""A report with the names of labels in place of their keys, for people to read."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from annotation.report.findings import finding
from annotation.report.wording import Plain

# Where figures hold keys of labels: lists of rows, with the fields that are keys.
KEYS = {
    "R2": (("top", ("dataset_label", "other")),),
    "R9": (("top", ("a", "b")), ("top_cross", ("a", "b"))),
    "R13": (("classes", ("label",)),),
    "B2": (("images", ("dataset_label", "object", "label")),),
}


def unambiguous(names: Mapping[str, str]) -> dict[str, str]:
    """By key: the name, with the key behind it where several labels share the name."""
    shared = Counter(names.values())
    return {
        key: f"{name} ({key})" if shared[name] > 1 and name != key else name
        for key, name in names.items()
    }


def named(report: Plain, names: Mapping[str, str]) -> dict[str, Any]:
    """The report with names (by key of label) in its data and its findings; itself unchanged."""
    result: dict[str, Any] = {**report, "figures": dict(report["figures"])}
    for name, lists in KEYS.items():
        figure = result["figures"].get(name)
        if not figure or figure["data"] is None:
            continue
        data = dict(figure["data"])
        for key, fields in lists:
            data[key] = copy.deepcopy(data[key])
            for row in _rows(data[key]):
                row |= {
                    field: names.get(row[field], row[field])
                    for field in fields
                    if isinstance(row.get(field), str)
                }
        figure = {**figure, "data": data}
        result["figures"][name] = figure | {"finding": finding(name, figure)}
    return result


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    """Every dict in a tree."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _rows(each)
    elif isinstance(value, list):
        for each in value:
            yield from _rows(each)
