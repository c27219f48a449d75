"""Numbers of a figure in words: with their intervals, counts with their nouns."""

from collections.abc import Mapping, Sequence
from typing import Any

Plain = Mapping[str, Any]  # a figure as it stands in report.json


class Numbers:
    """Reads a figure's data by JSON pointer, and says numbers with their intervals."""

    def __init__(self, figure: Plain) -> None:
        self.data, self.intervals = figure["data"], figure["intervals"]
        self.without_interval = figure["without_interval"]

    def __getitem__(self, pointer: str) -> Any:
        value = self.data
        for key in pointer.strip("/").split("/"):
            value = value[key.replace("~1", "/").replace("~0", "~")]
        return value

    def share(self, pointer: str) -> str:
        """A share in percent: "27.1 % (25.9 to 28.3)"."""
        return self._said(pointer, 100, ".1f", " %", "an unknown share")

    def number(self, pointer: str) -> str:
        """A number: "1.28 (1.26 to 1.30)"."""
        return self._said(pointer, 1, ".2f", "", "an unknown number")

    def _said(self, pointer: str, times: int, digits: str, unit: str, unknown: str) -> str:
        if (value := self[pointer]) is None:
            return unknown
        low_high = [rounded(times * end, digits) for end in self.intervals.get(pointer, ())]
        between = f" ({' to '.join(low_high)})" if low_high else ""
        return f"{rounded(times * value, digits)}{unit}{between}"

    def best(self, pointer: str, key: str) -> str | None:
        """The model with the highest value under `key`, of equals the first by name."""
        models = self[pointer]
        values = {name: model[key] for name, model in sorted(models.items())}
        known = {name: value for name, value in values.items() if value is not None}
        return max(known, key=known.__getitem__) if known else None


def rounded(value: float, digits: str) -> str:
    """A number in this format; what rounds to zero has no sign."""
    text = format(value, digits)
    return text if text.strip("-0.") else text.lstrip("-")


def token(key: str) -> str:
    """A key as a reference token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return f"{text[:1].upper()}{text[1:]}"


def to(*keys: str) -> str:
    """The JSON pointer to what stands under these keys."""
    return "".join(f"/{token(key)}" for key in keys)


def count(n: int, one: str, many: str) -> str:
    """A number with its noun: "1 image", "1,200 images"."""
    return f"1 {one}" if n == 1 else f"{n:,} {many}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
