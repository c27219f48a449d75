"""Each error names its row and field, and a file with an error changes nothing."""

import re

import pytest

from tasks.models import HIT, Assignment, CampaignImage, HITItem, Pair, Transition, Worker
from tasks.responses import ResponsesRefused, checks
from tests.studies.judgment_files import (
    as_csv,
    as_jsonl,
    as_list,
    form,
    give,
    make_draft,
    on,
)

pytestmark = pytest.mark.django_db

HERE = (HIT, HITItem, Assignment, Pair, CampaignImage, Worker, Transition)


def refused(campaign, data) -> list[tuple[int, str, str]]:
    """The errors of a file, which changed nothing."""
    before = [list(model.objects.order_by("pk").values()) for model in HERE]
    with pytest.raises(ResponsesRefused) as error:
        give(campaign, data)
    assert [list(model.objects.order_by("pk").values()) for model in HERE] == before
    return [(e.row, e.field, e.message) for e in error.value.errors]


A = {"hit": "H", "assignment": "A"}

# What is wrong in the second or last of some rows: (rows, row, field, what the message says).
CONTAINS = [
    ([on(), on(worker="")], 3, "worker", "is empty"),
    ([on(), on(worker="x" * 201)], 3, "worker", "201 characters"),
    ([on(), on(worker="nan")], 3, "worker", "is NaN"),
    ([on(), on(worker="1.23457E+15")], 3, "worker", "a spreadsheet rounded"),
    ([on(), on(image="z.jpg")], 3, "image", "unknown image 'z.jpg'"),
    ([on(), on(label="n9")], 3, "label", "unknown label 'n9'"),
    ([on(), on(label="")], 3, "label", "is empty"),
    ([on(), on(selected="perhaps", worker="v")], 3, "selected", "'perhaps' is not understood"),
    ([on(position="-1")], 2, "position", "from 0"),
    ([on(position="1.5")], 2, "position", "whole number"),
    ([on(round="0")], 2, "round", "from 1"),
    ([on(round="99999")], 2, "round", "from 1 to 32767"),
    ([on(submitted_at="yesterday")], 2, "submitted_at", "not a time"),
    ([on(submitted_at="3/4/2026")], 2, "submitted_at", "may be 2026-03-04 or 2026-04-03"),
    ([on(submitted_at="2026-13-01T00:00:00Z")], 2, "submitted_at", "not a time"),
    ([on(seconds="-1")], 2, "seconds", "from 0"),
    ([on(seconds="inf")], 2, "seconds", "from 0"),
    ([on(seconds="1,234")], 2, "seconds", "decimal comma or thousands"),
    ([on(seconds="soon")], 2, "seconds", "number of seconds"),
    ([on(status="fine")], 2, "status", "'fine' is not understood"),
    ([on(used="perhaps")], 2, "used", "true or false"),
    ([on(status="rejected", used="true")], 2, "used", "status is rejected"),
    ([on(control="2")], 2, "control", "true or false"),
    ([on(campaign="a"), on(worker="v", campaign="b")], 3, "campaign", "'a' in row 2"),
    ([on(), on(selected="false")], 3, "selected", "differs from row 2"),
    ([on(**A), on(**A, worker="v", image="b.jpg")], 3, "worker", "row 2"),
    ([on(**A), on(**(A | {"hit": "G"}), image="b.jpg")], 3, "hit", "row 2"),
    ([on(assignment="A"), on(assignment="A", image="b.jpg")], 3, "hit", "is missing"),
    ([on(hit="H", seconds="1"), on(hit="H", seconds="2", image="b.jpg")], 3, "seconds", "row 2"),
    ([on(hit="H", status=""), on(hit="H", status="rejected", image="b.jpg")], 3, "status", "row 2"),
    ([on(hit="H", position="1"), on(hit="H", position="1", image="b.jpg")], 3, "position", "row 2"),
    ([on(hit="H"), on(hit="H", worker="v", control="true")], 3, "control", "row 2"),
    (
        [on(**A), on(hit="H", assignment="B", image="b.jpg")],
        3,
        "assignment",
        "same worker",
    ),
]
CLASSIFY = [
    ([form(main="n1")], 2, "main", "not among the selected"),
    ([form(main="")], 2, "main", "is empty"),
    ([form(selected=[], main="n0")], 2, "main", "not among the selected"),
    ([form(selected="", main="n0")], 2, "main", "selected is empty"),
    ([form(selected="n0")], 2, "selected", "list of label keys as JSON"),
    ([form(selected='{"n0": 1}')], 2, "selected", "list of label keys as JSON"),
    ([form(selected=["n0", 325])], 2, "selected", '"325", not 325'),
    ([form(selected=["n0", "n0"])], 2, "selected", "names 'n0' twice"),
    ([form(selected=["n0", "n9"])], 2, "selected", "unknown label 'n9'"),
    ([form(main="n9")], 2, "main", "unknown label 'n9'"),
    ([form(offered=["n1", "n2"])], 2, "selected", "was not offered"),
    ([form(offered=["n0", "n0"])], 2, "offered", "twice"),
    ([form(), form(selected=["n0", "n1"])], 3, "selected", "differs from row 2"),
    ([form(selected=["n0", "n1"]), form(selected=["n1", "n0"], main="n1")], 3, "main", "row 2"),
]


def filled(rows: list[dict]) -> list[dict]:
    """The same columns in each row."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name, "") for name in names} for row in rows]


@pytest.mark.parametrize(("rows", "row", "field", "says"), CONTAINS)
def test_contains(contains, rows, row, field, says):
    (error,) = refused(contains, filled(rows))
    assert error[:2] == (row, field)
    assert says in error[2]
    if not re.search(r"row \d", says):  # JSON lines have no header: rows count from 1
        (error,) = refused(contains, as_jsonl(filled(rows)))
        assert error[:2] == (row - 1, field)


@pytest.mark.parametrize(("rows", "row", "field", "says"), CLASSIFY)
def test_classify(classify, rows, row, field, says):
    (error,) = refused(classify, filled(rows))
    assert error[:2] == (row, field)
    assert says in error[2]


def test_maybe_where_the_campaign_does_not_offer_it(dataset):
    campaign = make_draft(dataset, maybe=False)
    assert refused(campaign, [on(), on(worker="v", selected="maybe")]) == [
        (
            3,
            "selected",
            "is maybe, which campaign given-contains does not offer (its setting `maybe` is false)",
        )
    ]


def test_an_error_on_many_rows_is_told_once_whatever_finds_it(contains):
    rows = [on(worker=f"w{n}", hit=f"H{n}", assignment=f"A{n}") for n in range(60)]
    for n in range(0, 60, 3):
        rows[n] |= [{"image": "none.jpg"}, {"selected": "odd"}, {"round": "0"}][n // 3 % 3]
        rows[n + 1] |= {"assignment": "A1", "seconds": str(n)}
    with pytest.raises(ResponsesRefused) as error:
        give(contains, filled(rows))
    lines = [str(line) for line in error.value.errors]
    assert lines[0].startswith("rows 2 and 6 more, image: unknown image 'none.jpg'")
    assert any(line.startswith("rows 5, 14, 23 and 4 more, selected: 'odd'") for line in lines)
    assert "rows 8, 17, 26 and 3 more, round: must be from 1 to 32767, not 0" in lines
    differs = "differs from row 3, which is of the same assignment 'A1'"
    assert f"rows 6, 9, 12 and 16 more, worker: {differs}" in lines


def test_rows_are_lines_of_the_file(contains):
    data = as_csv([on(image="a.jpg")]).decode()
    data += '\n\nv,"b\n.jpg",n0,true\n,c.jpg,n0,true\n'
    assert [(row, field) for row, field, _ in refused(contains, data.encode())] == [
        (6, "image"),
        (7, "worker"),
    ]


@pytest.mark.parametrize(
    ("data", "row", "field", "says"),
    [
        (b"", 0, "", "the file is empty"),
        (b"\n\n", 0, "", "the file is empty"),
        (b"worker,image,label\nw,a.jpg,n0\n", 1, "selected", "column is missing"),
        (b"worker,image,label,selected,postion\n", 1, "'postion'", "no such column"),
        (b"worker,image,label,selected,image\n", 1, "", "'image' comes twice"),
        (b"worker,image,label,selected\nw,a.jpg,n0\n", 2, "", "3 cells under 4 columns"),
        (b"worker,image,label,selected\nw,a.jpg,n0,true\nw,\xff,n0,true\n", 3, "", "UTF-8"),
        (b'worker,image,label,selected\nw,"a.jpg,n0,true\n', 2, "", "is not valid CSV"),
        (b"worker,image,label,selected\nw\0,a.jpg,n0,true\n", 2, "worker", "NUL"),
        (b'{"worker": "w"\n', 1, "", "not valid JSON"),
        (
            b'{"worker":"w","image":"a.jpg","label":"n0","selected":true}\n7\n',
            2,
            "",
            "a JSON object",
        ),
        (b'{"worker":"w","image":"a.jpg","label":"n0"}\n', 1, "selected", "is missing"),
        (b'{"worker":"w","image":"a.jpg","label":"n0","selected":1,"x":1}', 1, "x", "no such"),
        (b'{"worker":"w","image":7,"label":"n0","selected":1}', 1, "image", "must be text"),
        (b'{"worker":"w","image":"a.jpg","label":0,"selected":1}', 1, "label", "is text"),
        (b'{"worker":"\\ud800","image":"a.jpg","label":"n0","selected":1}', 1, "worker", "half"),
        (
            b'{"worker":"w","image":"a.jpg","label":"n0","selected":[1]}',
            1,
            "selected",
            "understood",
        ),
        (b'[{"worker":"w","image":"a.jpg","label":"n0","selected":1}', 1, "", "not valid JSON"),
        (b'[{"worker":"w","image":"a.jpg","label":"n0","selected":1}]x', 1, "", "text after"),
        (b'[{"worker":"w","image":"a.jpg","label":"n0","selected":1},[]]', 2, "", "a JSON object"),
    ],
)
def test_files_that_are_not_of_the_format(contains, data, row, field, says):
    (error,) = refused(contains, data)
    assert error[:2] == (row, field)
    assert says in error[2]


# Against what is stored


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"selected": "false"}, "selected", "stored with another answer"),
        ({"selected": ""}, "selected", "stored with another answer"),
        ({"status": "rejected", "used": ""}, "status", "stored with 'accepted'"),
        ({"used": "false"}, "used", "stored with 'true'"),
        ({"seconds": "2"}, "seconds", "stored with 1"),
        ({"round": "3"}, "round", "stored with 1"),
        ({"submitted_at": "2026-01-02T00:00:00Z"}, "submitted_at", "2026-01-01T00:00:00.0"),
        ({"worker": "v"}, "worker", "another worker's"),
        ({"hit": "G"}, "hit", "stored with 'H'"),
        ({"control": "true"}, "control", "'study' items"),
    ],
)
def test_the_same_key_with_something_else(contains, change, field, says):
    row = on(
        hit="H",
        assignment="A",
        seconds="1",
        round="1",
        status="accepted",
        used="true",
        control="false",
        submitted_at="2026-01-01T00:00:00Z",
    )
    give(contains, [row])
    assert give(contains, [row]).judgments == 0
    assert give(contains, [on(hit="H", assignment="A")]).judgments == 0
    errors = refused(
        contains,
        [
            row | change,
            on(worker="new", image="b.jpg", hit="G2")
            | dict.fromkeys(row.keys() - on().keys() - {"hit"}, ""),
        ],
    )
    assert errors[0][:2] == (2, field)
    assert says in errors[0][2]


def test_the_same_form_with_something_else(classify):
    row = form(selected=["n0", "n1"], offered=["n2", "n1", "n0"])
    give(classify, [row])
    assert give(classify, [row | {"selected": ["n1", "n0"]}]).judgments == 0
    assert give(classify, as_list([form(selected=["n1", "n0"])])).judgments == 0
    for change, field in (
        ({"main": "n1"}, "main"),
        ({"selected": ["n0"]}, "selected"),
        ({"offered": ["n0", "n1"]}, "offered"),
    ):
        (error,) = refused(classify, [row | change])
        assert error[:2] == (2, field)
    (error,) = refused(classify, as_list([form(selected=None, main=None)]))
    assert error[:2] == (1, "selected")


def test_never_twice(contains):
    give(contains, [on(hit="H", assignment="A")])
    assert refused(contains, [on(hit="H", assignment="B", image="b.jpg")]) == [
        (2, "assignment", "the worker already has this HIT, as assignment 'A'")
    ]
    give(contains, [on(hit="H", assignment="B", status="returned")])
    assert contains.assignments.count() == 2


def test_the_order_that_is_stored(contains):
    rows = [on(hit="H", position=1), on(hit="H", image="b.jpg", position=0)]
    give(contains, rows)
    assert give(contains, rows[::-1]).judgments == 0
    errors = refused(contains, [rows[0] | {"position": 0}, rows[1] | {"position": 1}])
    assert {field for _, field, _ in errors} == {"position"}


def test_a_hit_named_in_one_row_and_meant_in_another(contains):
    give(contains, [on()])
    key = contains.hits.get().key
    (error,) = refused(contains, [on() | {"hit": ""}, on(image="b.jpg", worker="v", hit=key)])
    assert error[:2] == (3, "hit")


def test_more_items_than_a_hit_can_have(contains, monkeypatch):
    few = checks._TOO_MANY_ITEMS.replace("32768", "2")
    monkeypatch.setattr(checks, "_TOO_MANY_ITEMS", few)
    rows = [on(hit="H", image=image) for image in ("a.jpg", "b.jpg", "c.jpg")]
    (error,) = refused(contains, rows)
    assert error[:2] == (4, "hit")
