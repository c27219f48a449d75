"""Reads MTurk's batch results: a CSV row per assignment, judgments in Input.* and Answer.*."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tasks.crowds.mturk import batch
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.responses.errors import Problems, ResponsesRefused, RowError, short
from tasks.responses.tool_answers import choices_in

if TYPE_CHECKING:
    from tasks.responses.judgment_reader import JudgmentReader

Row = tuple[int, dict[str, Any], dict[str, str] | None]

UNDERSTOOD = """\
MTurk's batch results CSV (recognised by its columns AssignmentId, HITId and WorkerId) holds a row
per assignment. AssignmentId, HITId, WorkerId, AssignmentStatus, SubmitTime and WorkTimeInSeconds
become assignment, hit, worker, status (Approved = accepted, Submitted, Rejected), submitted_at and
seconds (MTurk's clock, from accepting to submitting). The judgments come from one of these:
(1) Answer.answer: what this site's own pages hand in, where HITId is MTurk's id of one of the
campaign's HITs or the HIT's key on the site; or a JSON list with an object per item, {"image",
"label", "selected"} or, in CLASSIFY, {"image", "selected", "main"}, with "offered" if known;
(2) Input.image and Answer.selected, with Input.label in CONTAINS, or Answer.main (and perhaps
Input.offered) in CLASSIFY: one item in a HIT;
(3) the same with numbers, for several items in a HIT: Input.image_1, Answer.selected_1, ...; an
Input.label without a number is then the label of all of them.
Answers may stand in a column each or, as newer templates have it, all in Answer.taskAnswers.
Answer.selected is true, false, maybe, yes, no, 1 or 0 in CONTAINS; in CLASSIFY a JSON list of label
keys, or keys separated by | as MTurk writes checkboxes, [] for "none of these". MTurk leaves the
cell of an unticked checkbox empty, so an empty one means not selected, or none of these. The
closing lines name the Input and Answer columns that are passed over."""

UNTICKED = "empty cells of checkboxes were taken as not selected: so MTurk writes an unticked one"

ASSIGNMENT = {
    "AssignmentId": "assignment",
    "HITId": "hit",
    "WorkerId": "worker",
    "AssignmentStatus": "status",
    "SubmitTime": "submitted_at",
    "WorkTimeInSeconds": "seconds",
}
RECOGNISED_BY = {"AssignmentId", "HITId", "WorkerId"}
INPUT = {Kind.CONTAINS: ("image", "label"), Kind.CLASSIFY: ("image", "offered")}
ANSWER = {Kind.CONTAINS: ("selected",), Kind.CLASSIFY: ("selected", "main")}
_ITEM_COLUMN = re.compile(r"(Input|Answer)\.([a-z]+?)(?:_?(\d+))?")


def is_batch(header: Iterable[str]) -> bool:
    """Whether this is the header of MTurk's batch results."""
    return set(header) >= RECOGNISED_BY


def batch_rows(
    rows: Iterator[tuple[int, list[str]]],
    header: list[str],
    reader: "JudgmentReader",
    problems: Problems,
) -> Iterator[Row]:
    """(row, fields of a judgment, the columns they come from) of each judgment.

    `reader` counts the blank checkboxes and keeps the columns passed over. Raises ResponsesRefused
    unless the columns are as UNDERSTOOD says.
    """
    kind, campaign = reader.kind, reader.campaign
    items = _items(header, reader)
    used = {column for columns in items or [] for column in columns.values()} or {"Answer.answer"}
    reader.passed_over += [
        column
        for column in header
        if column.startswith(("Input.", "Answer."))
        and column not in used
        and column.rpartition(".")[0] not in header  # which is named already
    ]
    work_columns = {ASSIGNMENT[name]: name for name in header if name in ASSIGNMENT}
    for row, cells in rows:
        by_column = dict(zip(header, cells, strict=True))
        work = {field: by_column[column] for field, column in work_columns.items()}
        if items is None:
            answer_cell = by_column["Answer.answer"]
            yield from _from_json(row, answer_cell, work, work_columns, campaign, problems)
            continue
        has_items = False
        for columns in items:
            if not by_column[columns["image"]]:
                if any(by_column[columns[field]] for field in ANSWER[kind] if field in columns):
                    problems.add(row, columns["image"], "is empty, but there is an answer")
                    has_items = True
                continue
            has_items = True
            answer: dict[str, Any] = {field: by_column[column] for field, column in columns.items()}
            if not answer["selected"]:
                reader.assumed[UNTICKED] += 1
                yes_or_no = kind == Kind.CONTAINS and not reader.described.choices
                answer["selected"] = "false" if yes_or_no else "[]"
            chosen = choices_in(answer["selected"])
            if kind == Kind.CONTAINS and len(chosen) == 1:
                answer["selected"] = chosen[0]  # a packed answer may be a list
            if kind == Kind.CLASSIFY:
                for field in ("selected", "offered"):
                    if answer.get(field):
                        answer[field] = choices_in(answer[field])
            yield row, work | answer, work_columns | columns
        if not has_items:
            problems.add(row, items[0]["image"], "is empty")


def _items(header: list[str], reader: "JudgmentReader") -> list[dict[str, str]] | None:
    """For each item of a HIT, its columns by field; None if Answer.answer holds everything."""
    kind = reader.kind
    by_number: dict[str, dict[str, str]] = {}
    for column in header:
        match = _ITEM_COLUMN.fullmatch(column)
        if match is None:
            continue
        fields = INPUT[kind] if match[1] == "Input" else ANSWER[kind]
        if match[2] in fields:
            by_number.setdefault(match[3] or "", {})[match[2]] = column
    if "Answer.answer" in header:
        for columns in by_number.values():
            if second := columns.get("selected"):
                raise _refused(f"has answers both in Answer.answer and in {second}: leave one out")
        return None
    for_all = by_number.pop("", {}) if len(by_number) > 1 else {}
    if "image" in for_all or any(field in for_all for field in ANSWER[kind]):
        raise _refused("has both numbered and unnumbered columns of items")
    needed = {"image", *ANSWER[kind], *reader.required} - set(ASSIGNMENT.values())
    items = []
    for number in sorted(by_number, key=lambda text: int(text or 0)):
        columns = for_all | by_number[number]
        if missing := sorted(needed - columns.keys()):
            number = f"_{number}" if number else ""
            column = _column(missing[0], number)
            raise _refused(f"no column {column} of MTurk's results{_hint(header, missing, reader)}")
        items.append(columns)
    if not items:
        wanted = "Answer.answer, or Input.image and Answer.selected"
        raise _refused(
            f"MTurk's batch results need {wanted}{_hint(header, sorted(needed), reader)}"
        )
    return items


def _refused(message: str) -> ResponsesRefused:
    return ResponsesRefused([RowError(1, "", message)])


def _hint(header: list[str], missing: Iterable[str], reader: "JudgmentReader") -> str:
    """How to say which columns are meant, in a line of its own."""
    columns = {
        start: [name for name in header if name.startswith(f"{start}.")]
        for start in ("Input", "Answer")
    }
    options = []
    for field in missing:
        candidates = columns["Answer" if field in ANSWER[reader.kind] else "Input"]
        if field != "label":
            options.append(f"--column {field}={candidates[0] if candidates else 'COLUMN'}")
    if "label" in missing:
        keys = ",".join(list(reader.labels)[:3])
        options.append(
            "--column label=COLUMN (the label that the HIT asked about), or, where answers name"
            f" labels, --choices {keys} (the labels that workers chose among)"
        )
    there = ", ".join(columns["Input"] + columns["Answer"]) or "no such columns"
    return f" (there are: {there}; see --help).\nSay which column is which: {' '.join(options)}"


def _column(field: str, number: str) -> str:
    return f"{'Answer' if field in ('selected', 'main') else 'Input'}.{field}{number}"


def _from_json(
    row: int,
    cell: str,
    work: dict[str, Any],
    columns: dict[str, str],
    campaign: Campaign,
    problems: Problems,
) -> Iterator[Row]:
    """The judgments in a cell of Answer.answer."""
    kind = Kind(campaign.kind)
    fields = {*INPUT[kind], *ANSWER[kind]} | ({"position"} if kind == Kind.CONTAINS else set())
    names = columns | {field: f"Answer.answer {field}" for field in fields}
    try:
        answers = json.loads(cell)
    except (ValueError, RecursionError):
        answers = None
    if isinstance(answers, dict):
        yield from _from_own_page(row, cell, work, names, campaign, problems)
        return
    if not isinstance(answers, list) or not answers:
        problems.add(row, "Answer.answer", "is neither a JSON list of objects nor a page's answer")
        return
    for answer in answers:
        if not isinstance(answer, dict):
            problems.add(row, "Answer.answer", f"holds {short(answer)}, which is not an object")
        elif unknown := sorted(answer.keys() - fields):
            problems.add(row, f"Answer.answer {unknown[0]}", "no such field")
        else:
            yield row, work | answer, names


def _from_own_page(
    row: int,
    cell: str,
    work: dict[str, Any],
    names: dict[str, str],
    campaign: Campaign,
    problems: Problems,
) -> Iterator[Row]:
    """The judgments that a page of the site handed in."""
    hit = batch.own_hit(campaign, work["hit"])
    if hit is None:
        problems.add(row, "HITId", f"{short(work['hit'])} is not a HIT of campaign {campaign.slug}")
        return
    judgments = batch.judgments_of(hit, cell)
    if judgments is None:
        problems.add(row, "Answer.answer", f"is not from a page of HIT {short(hit.key)}")
        return
    work = work | {"hit": hit.key}
    if batch.is_answered(campaign, work["assignment"]):
        # The answer is stored by the site's clock, which differs from MTurk's.
        work.pop("submitted_at", None)
    for judgment in judgments:
        yield row, work | judgment, names
