"""A report with the names of labels in place of their keys, for people to read."""

from collections import Counter
from collections.abc import Collection, Mapping
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
            data[key] = _renamed(data[key], fields, names)
        figure = {**figure, "data": data}
        result["figures"][name] = figure | {"finding": finding(name, figure)}
    return result


def _renamed(value: Any, fields: Collection[str], names: Mapping[str, str]) -> Any:
    """A tree with names in these fields of its dicts."""
    if isinstance(value, dict):
        return {
            key: names.get(each, each)
            if key in fields and isinstance(each, str)
            else _renamed(each, fields, names)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_renamed(each, fields, names) for each in value]
    return value
