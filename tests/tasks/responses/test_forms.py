"""Formats of judgment files: CSV, JSON lines, a JSON list, MTurk's batch results."""

import csv
import io
import json
import random

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tasks.crowds.mturk.form_data import as_json
from tasks.models import Assignment, Worker
from tasks.responses import ResponsesRefused
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests import factories
from tests.studies.judgment_files import (
    as_csv,
    as_jsonl,
    as_list,
    exported,
    form,
    give,
    make_draft,
    on,
)

pytestmark = pytest.mark.django_db(transaction=True)


def answers(campaign) -> list[tuple]:
    return [(r["image"], r.get("label"), r["selected"], r.get("main")) for r in exported(campaign)]


def test_every_word_of_an_answer(contains):
    words = {
        **dict.fromkeys(["true", "True", "1", "yes", "YES", "1.0", "WAHR"], True),
        **dict.fromkeys(["false", "0", "no", "No", "0.0", "FAUX"], False),
        "maybe": "maybe",
        **dict.fromkeys(["", "NaN", "NA"]),
    }
    give(contains, [on(worker=f"w{n}", selected=word) for n, word in enumerate(words)])
    assert [row["selected"] for row in exported(contains)] == list(words.values())


def test_json_has_types_of_its_own(contains):
    values = [True, False, 1, 0, "maybe", "yes", None]
    rows = [on(worker=n, selected=value, seconds=n / 3) for n, value in enumerate(values)]
    give(contains, as_jsonl(rows))
    found = exported(contains)
    assert [r["selected"] for r in found] == [True, False, True, False, "maybe", True, None]
    assert [r["seconds"] for r in found] == [n / 3 for n in range(7)]
    assert Worker.objects.filter(external_id="3").exists()


def test_the_same_in_every_form(dataset):
    rows = [
        form(worker=f"w{n}", selected=labels, main=(labels or [None])[0], control=False)
        for n, labels in enumerate((["n0"], ["n1", "n0"], [], ["n3"]))
    ]
    found = []
    for number, data in enumerate(
        (
            as_csv(rows),
            b"\xef\xbb\xbf" + as_csv(rows).replace(b"\n", b"\r\n"),
            as_jsonl(rows),
            b"\n" + as_jsonl(rows).replace(b"\n", b"\n\n"),
            as_list(rows),
            b" \n" + json.dumps(rows).encode(),
        )
    ):
        campaign = make_draft(dataset, "classify", slug=f"form-{number}")
        give(campaign, data)
        found.append([r | dict.fromkeys(("submitted_at",)) for r in exported(campaign)])
    assert all(rows == found[0] for rows in found)
    assert {tuple(row["offered"]) for row in found[0]} == {("n0", "n1", "n3")}


ROWS = [
    {"worker": f"w{n % 2}", "image": f"{'ab'[n // 2]}.jpg", "label": "n0", "selected": word}
    for n, word in enumerate(("true", "false", "false", "true"))
]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda text: text.replace("\n", ",,\n"), ""),
        (lambda text: f"{text},,,\n,,,\n", ""),
        (lambda text: text.replace("\n", "\r"), ""),
        (
            lambda text: text.replace("worker,image,label,selected", "Worker,IMAGE,Label,Selected"),
            "",
        ),
        (lambda text: text.replace(",", ", "), ""),
        (lambda text: text.replace(",", ";"), "Columns are separated by semicolons."),
        (lambda text: text.replace(",", "\t").encode("utf-16"), "The text is in UTF-16."),
        (lambda text: text.replace("a.jpg", ".\\a.jpg").replace("b.jpg", "pics/b.jpg"), "2 paths"),
        (lambda text: text.replace("true", "1.0").replace("false", "0.0"), ""),
        (
            lambda text: "\n".join(
                f"{n - 1 if n else ''},{line}" for n, line in enumerate(text.split("\n")[:-1])
            ),
            "The first column, which has no name and counts 4 rows, was passed over.",
        ),
    ],
)
def test_a_table_from_a_spreadsheet_or_pandas_holds_the_same_judgments(contains, change, note):
    changed = change(as_csv(ROWS).decode())
    notes = give(contains, changed if isinstance(changed, bytes) else changed.encode()).notes
    assert answers(contains) == [
        ("a.jpg", "n0", True, None),
        ("a.jpg", "n0", False, None),
        ("b.jpg", "n0", False, None),
        ("b.jpg", "n0", True, None),
    ]
    assert notes[0].startswith(note) if note else not notes


def test_numbers_and_times_as_spreadsheets_write_them(contains):
    typed = {
        "round": "1.0",
        "position": "0.0",
        "seconds": "2,5",
        "submitted_at": "28.11.2026 14:05",
    }
    missing = dict.fromkeys(typed, "NaN") | {"worker": "v"}
    notes = give(contains, [on(**typed), on(**missing)]).notes
    (row,) = (row for row in exported(contains) if row["seconds"])
    assert (row["round"], row["seconds"]) == (1, 2.5)
    assert row["submitted_at"] == "2026-11-28T14:05:00.000000Z"
    assert (
        "1 times were read as a spreadsheet's, in UTC: 28.11.2026 14:05 as 2026-11-28T" in notes[0]
    )
    assert notes[1].startswith("1 numbers of seconds with a comma")


def test_a_workbook_is_called_by_its_name(contains):
    with pytest.raises(ResponsesRefused, match=r"old kind \(\.xls\): open it and save it as"):
        give(contains, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def test_a_long_list_is_read_piece_by_piece(contains, monkeypatch):
    monkeypatch.setattr("tasks.responses.json_rows.AT_ONCE", 7)
    rows = [on(worker=f"wörker {n}", seconds=n) for n in range(50)]
    give(contains, json.dumps(rows, ensure_ascii=False).encode())
    assert [row["seconds"] for row in exported(contains)] == list(range(50))
    give(contains, b"[]")


def test_a_header_alone_is_no_judgment(contains):
    assert give(contains, b"worker,image,label,selected\n").judgments == 0


# MTurk


def batch(*rows: dict[str, str]) -> bytes:
    """Batch results as MTurk writes them: many columns, all in quotes."""
    out = io.StringIO()
    work = {
        "HITId": "3HIT",
        "HITTypeId": "3TYPE",
        "Title": "Look",
        "Reward": "$0.10",
        "AssignmentId": "3ASG",
        "WorkerId": "A1",
        "AssignmentStatus": "Approved",
        "SubmitTime": "Sun Mar 08 12:34:56 PST 2020",
        "WorkTimeInSeconds": "17",
        "RequesterFeedback": "",
        "Input.url": "https://example.org/1.jpg",
    }
    writer = csv.DictWriter(out, [*work, *rows[0].keys() - work.keys()], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(work | row for row in rows)
    return out.getvalue().encode()


def test_mturk_one_item_in_a_hit(contains):
    item = {"Input.image": "a.jpg", "Input.label": "n0", "Answer.comment": "hard"}
    give(
        contains,
        batch(
            item | {"Answer.selected": "yes"},
            item
            | {"Answer.selected": "no", "AssignmentId": "3B", "WorkerId": "A2"}
            | {"AssignmentStatus": "Submitted", "SubmitTime": "Sun Mar 08 12:34:56 PDT 2020"},
        ),
    )
    first, second = exported(contains)
    assert (first["assignment"], first["selected"], first["status"]) == ("3B", False, "submitted")
    assert first["submitted_at"] == "2020-03-08T19:34:56.000000Z"
    assert (second["hit"], second["seconds"], second["used"]) == ("3HIT", 17, True)
    assert second["submitted_at"] == "2020-03-08T20:34:56.000000Z"


def test_mturk_several_items_in_a_hit(contains):
    row = {"Input.label": "n0", "Input.image_1": "a.jpg", "Input.image_2": "b.jpg"}
    row |= {"Input.image_3": "", "Answer.selected_1": "yes", "Answer.selected_2": ""}
    give(contains, batch(row | {"Answer.selected_3": ""}))
    assert answers(contains) == [("a.jpg", "n0", True, None), ("b.jpg", "n0", False, None)]
    assert contains.hits.get().items.count() == 2


def test_mturk_checkboxes_and_lists(classify):
    item = {"Input.image": "a.jpg", "Input.offered": "n0|n1|n2"}
    give(
        classify,
        batch(
            item | {"Answer.selected": "n1|n0", "Answer.main": "n0"},
            item
            | {"Answer.selected": "[]", "Answer.main": "", "AssignmentId": "B"}
            | {"WorkerId": "A2"},
        ),
    )
    assert answers(classify) == [("a.jpg", None, ["n1", "n0"], "n0"), ("a.jpg", None, [], None)]
    assert {tuple(row["offered"]) for row in exported(classify)} == {("n0", "n1", "n2")}


def test_mturk_judgments_in_one_answer(contains):
    said = [
        {"image": "a.jpg", "label": "n0", "selected": True},
        {"image": "a.jpg", "label": "n1", "selected": "maybe"},
    ]
    give(contains, batch({"Answer.answer": json.dumps(said)}))
    assert [a[2] for a in answers(contains)] == [True, "maybe"]
    assert set(contains.hits.get().items.values_list("section", flat=True)) == {0, 1}


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_mturk_what_our_own_pages_hand_in(tmp_path, kind):
    campaign = factories.make_campaign(
        factories.make_awkward_dataset(tmp_path), kind, maybe=True, workers_per_item=3
    )
    rows = []
    for number, worker in enumerate(factories.make_workers(2)):
        assignment = next_assignment(campaign, worker)
        answer = factories.a_random_answer(assignment, random.Random(number))
        submit(assignment, answer)
        assignment = Assignment.objects.get(pk=assignment.pk)
        rows.append(
            {
                "AssignmentId": assignment.key,
                "WorkerId": worker.pseudonym,
                "HITId": assignment.hit.key,
                "Answer.answer": as_json(assignment),
            }
        )
    before = exported(campaign)
    assert give(campaign, batch(*rows)).judgments == 0  # the campaign has both already
    lost = Assignment.objects.get(key=rows[1]["AssignmentId"])
    lost.place.delete()
    lost.delete()
    assert give(campaign, batch(*rows)).assignments == 1
    same = ("assignment", "worker", "hit", "image", "label", "selected", "main", "offered")
    here, there = (
        sorted([str([row.get(n) for n in same]) for row in rows])
        for rows in (exported(campaign), before)
    )
    assert here == there
    with pytest.raises(ResponsesRefused, match="row 2, HITId: 'X' is not a HIT"):
        give(campaign, batch(rows[0] | {"HITId": "X"}))
    with pytest.raises(ResponsesRefused, match=r"row 2, Answer\.answer: is not from a page"):
        give(campaign, batch(rows[0] | {"Answer.answer": '{"form": "x"}'}))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"Answer.q1": "yes"}, r"need Answer\.answer, or Input"),
        ({"Input.image": "a.jpg", "Answer.selected": "yes"}, r"no column Input\.label"),
        ({"Input.image_1": "a.jpg", "Input.label": "n0"}, r"no column Answer\.selected_1"),
        (
            {"Input.image": "a.jpg", "Input.label": "n9", "Answer.selected": "yes"},
            r"row 2, Input\.label: unknown label",
        ),
        (
            {"Input.image": "", "Input.label": "n0", "Answer.selected": "yes"},
            r"row 2, Input\.image: is empty",
        ),
        ({"Answer.answer": "yes"}, r"row 2, Answer\.answer: is neither"),
        ({"Answer.answer": '[{"image": "a.jpg", "foo": 1}]'}, r"Answer\.answer foo: no such"),
    ],
)
def test_mturk_what_is_not_understood(contains, row, says):
    with pytest.raises(ResponsesRefused, match=says):
        give(contains, batch(row))


def test_a_checkbox_that_an_mturk_worker_did_not_tick_is_a_no_and_counted(contains):
    item = {"Input.image": "a.jpg", "Input.label": "n0"}
    imported = give(
        contains,
        batch(
            item | {"Answer.selected": "true"},
            item | {"Answer.selected": "", "AssignmentId": "B", "WorkerId": "A2"},
        ),
    )
    assert [answer[2] for answer in answers(contains)] == [True, False]
    note, passed_over = imported.notes
    assert passed_over == "Columns passed over (1): Input.url."
    assert note.startswith("1 empty cells of checkboxes were taken as not selected")


def test_an_mturk_worker_who_ticked_no_label_said_none_of_these(classify):
    blank = {"Input.image": "a.jpg", "Answer.selected": "", "Answer.main": ""}
    imported = give(classify, batch(blank))
    assert answers(classify) == [("a.jpg", None, [], None)]
    assert "1 empty cells" in imported.notes[0]
    with pytest.raises(ResponsesRefused, match=r"row 2, Answer\.main: is not among"):
        give(classify, batch(blank | {"Answer.main": "n0", "AssignmentId": "C"}))


def test_elsewhere_an_empty_cell_is_not_seen_and_the_import_says_how_often(contains):
    rows = [on(worker="w1", selected="true"), on(worker="w2", selected="")]
    notes = give(contains, as_csv(rows)).notes
    assert notes[0].startswith("1 judgments with an empty `selected` were taken as not seen")
    assert notes[1].startswith("No judgment says `false`")
    more = [on(worker="w3", selected="false"), on(worker="w4", selected="")]
    assert len(give(contains, as_csv(more)).notes) == 1


# The command and the API


def test_the_command(contains, tmp_path, capsys):
    file = tmp_path / "judgments.csv"
    with pytest.raises(CommandError, match=r"judgments\.csv: No such file"):
        call_command("import_responses", contains.slug, str(file))
    file.write_bytes(as_csv([on(), on(worker="v", image="q.jpg")]))
    with pytest.raises(CommandError, match=r"judgments\.csv: nothing.*row 3, image: unknown image"):
        call_command("import_responses", contains.slug, str(file))
    file.write_bytes(as_csv([on(), on(worker="v", image="b.jpg")]))
    call_command("import_responses", contains.slug, str(file))
    assert "2 judgments added (2 assignments, 2 HITs, 2 workers new)." in capsys.readouterr().out
    call_command("import_responses", contains.slug, str(file))
    assert "0 judgments added" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("import_responses", "--help")
    assert "Answer.selected_1" in capsys.readouterr().out


@pytest.fixture
def api():
    return factories.client_of("staff", "researcher")


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (as_list([on(), on(worker="v")]), "application/json"),
        (as_jsonl([on(), on(worker="v")]), "application/x-ndjson"),
        (as_jsonl([on(), on(worker="v")]), "application/jsonl"),
        (as_jsonl([on(), on(worker="v")]), "application/json"),
    ],
)
def test_the_api(contains, api, data, content_type):
    at = f"/api/campaigns/{contains.slug}/responses/"
    added = {"judgments": 2, "unchanged": 0, "assignments": 2, "hits": 1, "workers": 2, "notes": []}
    first = api.post(at, data, content_type=content_type)
    assert (first.status_code, first.json()) == (200, added)
    again = api.post(at, data, content_type=content_type).json()
    assert again == dict.fromkeys(added, 0) | {"unchanged": 2, "notes": []}


def test_the_api_says_what_is_wrong(contains, api, dataset):
    at = f"/api/campaigns/{contains.slug}/responses/"

    def post(data, where=at, content_type="application/json"):
        answer = api.post(where, data, content_type=content_type)
        return answer.status_code, answer.json()

    rows = [on(), on(image="q.jpg"), on(worker=""), on(image="r.jpg")]
    status, errors = post(as_list([*rows, *[on(worker="")] * 5]))
    assert (status, errors["worker"]) == (400, ["rows 3, 5, 6 and 3 more: is empty"])
    for line, (row, image) in zip(errors["image"], ((2, "q"), (4, "r")), strict=True):
        assert line.startswith(f"row {row}: unknown image '{image}.jpg' (the nearest is ")
    assert post(b"")[0] == 400
    assert post(b"worker,image") == (
        400,
        {"detail": "The body must be a JSON list or JSON lines of objects."},
    )
    assert post(b"[", content_type="text/csv")[0] == 415
    assert post(b"[]", "/api/campaigns/none/responses/")[0] == 404
    follow = make_draft(dataset, "classify", slug="follow", source=contains)
    status, said = post(as_list([form()]), "/api/campaigns/follow/responses/")
    assert (status, "finish or close it first" in said["detail"]) == (409, True)
    assert follow.hits.count() == contains.hits.count() == 0
    assert Client().post(at, b"[]", content_type="application/json").status_code == 401
