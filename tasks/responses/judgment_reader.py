"""One judgment of a file: which fields it may have, and what they say together."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.responses import values
from tasks.responses.errors import Problems, short

REQUIRED = {
    Kind.CONTAINS: ("worker", "image", "label", "selected"),
    Kind.CLASSIFY: ("worker", "image", "selected", "main"),
}
OPTIONAL = {
    Kind.CONTAINS: (
        *("campaign", "round", "hit", "assignment", "control", "position"),
        *("submitted_at", "seconds", "status", "used"),
    ),
    Kind.CLASSIFY: (
        *("campaign", "round", "hit", "assignment", "offered", "control"),
        *("submitted_at", "seconds", "status", "used"),
    ),
}
EMPTY = (None, "")
MAY_BE_EMPTY = {"selected", "main"}
REMEMBERED = 10_000  # texts per field whose value is kept, so that it is read once


class Judgment(NamedTuple):
    """One worker's answer on one item, as the staging table holds it; None: not given.

    `worker` counts the file's workers from 0. `answer`: 1 yes, 0 no, 2 maybe, -1 not seen; in
    CLASSIFY 0 or -1. Labels are ids, lists of them in Postgres's text form.
    """

    row: int
    hit: str | None
    assignment: str | None
    worker: int
    image: str
    label: int
    answer: int
    offered: str | None
    selected: str | None
    main: int | None
    position: int | None
    control: bool | None
    round: int | None
    submitted_at: datetime | None
    seconds: float | None
    status: str | None
    used: bool | None


class JudgmentReader:
    """Reads the rows of one file into judgments; what is wrong goes to `problems`."""

    def __init__(self, campaign: Campaign, problems: Problems) -> None:
        self.campaign = campaign
        self.kind = Kind(campaign.kind)
        self.problems = problems
        self.required = REQUIRED[self.kind]
        self.known = {*self.required, *OPTIONAL[self.kind]}
        self.labels = values.Labels(campaign.dataset.labels.values_list("key", "pk"))
        self.workers: dict[str, int] = {}  # name -> its number
        self._campaign_named: tuple[int, str] | None = None
        self._read: dict[str, Callable[[Any], Any]] = {
            "campaign": values.text,
            "round": _remembering(values.whole_number(1, values.LARGEST_SMALLINT)),
            "hit": values.name,
            "assignment": values.name,
            "worker": _remembering(values.name),
            "image": values.text,
            "label": self.labels.one,
            "offered": self.labels.many,
            "selected": (
                _remembering(values.selected) if self.kind == Kind.CONTAINS else self.labels.many
            ),
            "main": self.labels.one,
            "control": _remembering(values.boolean),
            "position": _remembering(values.whole_number(0, values.LARGEST_POSITION)),
            "submitted_at": _remembering(values.moment),
            "seconds": values.seconds,
            "status": _remembering(values.status),
            "used": _remembering(values.boolean),
        }
        self._nothing: dict[str, Any] = dict.fromkeys(self._read)

    def read(
        self, row: int, raw: Mapping[str, Any], columns: Mapping[str, str] | None = None
    ) -> Judgment | None:
        """The judgment of a row, or None: its errors were noted.

        `columns`: a field's name in the file, where that is another one.
        """
        errors: list[tuple[str, str]] = []
        if not raw.keys() <= self.known:
            strange = next(name for name in raw if name not in self.known)
            errors.append((strange, f"no such field (there are: {', '.join(sorted(self.known))})"))
        for field in self.required:
            if field not in raw:
                errors.append((field, "is missing"))
            elif raw[field] in EMPTY and field not in MAY_BE_EMPTY:
                errors.append((field, "is empty"))
        found = self._nothing.copy()
        for field, value in raw.items():
            if value not in EMPTY and (read := self._read.get(field)):
                try:
                    found[field] = read(value)
                except ValueError as error:
                    errors.append((field, str(error)))
        if not errors:
            errors += self._contradictions(row, found)
        if errors:
            for field, message in errors:
                self.problems.add(row, (columns or {}).get(field, field), message)
            return None
        contains = self.kind == Kind.CONTAINS
        selected = found["selected"]
        answer = selected if contains else values.NO
        # By place, in the order of the class: by name it takes half as long again.
        return Judgment(
            row,
            found["hit"],
            found["assignment"],
            self.workers.setdefault(found["worker"], len(self.workers)),
            found["image"],
            found["label"] or 0,
            values.UNSEEN if selected is None else answer,
            _array(found["offered"]),
            None if contains else _array(selected or []),
            found["main"],
            found["position"],
            found["control"],
            found["round"],
            found["submitted_at"],
            found["seconds"],
            found["status"],
            found["used"],
        )

    def _contradictions(self, row: int, found: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What the fields of a row say against each other or against the campaign."""
        errors = []
        if (campaign := found["campaign"]) is not None:
            first, named = self._campaign_named = self._campaign_named or (row, campaign)
            if named != campaign:
                errors.append(
                    (
                        "campaign",
                        f"is {short(campaign)}, but {short(named)} in row {first}:"
                        " a file holds judgments of one campaign",
                    )
                )
        if found["used"] and found["status"] not in (None, "accepted"):
            errors.append(("used", f"is true, but status is {found['status']}"))
        if self.kind == Kind.CLASSIFY:
            errors += _classify_contradictions(found)
        elif found["selected"] == values.MAYBE and not self.campaign.maybe:
            errors.append(
                (
                    "selected",
                    f"is maybe, which campaign {self.campaign.slug} does not offer"
                    " (its setting `maybe` is false)",
                )
            )
        return errors


def _classify_contradictions(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A valid response checks at least one label, the main one among them, or none at all."""
    selected, main, offered = found["selected"], found["main"], found["offered"]
    if selected is None:
        return [] if main is None else [("main", "is given, but selected is empty (not seen)")]
    if selected and main is None:
        return [("main", "is empty: it must be one of the selected labels")]
    if main is not None and main not in selected:
        return [("main", "is not among the selected labels")]
    if offered is not None and not set(selected) <= set(offered):
        return [("selected", "names a label that was not offered")]
    return []


def _array(numbers: list[int] | None) -> str | None:
    return None if numbers is None else "{" + ",".join(map(str, numbers)) + "}"


def _remembering(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same reader, which reads a text that comes again only once."""
    known: dict[str, Any] = {}

    def remember(value: Any) -> Any:
        if not isinstance(value, str):
            return read(value)
        if (found := known.get(value)) is not None:
            return found
        found = read(value)
        if len(known) < REMEMBERED:
            known[value] = found
        return found

    return remember
