"""Any form gives either its answer, whole, or complaints, with its choices kept."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from tasks.models import HIT, Campaign
from tasks.pages.form_reading import read
from tasks.pages.sheets import Choice, Item, Picture, Section, Sheet, ShownLabel, Tile


def item(position: int) -> Item:
    return Item(position, 0, None, 0, "public", 0, 4, 3)


def contains_sheet(maybe: bool = True, sizes: tuple[int, ...] = (2, 1)) -> Sheet:
    sheet = Sheet(Campaign(kind="contains", maybe=maybe), HIT(), "key")
    number = 0
    for s, size in enumerate(sizes):
        tiles = []
        for _ in range(size):
            # Positions run against the order shown: an answer names positions.
            tiles.append(Tile(f"t{number}", 10 - number, number + 1, item(10 - number)))
            number += 1
        sheet.sections.append(Section(f"s{s}", s + 1, ShownLabel(s, [f"thing {s}"], "", []), tiles))
    return sheet


def classify_sheet(pictures: int = 2, offered: int = 2) -> Sheet:
    sheet = Sheet(Campaign(kind="classify"), HIT(), "key")
    for p in range(pictures):
        choices = [
            Choice(f"l{p}{i}", ShownLabel(100 * p + i, [f"thing {i}"], "", []))
            for i in range(offered)
        ]
        sheet.pictures.append(Picture(f"p{p}", p, p + 1, item(p), choices))
    return sheet


def form(*fields: tuple[str, str]) -> QueryDict:
    made = QueryDict(mutable=True)
    for name, value in fields:
        made.appendlist(name, value)
    return made


def test_contains_answer_names_positions():
    sheet = contains_sheet(sizes=(3, 1))
    fields = [("selected", "t1"), ("unseen", "t0"), ("none", "s1"), ("comment", " hm "), ("x", "y")]
    answer = read(sheet, form(*fields))
    assert answer == {
        "selected": [9],
        "maybe": [],
        "unseen": [10],
        "comment": "hm",
        "hand": None,
        "active_seconds": None,
        "language": "en",
        "cards": [0],
    }


WRONG_CONTAINS = {
    "an empty form": [],
    "a section without an answer": [("selected", "t0")],
    "none beside a selected tile": [("selected", "t0"), ("none", "s0"), ("none", "s1")],
    "selected and unseen": [("selected", "t0"), ("unseen", "t0"), ("none", "s1")],
    "selected and maybe": [("selected", "t0"), ("maybe", "t0"), ("none", "s1")],
    "maybe and unseen": [("maybe", "t0"), ("unseen", "t0"), ("none", "s1")],
    "yes and no of one picture": [("selected", "t2"), ("none", "s1"), ("none", "s0")],
    "maybe and no of one picture": [("maybe", "t2"), ("none", "s1"), ("none", "s0")],
    "more than a quarter unseen": [("selected", "t0"), ("unseen", "t1"), ("none", "s1")],
    "a tile of another HIT": [("selected", "t0"), ("selected", "other"), ("none", "s1")],
    "a section of another HIT": [("selected", "t0"), ("none", "s1"), ("none", "other")],
    "an unseen tile of another HIT": [("selected", "t0"), ("none", "s1"), ("unseen", "other")],
    "a field of the other kind": [("selected", "t0"), ("none", "s1"), ("labels-t0", "l00")],
    "an endless comment": [("none", "s0"), ("none", "s1"), ("comment", "x" * 5000)],
    "a NUL in the comment": [("none", "s0"), ("none", "s1"), ("comment", "x\0")],
}


@pytest.mark.parametrize("fields", WRONG_CONTAINS.values(), ids=WRONG_CONTAINS)
def test_contains_refuses(fields):
    sheet = contains_sheet()
    assert read(sheet, form(*fields)) is None
    assert sheet.problems
    # The worker's choices are kept.
    for tile in sheet.tiles:
        assert tile.selected == (("selected", tile.id) in fields)
        assert tile.unseen == (("unseen", tile.id) in fields)


def test_maybe_is_an_answer_where_the_campaign_offers_it():
    fields = form(("maybe", "t0"), ("none", "s1"))
    assert read(contains_sheet(), fields)["maybe"] == [10]
    assert read(contains_sheet(maybe=False), fields) is None


def test_a_section_of_which_nothing_loaded_needs_no_answer():
    for sizes, unseen in (((3, 1), ("t3",)), ((6, 2), ("t6", "t7"))):
        fields = [("selected", "t0"), *(("unseen", tile) for tile in unseen)]
        assert read(contains_sheet(sizes=sizes), form(*fields))
        assert read(contains_sheet(sizes=sizes), form(*fields, ("none", "s1")))
        assert read(contains_sheet(sizes=sizes), form(*fields[:-1])) is None


@pytest.mark.parametrize("pictures", range(1, 14))
def test_at_most_a_quarter_may_be_unseen(pictures):
    for unseen in range(pictures + 1):
        fields = [(f"{'unseen' if p < unseen else 'none'}-p{p}", "1") for p in range(pictures)]
        sheet = classify_sheet(pictures=pictures)
        answer = read(sheet, form(*fields))
        assert (answer is not None) == (unseen / pictures <= 0.25)
        if answer is None:
            assert [item for item, _ in sheet.problems] == [""]
            assert f"{unseen} of the {pictures}" in sheet.problems[0][1]
        else:
            assert answer["unseen"] == list(range(unseen))


def test_classify_answer_is_in_the_order_shown():
    fields = [("labels-p0", "l01"), ("labels-p0", "l00"), ("main-p0", "l01")]
    fields += [("none-p1", "1"), ("other-p1", " a boat "), ("active_seconds", "12.5")]
    assert read(classify_sheet(), form(*fields)) == {
        "answers": [
            {"offered": [0, 1], "selected": [0, 1], "main": 1, "other": ""},
            {"offered": [100, 101], "selected": [], "main": None, "other": "a boat"},
        ],
        "unseen": [],
        "comment": "",
        "hand": None,
        "active_seconds": 12.5,
        "language": "en",
        "cards": [],
    }


@pytest.mark.parametrize("answered", [("labels-p0", "l00"), ("main-p0", "l00"), ("none-p0", "1")])
def test_a_picture_that_was_not_seen_has_no_answer(answered):
    others = [(f"none-p{p}", "1") for p in (1, 2, 3)]
    sheet = classify_sheet(pictures=4)
    assert read(sheet, form(*others, answered, ("unseen-p0", "1"))) is None
    assert [item for item, _ in sheet.problems] == ["p0"]
    assert "did not load" in sheet.problems[0][1]
    assert read(sheet, form(*others, ("unseen-p0", "1")))["unseen"] == [0]


def test_a_lone_label_is_the_main_one_whether_that_is_posted_or_not():
    lone = ("labels-p0", "l01")
    for more in ([], [("main-p0", "l01")]):
        sheet = classify_sheet(pictures=1)
        assert read(sheet, form(lone, *more))["answers"][0]["main"] == 1
        assert [choice.main for choice in sheet.pictures[0].offered] == [False, True]
    assert read(classify_sheet(pictures=1), form(lone, ("main-p0", "l00"))) is None


DONE = [("none-p1", "1")]
WRONG_CLASSIFY = {
    "an empty form": [],
    "one picture without an answer": DONE,
    "no main object": [("labels-p0", "l00"), ("labels-p0", "l01"), *DONE],
    "half of it unseen": [("unseen-p0", "1"), *DONE],
    "unseen with a strange value": [("none-p0", "1"), ("unseen-p1", "2"), *DONE],
    "main not among the checked": [("labels-p0", "l00"), ("main-p0", "l01"), *DONE],
    "a main object only": [("main-p0", "l01"), *DONE],
    "two main objects": [
        *(("labels-p0", "l00"), ("labels-p0", "l01"), ("main-p0", "l00"), ("main-p0", "l01")),
        *DONE,
    ],
    "none beside labels": [("labels-p0", "l00"), ("main-p0", "l00"), ("none-p0", "1"), *DONE],
    "none beside a main object": [("main-p0", "l00"), ("none-p0", "1"), *DONE],
    "words but no none": [("other-p0", "a boat"), *DONE],
    "a label of another picture": [("labels-p0", "l10"), ("main-p0", "l10"), *DONE],
    "a picture of another HIT": [("none-p0", "1"), ("none-p9", "1"), *DONE],
    "none with a strange value": [("none-p0", "2"), *DONE],
    "a field of the other kind": [("none-p0", "1"), ("selected", "p0"), *DONE],
    "endless words": [("none-p0", "1"), ("other-p0", "x" * 201), *DONE],
    "a NUL in the words": [("none-p0", "1"), ("other-p0", "\0x"), *DONE],
}


@pytest.mark.parametrize("fields", WRONG_CLASSIFY.values(), ids=WRONG_CLASSIFY)
def test_classify_refuses(fields):
    sheet = classify_sheet()
    assert read(sheet, form(*fields)) is None
    assert sheet.problems
    for picture in sheet.pictures:
        for choice in picture.offered:
            assert choice.selected == ((f"labels-{picture.id}", choice.id) in fields)


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "1e9", "ten"])
def test_nonsense_in_the_clock_is_no_reason_to_refuse(text):
    fields = form(("none", "s0"), ("none", "s1"), ("active_seconds", text))
    assert read(contains_sheet(), fields)["active_seconds"] is None


names = st.sampled_from(
    ["selected", "maybe", "unseen", "none", *(f"{name}-p0" for name in ("labels", "main", "none"))]
)
values = st.sampled_from(["t0", "t1", "t2", "s0", "s1", "l00", "l01", "1", "strange"])


@given(st.lists(st.tuples(names, values), max_size=6))
def test_a_contains_answer_is_what_the_form_says_or_nothing(fields):
    sheet = contains_sheet()
    answer = read(sheet, form(*fields))
    assert (answer is None) == bool(sheet.problems)
    if answer is None:
        return
    sent = set(fields)
    by_id = {tile.id: tile.position for tile in sheet.tiles}
    for name in ("selected", "maybe", "unseen"):
        assert {(name, tile) for tile in by_id if by_id[tile] in answer[name]} == {
            field for field in sent if field[0] == name
        }
    assert not set(answer["selected"]) & set(answer["unseen"])
    for section in sheet.sections:
        selected = any(("selected", tile.id) in sent for tile in section.tiles)
        assert not (selected and ("none", section.id) in sent)


@given(st.lists(st.tuples(names, values), max_size=6))
def test_a_classify_answer_has_its_main_object_among_its_labels(fields):
    sheet = classify_sheet(pictures=1)
    answer = read(sheet, form(*fields))
    assert (answer is None) == bool(sheet.problems)
    if answer is not None:
        (one,) = answer["answers"]
        assert (one["main"] in one["selected"]) or (one["main"] is None and not one["selected"])
