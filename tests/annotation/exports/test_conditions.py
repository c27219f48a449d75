"""The table `conditions`: how each item was shown, from the page's field to the export's rows."""

import json

import pytest
from django.test import Client

from tasks.models import Assignment, Campaign
from tasks.pages.conditions import read_conditions
from tasks.pages.sheets import sheet_of
from tasks.simulation.worksheet import worksheet
from tests.studies.judgment_files import exported, give, make_draft
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import answer_one, begin, door

pytestmark = pytest.mark.django_db(transaction=True)
COUNTED = ("device", "viewport", "zooms", "changes")


@pytest.fixture
def dataset(db, tmp_path):
    return make_pictures(tmp_path, images=9)


def answer(campaign: Campaign, **conditions) -> list[str]:
    """Somebody answers the campaign's HIT; the ids of its items in the order shown.

    `zooms` and `changes` are by place on the page; with no conditions the script did not run.
    """
    browser = Client()
    work = begin(door(campaign), browser)
    sheet = worksheet(browser.get(work["Location"]).content.decode())
    ids = [o.value for q in sheet.questions for o in q.named("selected")] or [
        q.named("none-")[0].name.removeprefix("none-") for q in sheet.questions
    ]
    fields = {}
    if conditions:
        for name in ("zooms", "changes"):
            conditions[name] = {ids[place]: n for place, n in conditions[name].items()}
        fields = {"conditions": json.dumps(conditions), "active_seconds": "12.5"}
    answer_one(browser, work, **fields)
    return ids


def test_each_item_of_a_grid_or_card_has_its_conditions(dataset):
    campaign = open_campaign(dataset, "contains", per_hit=9)  # sections of five and four tiles
    said = {"device": "touch", "viewport": "390x844", "zooms": {4: 2}, "changes": {0: 1, 8: 3}}
    answer(campaign, **said)
    answer(campaign)
    rows, judged = exported(campaign, "conditions"), exported(campaign)
    same = ("assignment", "worker", "image", "label", "position")
    assert [[row[k] for k in same] for row in rows] == [[row[k] for k in same] for row in judged]
    done = Assignment.objects.get(device="touch")
    first = dict(done.hit.items.values_list("position", "section"))[done.shown[0]]
    sizes = [5, 4] if first == 0 else [4, 5]
    scripted, plain = rows[:9], rows[9:]
    assert [row["section"] for row in scripted] == [0] * sizes[0] + [1] * sizes[1]
    for row, size in zip(scripted, [s for s in sizes for _ in range(s)], strict=True):
        assert row["form"] == ("card" if size == 4 else "grid")
    assert [row["zooms"] for row in scripted] == [0, 0, 0, 0, 2, 0, 0, 0, 0]
    assert [row["changes"] for row in scripted] == [1, 0, 0, 0, 0, 0, 0, 0, 3]
    whole = {(row["language"], row["device"], row["viewport"]) for row in scripted}
    assert whole == {("en", "touch", "390x844")}
    assert {(r["active_seconds"], r["wall_seconds"]) for r in scripted} == {
        (12.5, done.wall_seconds)
    }
    assert {tuple(row[name] for name in COUNTED) for row in plain} == {(None,) * 4}
    assert {row["form"] for row in plain} == {"grid", "card"}
    assert ",".join(rows[0]) == (
        "assignment,worker,image,label,section,position,form,language,device,viewport,zooms,"
        "changes,active_seconds,wall_seconds"
    )


def test_pictures_of_a_form_have_theirs_and_an_import_has_none(dataset):
    campaign = open_campaign(dataset, "classify", per_hit=9)
    said = {"device": "mouse", "viewport": "1440x900", "zooms": {}, "changes": {2: 4}}
    answer(campaign, **said)
    rows = exported(campaign, "conditions")
    assert {(r["form"], r["label"], r["section"], r["zooms"]) for r in rows} == {
        ("classify", None, None, 0)
    }
    assert [row["changes"] for row in rows] == [0, 0, 4, 0, 0, 0, 0, 0, 0]
    given = make_draft(dataset)
    row = {"worker": "w", "image": "secret-000.png", "label": "n01", "selected": "true"}
    give(given, [row | {"seconds": "3.5"}])
    (imported,) = exported(given, "conditions")
    assert imported["active_seconds"] == 3.5
    assert {imported[name] for name in (*COUNTED, "form", "language", "wall_seconds")} == {None}


def test_what_is_malformed_is_dropped_whole_and_refuses_no_answer(dataset):
    campaign = open_campaign(dataset, "contains", per_hit=9)
    (tile, *_) = answer(campaign, device="mouse", viewport="9x9", zooms={}, changes={})
    sheet = sheet_of(Assignment.objects.get())
    good = {"device": "mouse", "viewport": "800x600", "zooms": {}, "changes": {tile: 1}}
    assert read_conditions(json.dumps(good), sheet)["changes"][-1] == 1
    wrong = [
        *({"device": device} for device in ("pen", None, ["mouse"], {})),
        *({"viewport": size} for size in ("800", "0x600", "800x6000000", "٣x٣", "8x6\n", 5)),
        *({"zooms": counts} for counts in ({"other": 1}, [1], None, {tile: -1}, {tile: 10**9})),
        *({"changes": {tile: count}} for count in (1.5, True, "1", None, [])),
        {"more": 1},
    ]
    texts = ["", "x", "null", "[]", "{}", "[" * 10_000, "9" * 30_000]
    texts += [json.dumps(good | change) for change in wrong]
    texts.append(json.dumps(good).replace("1}", "NaN}"))
    for text in texts:
        assert read_conditions(text, sheet).keys() == {"language", "cards"}, text
