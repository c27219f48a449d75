"""What a figure is: numbers in a tree, of which estimates have intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.report.intervals import Estimate, interval, why_none
from annotation.report.wording import token


@dataclass(frozen=True)
class Known:
    """A value with its 95 % interval, or with the reason why it has none."""

    value: Any
    interval: tuple[float, float] | None = None
    without: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure of a study.

    data: a tree of dicts and lists; its leaves are numbers, texts, None, Estimate and Known. n:
    the images that it speaks of, or {population: images}. missing: what is needed to compute it.
    """

    definition: str
    population: str
    n: int | dict[str, int] | None = None
    data: dict[str, Any] | None = None
    missing: str | None = None

    @property
    def numbers(self) -> dict[str, Any]:
        """`data` of a figure that the caller knows not to be missing."""
        assert self.data is not None
        return self.data

    def plain(self) -> dict[str, Any]:
        """The figure as it stands in report.json: values in `data`, intervals by JSON pointer.

        `without_interval`: why an estimate has none, by pointer.
        """
        intervals: dict[str, list[float]] = {}
        reasons: dict[str, str] = {}

        def value(leaf: Any, pointer: str) -> Any:
            if isinstance(leaf, dict):
                return {key: value(each, f"{pointer}/{token(key)}") for key, each in leaf.items()}
            if isinstance(leaf, list):
                return [value(each, f"{pointer}/{place}") for place, each in enumerate(leaf)]
            if isinstance(leaf, Estimate):
                if (found := interval(leaf)) is not None:
                    intervals[pointer] = list(found)
                elif leaf.value is not None:
                    reasons[pointer] = why_none(leaf)
                return leaf.value
            if isinstance(leaf, Known):
                if leaf.interval is not None:
                    intervals[pointer] = list(leaf.interval)
                elif leaf.without:
                    reasons[pointer] = leaf.without
                return leaf.value
            return leaf.item() if isinstance(leaf, np.generic) else leaf

        data = value(self.data, "")
        return {
            "definition": self.definition,
            "population": self.population,
            "n": self.n,
            "data": data,
            "intervals": intervals,
            "without_interval": reasons,
            "missing": self.missing,
        }
