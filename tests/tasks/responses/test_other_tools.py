"""Exports of other tools come in by what a person says of their columns; else they are refused."""

import io
import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command, get_commands, load_command_class

from tasks.responses import Described, ResponsesRefused, described_by
from tasks.responses.errors import Problems, refuse_any
from tasks.responses.judgment_reader import JudgmentReader
from tasks.responses.reading import read_judgments
from tests import factories
from tests.studies.judgment_files import exported, make_draft

PAGE = Path(__file__).parents[3] / "docs/from-other-tools.md"
LABELS = {"cat": 1, "dog": 2, "owl": 3}


def campaign(kind):
    labels = SimpleNamespace(values_list=lambda *fields: LABELS.items())
    return SimpleNamespace(kind=kind, slug="c", maybe=False, dataset=SimpleNamespace(labels=labels))


def read(kind, content, *columns, choices=None, prefix=""):
    """The judgments of a file as (worker, image, labels, answer or main), and the notes on it."""
    problems = Problems()
    described = described_by(campaign(kind), columns, choices, prefix)
    reader = JudgmentReader(campaign(kind), problems, described)
    found = list(read_judgments(io.BytesIO(content.encode()), reader, problems))
    refuse_any(problems)
    keys = {number: key for key, number in LABELS.items()}
    workers = list(reader.workers)
    rows = [
        (workers[j.worker], j.image, keys[j.label], j.answer)
        if kind == "contains"
        else (workers[j.worker], j.image, j.selected, keys.get(j.main))
        for j in found
    ]
    return rows, reader.notes()


def table(*rows, by=","):
    """A CSV file, every cell in quotes."""
    cells = [[cell.replace('"', '""') for cell in row] for row in rows]
    return "".join(by.join(f'"{cell}"' for cell in row) + "\n" for row in cells)


WORK = ["HITId", "AssignmentId", "WorkerId", "AssignmentStatus", "SubmitTime", "WorkTimeInSeconds"]


def batch(columns, *answers):
    """MTurk's batch results with these columns, a row for each worker's cells."""
    rows = [
        [f"H{n}", f"A{n}", f"W{n}", "Approved", "Mon Aug 03 10:00:05 PDT 2020", "5", *cells]
        for n, cells in enumerate(answers)
    ]
    return table([*WORK, *columns], *rows)


TEMPLATE = batch(
    ["Input.image_url", "Answer.category.label", "Answer.taskAnswers"],
    ["img0.jpg", "cat", '[{"category": {"label": "cat"}}]'],
    ["img1.jpg", "dog", '[{"category": {"label": "dog"}}]'],
)


def test_an_extra_answer_column_is_passed_over_and_named():
    content = batch(
        ["Input.image", "Input.label", "Input.url", "Answer.feedback", "Answer.selected"],
        ["img0.jpg", "cat", "x", "easy", "true"],
        ["img1.jpg", "cat", "x", "easy", "false"],
    )
    assert read("contains", content) == (
        [("W0", "img0.jpg", "cat", 1), ("W1", "img1.jpg", "cat", 0)],
        ["Columns passed over (2): Input.url, Answer.feedback."],
    )


def test_mturks_own_template_comes_in_once_its_columns_are_named():
    columns = ["image=Input.image_url", "selected=Answer.category.label"]
    rows, notes = read("classify", TEMPLATE, *columns, "main=Answer.category.label")
    assert rows == [("W0", "img0.jpg", "{1}", "cat"), ("W1", "img1.jpg", "{2}", "dog")]
    assert notes == []
    rows, _ = read("contains", TEMPLATE, *columns, choices="cat,dog")
    assert rows == [
        *(("W0", "img0.jpg", "cat", 1), ("W0", "img0.jpg", "dog", 0)),
        *(("W1", "img1.jpg", "cat", 0), ("W1", "img1.jpg", "dog", 1)),
    ]


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_a_named_column_is_found_in_any_case(case):
    header, _, rest = TEMPLATE.partition("\n")
    answers = [f"{field}=Answer.category.label" for field in ("selected", "main")]
    rows, notes = read("classify", f"{case(header)}\n{rest}", "image=Input.image_url", *answers)
    assert rows == [("W0", "img0.jpg", "{1}", "cat"), ("W1", "img1.jpg", "{2}", "dog")]
    assert notes == []
    potato = EXPORTS["Potato"].replace("object.", case("object."))
    columns = ["worker=USER_ID", "image=instance_id", "selected=object"]
    rows, _ = read("contains", potato, *columns, choices="cat,dog")
    assert [row[3] for row in rows] == [1, 0, 0, 1]


@pytest.mark.parametrize("missing", ["NaN", "nan", "NA", ""])
def test_an_answer_that_a_program_wrote_as_missing_was_not_seen(missing):
    columns = ["worker=who", "image=key", "selected=seen"]
    content = table(["who", "key", "seen"], ["a", "img0.jpg", missing], ["b", "img1.jpg", "cat"])
    rows, _ = read("contains", content, *columns, choices="cat,dog")
    assert [row[3] for row in rows] == [-1, -1, 1, 0]
    rows, notes = read("classify", content, *columns, "main=seen")
    assert [row[2:] for row in rows] == [("{}", None), ("{1}", "cat")]
    assert notes[0].startswith("1 judgments with an empty `selected` were taken as not seen")


def test_otherwise_the_refusal_shows_in_two_lines_how():
    with pytest.raises(ResponsesRefused) as refused:
        read("contains", TEMPLATE)
    first, second = str(refused.value).splitlines()
    assert "Answer.answer, or Input.image and Answer.selected (there are: Input.image_url" in first
    assert "--column image=Input.image_url" in second
    assert "--column selected=Answer.category.label" in second
    assert "where answers name labels, --choices cat,dog,owl (the labels that" in second


TASK_ANSWERS = {
    "a classifier": ({"category": {"label": "cat"}}, "Answer.category", "{1}"),
    "one of several": ({"category": {"labels": ["cat", "owl"]}}, "Answer.category", "{1,3}"),
    "ticks": ({"is": {"cat": True, "dog": False, "owl": True}}, "Answer.is", "{1,3}"),
    "a word": ({"choice": "dog", "feedback": "easy"}, "Answer.choice", "{2}"),
}


@pytest.mark.parametrize(
    ("answers", "column", "selected"), TASK_ANSWERS.values(), ids=list(TASK_ANSWERS)
)
def test_answers_that_mturk_packs_into_one_cell_are_read(answers, column, selected):
    content = batch(
        ["Input.url", "Input.main", "Answer.taskAnswers"],
        ["img0.jpg", "dog" if selected == "{2}" else "cat", json.dumps([answers])],
    )
    columns = ["image=Input.url", f"selected={column}", "main=Input.main"]
    rows, notes = read("classify", content, *columns)
    assert rows[0][2] == selected
    assert ("Answer.feedback" in "".join(notes)) == ("feedback" in answers)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"on": True}, 1),
        ({"on": False}, 0),
        ({"yes": True, "no": False}, 1),
        ({"label": "No"}, 0),
        ("true", 1),
    ],
)
def test_packed_answers_of_yes_and_no(answer, expected):
    cells = ["img0.jpg", "cat", json.dumps([{"selected": answer}])]
    content = batch(["Input.image", "Input.label", "Answer.taskAnswers"], cells)
    assert read("contains", content)[0] == [("W0", "img0.jpg", "cat", expected)]


def test_a_blank_answer_is_not_selected_in_mturks_results_and_not_seen_elsewhere():
    content = batch(["Input.url", "Answer.seen"], ["img0.jpg", "cat|owl"], ["img1.jpg", ""])
    columns = ["image=Input.url", "selected=Answer.seen"]
    rows, notes = read("contains", content, *columns, choices="cat,dog,owl")
    assert [row[3] for row in rows] == [1, 0, 1, 0, 0, 0]
    assert notes[0].startswith("1 empty cells of checkboxes were taken as not selected")
    content = table(["who", "key", "seen"], ["a", "img0.jpg", "cat"], ["b", "img1.jpg", ""])
    rows, notes = read(
        "contains", content, "worker=who", "image=key", "selected=seen", choices="cat,dog"
    )
    assert [row[3] for row in rows] == [1, 0, -1, -1]
    assert notes[0].startswith("2 judgments with an empty `selected` were taken as not seen")


PLAIN = table(["who", "key", "answer", "note"], ["a", "img0.jpg", "cat", "x"])
NAMED = ["worker=who", "image=key", "selected=answer"]


@pytest.mark.parametrize(
    ("kind", "content", "columns", "options", "says"),
    [
        (
            "contains",
            PLAIN,
            [*NAMED, "label=key"],
            {},
            "'cat' is a label, not yes or no: --choices",
        ),
        ("contains", PLAIN, NAMED, {"choices": "dog,owl"}, "'cat' is not one of the choices"),
        ("contains", PLAIN, [*NAMED, "label=note"], {"choices": "cat"}, "named by --choices too"),
        ("contains", PLAIN, NAMED, {"choices": "cat,pig"}, "choices: unknown label 'pig'"),
        ("contains", '{"who": "a"}', ["worker=who", "image=key"], {}, "key: no row has this field"),
        ("contains", PLAIN, ["image=file"], {}, r"file: no such column \(there are: who, key"),
        ("classify", PLAIN, NAMED, {}, "main: column is missing"),
        (
            "classify",
            PLAIN,
            [*NAMED, "main=answer"],
            {"prefix": "http"},
            "does not begin with http",
        ),
        (
            "contains",
            batch(["Answer.answer", "Answer.selected", "Input.image"], ["[]", "yes", "img0.jpg"]),
            [],
            {},
            "both in Answer.answer and in Answer.selected",
        ),
    ],
)
def test_what_is_unclear_is_refused(kind, content, columns, options, says):
    with pytest.raises(ResponsesRefused, match=says):
        read(kind, content, *columns, **options)


def test_columns_not_named_are_passed_over_only_where_some_are_named():
    rows, notes = read("classify", PLAIN, *NAMED, "main=answer")
    assert (rows, notes) == (
        [("a", "img0.jpg", "{1}", "cat")],
        ["Columns passed over (1): note."],
    )
    with pytest.raises(ResponsesRefused, match="no such column of classify campaigns"):
        read("classify", table(["worker", "image", "selected", "main", "note"], list("abcde")))


ADDRESS = "https://example.org/images/"
PRODIGY = {
    "image": "data:image/jpeg;base64,",
    "key": "img0.jpg",
    "options": [],
    "_view_id": "choice",
}
EXPORTS = {
    "MTurk's templates": batch(
        ["Input.image_url", "Answer.taskAnswers"],
        *([f"{ADDRESS}img{n}.jpg", json.dumps([{"category": {"label": key}}])]
          for n, key in enumerate(["cat", "dog"])),
    ),
    "Turkle": table(
        [*WORK[:3], "AcceptTime", "SubmitTime", "Input.image_url", "Answer.choice",
         "Turkle.Username"],
        *(["7", str(n), f"W{n}", "Mon Aug 03 10:00:00 UTC 2020", "Mon Aug 03 10:00:05 UTC 2020",
           f"{ADDRESS}img{n}.jpg", key, "ann"] for n, key in enumerate(["cat", "dog"])),
    ),
    "Label Studio": table(
        ["annotation_id", "annotator", "choice", "created_at", "id", "image", "key", "lead_time",
         "updated_at"],
        *([str(n), f"W{n}", key, "2026-11-04T18:50:53.017134Z", str(n), "/data/upload/1/ab-i.jpg",
           f"img{n}.jpg", "10.744", "2026-11-04T18:50:53.017151Z"]
          for n, key in enumerate(['{"choices":["cat"]}', "dog"])),
    ),
    "Prodigy": "".join(
        json.dumps(PRODIGY | {"key": f"img{n}.jpg", "accept": [key], "answer": "accept",
                              "_annotator_id": f"W{n}", "_timestamp": 1707211049}) + "\n"
        for n, key in enumerate(["cat", "dog"])
    ),
    "Toloka": table(
        ["INPUT:image", "OUTPUT:result", "GOLDEN:result", "HINT:text", "ASSIGNMENT:link",
         "ASSIGNMENT:assignment_id", "ASSIGNMENT:worker_id", "ASSIGNMENT:status",
         "ASSIGNMENT:started"],
        *([f"{ADDRESS}img{n}.jpg", key, "", "", "https://x", "0001", f"W{n}", "APPROVED",
           "2021-03-01T10:00:00.000"] for n, key in enumerate(["cat", "dog"])),
        by="\t",
    ),
    "Potato": table(
        ["instance_id", "user_id", "object.cat", "object.dog"],
        ["img0.jpg", "W0", "True", ""], ["img1.jpg", "W1", "", "dog"],
    ),
}  # fmt: skip


def command_of(tool: str) -> list[str]:
    """The arguments of the page's command for a tool, after the file."""
    section = PAGE.read_text().split(f"\n## {tool}\n")[1].split("\n## ")[0]
    line = re.search(r"`python manage\.py import_responses (CAMPAIGN \S+ .*)`", section)[1]
    return shlex.split(line)


@pytest.mark.parametrize("tool", EXPORTS)
def test_the_page_s_command_reads_a_tools_export(tool):
    parser = load_command_class(get_commands()["import_responses"], "import_responses")
    options = parser.create_parser("manage.py", "import_responses").parse_args(command_of(tool))
    rows, _ = read(
        "classify",
        EXPORTS[tool],
        *options.column,
        choices=options.choices,
        prefix=options.image_prefix,
    )
    assert rows == [("W0", "img0.jpg", "{1}", "cat"), ("W1", "img1.jpg", "{2}", "dog")]


def test_the_page_names_every_tool():
    assert re.findall(r"(?m)^## (.*)$", PAGE.read_text()) == list(EXPORTS)


def test_prodigys_yes_and_no_come_into_contains():
    answers = {"accept": 1, "reject": 0, "ignore": -1}
    lines = [{"key": "i.jpg", "label": "cat", "answer": a, "_annotator_id": a} for a in answers]
    rows, _ = read(
        "contains",
        "".join(json.dumps(line) + "\n" for line in lines),
        *("worker=_annotator_id", "image=key", "label=label", "selected=answer"),
    )
    assert rows == [(answer, "i.jpg", "cat", code) for answer, code in answers.items()]


@pytest.mark.django_db(transaction=True)
def test_the_command_and_the_api_take_what_a_person_says_and_name_what_is_passed_over(
    tmp_path, capsys
):
    dataset = factories.make_lettered_dataset()
    contains, again = make_draft(dataset), make_draft(dataset, slug="again")
    (tmp_path / "answers.csv").write_text(
        table(["who", "picture", "seen", "note"], ["a", "x/a.jpg", "n0|n2", "hm"])
    )
    call_command(
        "import_responses",
        contains.slug,
        str(tmp_path / "answers.csv"),
        *("--column", "worker=who", "--column", "image=picture", "--column", "selected=seen"),
        *("--choices", "n0,n1,n2", "--image-prefix", "x/"),
    )
    assert "Columns passed over (1): note." in capsys.readouterr().out
    reply = factories.client_of("anna", "researcher").post(
        "/api/campaigns/again/responses/?column=worker=who&column=image=on.picture"
        "&column=selected=seen&choices=n0,n1,n2&image_prefix=x/",
        json.dumps([{"who": "a", "on": {"picture": "x/a.jpg"}, "seen": ["n0", "n2"], "note": 1}]),
        content_type="application/json",
    )
    assert reply.json()["notes"] == ["Columns passed over (1): note."]
    for campaign in (contains, again):
        found = {row["label"]: row["selected"] for row in exported(campaign)}
        assert found == {"n0": True, "n1": False, "n2": True}


def test_a_file_that_nobody_described_is_read_as_before():
    assert Described() == described_by(campaign("contains"), [])
