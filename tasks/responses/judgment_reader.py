"""Reads a row of a file into a judgment: which fields it may have, and which contradict others."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from imagesets.tables.named_rows import columns_passed_over
from imagesets.tables.values import has_decimal_comma
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.responses import values
from tasks.responses.described import Described
from tasks.responses.errors import Problems, ResponsesRefused, RowError, short
from tasks.responses.times import Times

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
NOT_SEEN = "judgments with an empty `selected` were taken as not seen, and count in no frequency"
NO_NO = (
    "no judgment says `false`: if an empty cell means `not selected` in this file, every selection"
    " frequency is now 1; import it into another campaign with `false` in those cells"
)
DECIMAL_COMMA = "numbers of seconds with a comma were read as with a decimal point"
REMEMBERED = 10_000  # values per field that are cached, so that each text is parsed once


class Judgment(NamedTuple):
    """One worker's answer on one item, as the staging table holds it; None: not in the file.

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
    """Reads the rows of one file into judgments; adds their errors to `problems`."""

    def __init__(
        self, campaign: Campaign, problems: Problems, described: Described | None = None
    ) -> None:
        self.campaign = campaign
        self.kind = Kind(campaign.kind)
        self.problems = problems
        self.described = described or Described()
        self.passed_over: list[str] = []  # columns
        self.required: tuple[str, ...] = REQUIRED[self.kind]
        if self.described.choices:  # they are the labels
            self.required = tuple(field for field in self.required if field != "label")
        self.known = {*REQUIRED[self.kind], *OPTIONAL[self.kind]}
        self.labels = values.Labels(campaign.dataset.labels.values_list("key", "pk"))
        for key in self.described.choices:
            if key not in self.labels:
                raise ResponsesRefused([RowError(0, "choices", f"unknown label {short(key)}")])
        self.workers: dict[str, int] = {}  # name -> its number
        self.says_no = False  # some row says that its picture was not selected
        self.assumed: Counter[str] = Counter()  # what was taken for what, and how often
        self.table_notes: list[str] = []  # what was taken for granted of the table, a clause each
        self.times = Times()
        self._first_campaign: tuple[int, str] | None = None  # row, slug
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
            "main": self.labels.one_or_none,
            "control": _remembering(values.boolean),
            "position": _remembering(values.whole_number(0, values.LARGEST_POSITION)),
            "submitted_at": self.times,
            "seconds": self._seconds,
            "status": _remembering(values.status),
            "used": _remembering(values.boolean),
        }
        self._nothing: dict[str, Any] = dict.fromkeys(self._read)

    def read(
        self, row: int, raw: Mapping[str, Any], columns: Mapping[str, str] | None = None
    ) -> Judgment | None:
        """The judgment of a row; None if it has errors, which are noted.

        `columns`: field -> its name in the file, where that differs.
        """
        errors: list[tuple[str, str]] = []
        if not raw.keys() <= self.known:
            unknown = next(name for name in raw if name not in self.known)
            errors.append((unknown, f"no such field (there are: {', '.join(sorted(self.known))})"))
        for field in self.required:
            if field not in raw:
                errors.append((field, "is missing"))
            elif raw[field] in EMPTY and field not in MAY_BE_EMPTY:
                errors.append((field, "is empty"))
        fields = self._nothing.copy()
        for field, value in raw.items():
            if value not in EMPTY and (read := self._read.get(field)):
                try:
                    fields[field] = read(value)
                except ValueError as error:
                    errors.append((field, str(error)))
        if not errors:
            errors += self._contradictions(row, fields)
        if errors:
            for field, message in errors:
                self.problems.add(row, (columns or {}).get(field, field), message)
            return None
        contains = self.kind == Kind.CONTAINS
        selected = fields["selected"]
        if selected is None:
            self.assumed[NOT_SEEN] += 1
        elif contains and selected == values.NO:
            self.says_no = True
        answer = selected if contains else values.NO
        # By position, in the order of the class: by name it takes half as long again.
        return Judgment(
            row,
            fields["hit"],
            fields["assignment"],
            self.workers.setdefault(fields["worker"], len(self.workers)),
            fields["image"],
            fields["label"] or 0,
            values.UNSEEN if selected is None else answer,
            _array(fields["offered"]),
            None if contains else _array(selected or []),
            fields["main"],
            fields["position"],
            fields["control"],
            fields["round"],
            fields["submitted_at"],
            fields["seconds"],
            fields["status"],
            fields["used"],
        )

    def notes(self) -> list[str]:
        """What was assumed, a sentence each, with counts."""
        notes = [_sentence(note) for note in self.table_notes]
        notes += [f"{note}." for note in self.times.notes()]
        notes += [f"{count:,} {what}." for what, count in self.assumed.items()]
        if self.kind == Kind.CONTAINS and self.assumed[NOT_SEEN] and not self.says_no:
            notes.append(_sentence(NO_NO))
        if self.passed_over:
            notes.append(_sentence(columns_passed_over(self.passed_over)))
        return notes

    def _seconds(self, value: Any) -> float | None:
        if isinstance(value, str) and "," in value and has_decimal_comma(value):
            self.assumed[DECIMAL_COMMA] += 1
        return values.seconds(value)

    def _contradictions(self, row: int, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Contradictions of a row's fields with each other or with the campaign."""
        errors = []
        if (campaign := fields["campaign"]) is not None:
            first, named = self._first_campaign = self._first_campaign or (row, campaign)
            if named != campaign:
                errors.append(
                    (
                        "campaign",
                        f"is {short(campaign)}, but {short(named)} in row {first}:"
                        " a file holds judgments of one campaign",
                    )
                )
        if fields["used"] and fields["status"] not in (None, "accepted"):
            errors.append(("used", f"is true, but status is {fields['status']}"))
        if self.kind == Kind.CLASSIFY:
            errors += _classify_contradictions(fields)
        elif fields["selected"] == values.MAYBE and not self.campaign.maybe:
            errors.append(
                (
                    "selected",
                    f"is maybe, which campaign {self.campaign.slug} does not offer"
                    " (its setting `maybe` is false)",
                )
            )
        return errors


def _classify_contradictions(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A valid response checks at least one label, the main one among them, or none (rule Q2)."""
    selected, main, offered = fields["selected"], fields["main"], fields["offered"]
    if selected is None:
        return [] if main is None else [("main", "is given, but selected is empty (not seen)")]
    if selected and main is None:
        return [("main", "is empty: it must be one of the selected labels")]
    if main is not None and main not in selected:
        return [("main", "is not among the selected labels")]
    if offered is not None and not set(selected) <= set(offered):
        return [("selected", "names a label that was not offered")]
    return []


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _array(numbers: list[int] | None) -> str | None:
    return None if numbers is None else "{" + ",".join(map(str, numbers)) + "}"


def _remembering(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same reader, but it parses a repeated text only once."""
    parsed: dict[str, Any] = {}

    def remember(text: Any) -> Any:
        if not isinstance(text, str):
            return read(text)
        if (value := parsed.get(text)) is not None:
            return value
        value = read(text)
        if len(parsed) < REMEMBERED:
            parsed[text] = value
        return value

    return remember
