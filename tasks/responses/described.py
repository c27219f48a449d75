"""What a person says of another tool's file: which column is which, and what answers mean."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagesets.tables.values import is_missing
from tasks.models.campaign import Kind
from tasks.responses.errors import Problems, ResponsesRefused, RowError, short
from tasks.responses.mturk_batch import ASSIGNMENT, is_batch
from tasks.responses.tool_answers import TASK_ANSWERS, answers_in, choices_in, ticked_in

if TYPE_CHECKING:
    from tasks.responses.judgment_reader import JudgmentReader

Table = Iterator[tuple[int, list[str]]]
RawRow = tuple[int, dict[str, Any], dict[str, str] | None]

# A field's column in MTurk's results.
MTURK = {field: column for column, field in ASSIGNMENT.items()} | {
    "image": "Input.image",
    "label": "Input.label",
    "offered": "Input.offered",
    "selected": "Answer.selected",
    "main": "Answer.main",
}
# Prodigy's words.
WORDS = {
    "selected": {"accept": "yes", "reject": "no", "ignore": ""},
    "status": {"accept": "accepted", "reject": "rejected", "ignore": "returned"},
}


@dataclass(frozen=True)
class Described:
    """columns: field -> the file's column. choices: the label keys that workers chose among.

    image_prefix: what stands before each image's key. With `columns`, others are passed over.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    image_prefix: str = ""


def renamed(table: Table, reader: "JudgmentReader") -> Table:
    """A table, header first, with the columns that somebody named under their fields' names.

    Answers that MTurk writes into one cell get columns of their own. Raises ResponsesRefused for
    a column that is not in the file.
    """
    row, header = next(table)
    batch = is_batch(header)
    first: list[tuple[int, list[str]]] = []
    packed: dict[str, str] = {}
    if batch and TASK_ANSWERS in header:
        first = [line for line in [next(table, None)] if line]
        packed = answers_in(first[0][1][header.index(TASK_ANSWERS)]) if first else {}
    names = [*header, *packed]
    named = {
        field: _in_its_own_case(column, names) for field, column in reader.described.columns.items()
    }
    if not (named or packed):
        yield row, header
        yield from first
        yield from table
        return
    columns: dict[str, Any] = {}
    for name, column in named.items():
        if (cell := _cell(header, packed, column)) is None:
            there = ", ".join(names)
            raise ResponsesRefused([RowError(row, column, f"no such column (there are: {there})")])
        columns[MTURK.get(name, name) if batch else name] = cell
    for name in names:
        is_source = any(_within(name, c) or _within(c, name) for c in named.values())
        if is_source or (packed and name == TASK_ANSWERS):
            continue
        if name in columns or not (batch or name in reader.known):
            reader.passed_over.append(name)
        else:
            columns[name] = _cell(header, packed, name)
    yield row, list(columns)
    for lines in (first, table):
        for row, cells in lines:
            answers = answers_in(cells[header.index(TASK_ANSWERS)]) if packed else {}
            yield row, [cell(cells, answers) for cell in columns.values()]


def _in_its_own_case(column: str, names: Iterable[str]) -> str:
    """A column of these, or what several begin with, in the file's case; as it stands if none."""
    if column in names:
        return column
    return next((name[: len(column)] for name in names if _within(name, column)), column)


def _cell(
    header: list[str], packed: Mapping[str, str], column: str
) -> Callable[[list[str], Mapping[str, str]], str] | None:
    """A reader of a column from a row's cells and its packed answers; None: there is none such."""
    if column in header:
        at = header.index(column)
        return lambda cells, answers: cells[at] or answers.get(column, "")
    if column in packed:
        return lambda cells, answers: answers.get(column, "")
    ticks = {
        name.removeprefix(f"{column}."): at
        for at, name in enumerate(header)
        if name.startswith(f"{column}.")
    }
    if not ticks:
        return None

    def ticked(cells: list[str], answers: Mapping[str, str]) -> str:
        cells_by_name = {name: cells[at] for name, at in ticks.items()}
        text = ticked_in(cells_by_name)
        return "|".join(filter(None, cells_by_name.values())) if text is None else text

    return ticked


def _within(name: str, column: str) -> bool:
    """Whether a column is another one or a part of it, as Answer.a.b is of Answer.A."""
    return f"{name}.".lower().startswith(f"{column}.".lower())


def picked(
    rows: Iterable[tuple[int, dict[str, Any]]], reader: "JudgmentReader"
) -> Iterator[RawRow]:
    """JSON rows with the fields that somebody named; `meta.file` names a field inside another.

    A field that no row has is noted as an error at the end.
    """
    named = reader.described.columns
    if not named:
        yield from ((row, raw, None) for row, raw in rows)
        return
    tops = {column.partition(".")[0] for column in named.values()} | set(named.values())
    absent = dict(named)
    for row, raw in rows:
        absent = {name: c for name, c in absent.items() if _inside(raw, c) is None}
        fields = {name: value for name, value in raw.items() if name in reader.known - tops}
        fields |= {name: _inside(raw, column) for name, column in named.items()}
        reader.passed_over += [
            name for name in raw if name not in fields.keys() | tops | set(reader.passed_over)
        ]
        yield row, fields, dict(named)
    for column in absent.values():
        reader.problems.add(0, column, "no row has this field")


def _inside(raw: Mapping[str, Any], column: str) -> Any:
    if column in raw:
        return raw[column]
    value: Any = raw
    for name in column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def judgments(
    rows: Iterable[RawRow], reader: "JudgmentReader", problems: Problems
) -> Iterator[RawRow]:
    """The judgments of another tool's rows: one each, or in CONTAINS one for each choice."""
    described = reader.described
    if described == Described():
        yield from rows
        return
    for row, raw, columns in rows:
        names = dict(described.columns) | (columns or {})
        raw = dict(raw)
        for name, words in WORDS.items():
            if isinstance(raw.get(name), str):
                raw[name] = words.get(raw[name].lower(), raw[name])
        for name in ("selected", "main"):
            if isinstance(raw.get(name), str | float) and str(raw[name]) not in reader.labels:
                raw[name] = None if is_missing(str(raw[name])) else raw[name]
        image = raw.get("image")
        if described.image_prefix and isinstance(image, str) and image:
            if not image.startswith(described.image_prefix):
                message = f"{short(image)} does not begin with {described.image_prefix}"
                problems.add(row, names.get("image", "image"), message)
                continue
            raw["image"] = image.removeprefix(described.image_prefix)
        if reader.kind == Kind.CLASSIFY:
            yield row, _classified(raw, described.choices), names
        elif described.choices:
            for label, selected in _ticks(row, raw, names, reader, problems):
                yield row, raw | {"label": label, "selected": selected}, names
        else:
            chosen = choices_in(raw.get("selected"))
            if len(chosen) == 1:
                raw["selected"] = chosen[0]
            if isinstance(raw.get("selected"), str) and raw["selected"] in reader.labels:
                message = (
                    f"{short(raw['selected'])} is a label, not yes or no: --choices KEY,KEY,..."
                    " names the labels that workers chose among"
                )
                problems.add(row, names.get("selected", "selected"), message)
                continue
            yield row, raw, names


def _classified(raw: dict[str, Any], choices: tuple[str, ...]) -> dict[str, Any]:
    if raw.get("selected") not in (None, ""):
        raw["selected"] = choices_in(raw["selected"])
    main = choices_in(raw.get("main"))
    if "main" in raw and len(main) < 2:
        raw["main"] = main[0] if main else None
    if choices:
        raw.setdefault("offered", list(choices))
    return raw


def _ticks(
    row: int,
    raw: dict[str, Any],
    names: Mapping[str, str],
    reader: "JudgmentReader",
    problems: Problems,
) -> Iterator[tuple[str, str]]:
    """Each choice, and whether the answer selects it; "": not seen."""
    choices = reader.described.choices
    if "label" in raw:
        problems.add(row, names.get("label", "label"), "is named by --choices too: leave one out")
        return
    chosen = choices_in(raw.get("selected"))
    for key in chosen:
        if key not in choices:
            there = ", ".join(choices)
            message = f"{short(key)} is not one of the choices ({there})"
            problems.add(row, names.get("selected", "selected"), message)
            return
    seen = raw.get("selected") not in (None, "")
    for label in choices:
        yield label, ("true" if label in chosen else "false") if seen else ""
