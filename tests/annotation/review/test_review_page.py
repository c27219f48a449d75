"""The review queue: each answer drawn as its worker saw it, decided once, in order."""

import pytest
from django.test import Client

from annotation.drawn.answer import draw
from annotation.review.queue import decided
from tasks.models import Assignment, Campaign
from tasks.models.assignment import Outcome
from tasks.work.review import accept, reject
from tests.factories import (
    answer_truly,
    make_awkward_dataset,
    make_campaign,
    make_user,
    make_workers,
    random_answers,
    work_through,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def reviewed(module_db, tmp_path_factory) -> Campaign:
    """Three workers have answered every HIT; the first answers wait for a person."""
    dataset = make_awkward_dataset(tmp_path_factory.mktemp("review") / "pictures")
    settings = {"workers_per_item": 3, "rejection": True, "review_sample": 4}
    campaign = make_campaign(dataset, **settings)
    work_through(campaign, make_workers(3), answer_truly)
    return campaign


@pytest.fixture
def reviewer(reviewed, client) -> Client:
    client.force_login(make_user("rita", "reviewer"))
    return client


def address(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.slug}/review/"


def waiting(campaign: Campaign) -> list[Assignment]:
    rows = Assignment.objects.filter(campaign=campaign, for_person=True, outcome=Outcome.NONE)
    return list(rows.order_by("pk"))


def test_answers_come_one_after_the_other_and_around(reviewer, reviewed):
    keys = [answer.key for answer in waiting(reviewed)]
    assert len(keys) == 4
    seen, after = [], ""
    for _ in range(5):
        page = reviewer.get(address(reviewed), {"after": after} if after else {})
        after = page.context["drawn"].assignment.key
        seen.append(after)
    assert seen == [*keys, keys[0]]


def test_each_decision_is_taken_once(reviewer, reviewed):
    first, second, *_ = waiting(reviewed)
    json = {"Accept": "application/json"}
    accept = {"answer": first.key, "decision": "accept"}
    assert reviewer.post(address(reviewed), accept, headers=json).content == b"1 answer accepted."
    again = reviewer.post(address(reviewed), accept, headers=json)
    assert (again.status_code, "does not wait" in again.content.decode()) == (422, True)
    reject = {"answer": second.key, "decision": "reject", "why": ""}
    assert reviewer.post(address(reviewed), reject, headers=json).status_code == 422
    assert reviewer.post(address(reviewed), reject | {"why": "Blind."}).status_code == 302
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.outcome, second.outcome, second.feedback) == ("accepted", "rejected", "Blind.")


def test_a_rejected_answer_is_drawn_again_and_accepted_after_all(reviewer, reviewed):
    one, other = waiting(reviewed)[:2]
    Assignment.objects.filter(pk=other.pk).update(for_person=False)  # as review itself decides
    for answer in (one, other):
        reject(answer, "Blind.", "review")
    page = reviewer.get(address(reviewed))
    assert {answer.key for answer in page.context["decided"]} == {one.key, other.key}
    again = reviewer.get(address(reviewed), {"at": other.key})
    assert again.context["drawn"].assignment == other
    assert "The worker was told: “Blind.”" in again.content.decode()
    body = {"answer": other.key, "decision": "overturn"}
    told = reviewer.post(address(reviewed), body, headers={"Accept": "application/json"})
    assert told.content == b"1 answer accepted after all, of which 1 count again."
    other.refresh_from_db()
    assert (other.outcome, other.used) == ("accepted", True)
    refused = reviewer.post(address(reviewed), body, headers={"Accept": "application/json"})
    assert (refused.status_code, "was not rejected" in refused.content.decode()) == (422, True)


def test_rejected_answers_stay_in_sight_and_the_latest_decision_comes_first(reviewer, reviewed):
    first, second, third, fourth = waiting(reviewed)
    reject(second, "Blind.", "rita")
    for answer in (fourth, first, third):
        accept(answer, "rita", "")
    assert list(decided(reviewed)) == [second, third, first, fourth]


def test_all_rejected_of_one_worker_are_accepted_after_all(reviewer, reviewed):
    worker = waiting(reviewed)[0].worker
    theirs = [answer for answer in waiting(reviewed) if answer.worker == worker]
    for answer in theirs:
        reject(answer, "Blind.", "rita")
    body = {"answer": theirs[0].key, "decision": "overturn-all"}
    assert reviewer.post(address(reviewed), body).status_code == 302
    outcomes = Assignment.objects.filter(pk__in=[answer.pk for answer in theirs])
    assert set(outcomes.values_list("outcome", flat=True)) == {"accepted"}


def test_a_decision_held_back_by_the_page_is_not_shown_again(reviewer, reviewed):
    first, second, *_ = waiting(reviewed)
    page = reviewer.get(address(reviewed), {"held": first.key})
    assert (page.context["drawn"].assignment, page.context["left"]) == (second, 3)
    page = reviewer.get(address(reviewed), {"held": first.key, "all": "1"})
    others = [answer for answer in waiting(reviewed) if answer.worker != first.worker]
    assert page.context["left"] == len(others)


def test_all_of_one_worker_are_decided_together(reviewer, reviewed):
    worker = waiting(reviewed)[0].worker
    theirs = [answer for answer in waiting(reviewed) if answer.worker == worker]
    body = {"answer": theirs[0].key, "decision": "accept-all"}
    assert reviewer.post(address(reviewed), body).status_code == 302
    assert not [answer for answer in waiting(reviewed) if answer.worker == worker]
    assert len(waiting(reviewed)) == 4 - len(theirs)


def test_what_is_drawn_is_what_was_shown_and_said(reviewed):
    answers = Assignment.objects.filter(campaign=reviewed)
    answer = next(a for a in answers if 0 < len(a.selected) < len(a.shown))
    drawn = draw(answer)
    tiles = [tile for section in drawn.sections for tile in section.tiles]
    assert len(tiles) == len(answer.shown)
    said = [
        position
        for position, tile in zip(answer.shown, tiles, strict=True)
        if tile.said == "selected"
    ]
    assert set(said) == set(answer.selected)
    others = Assignment.objects.filter(hit=answer.hit, outcome="accepted").exclude(pk=answer.pk)
    for position, tile in zip(answer.shown, tiles, strict=True):
        votes = sum(position in other.selected for other in others)
        assert tile.others == (f"{votes} of {len(others)}" if others else "")


@pytest.mark.parametrize("known", [True, False])
def test_a_control_is_odd_where_it_was_answered_wrongly(reviewed, known):
    answers = Assignment.objects.filter(campaign=reviewed)
    answer = next(a for a in answers if 0 < len(a.selected) < len(a.shown))
    answer.hit.items.update(role="control", pair=None, known=known)
    wrong = set(answer.shown) - set(answer.selected) if known else set(answer.selected)
    tiles = [tile for section in draw(answer).sections for tile in section.tiles]
    odd = [position for position, tile in zip(answer.shown, tiles, strict=True) if tile.odd]
    assert set(odd) == wrong != set()
    assert {tile.known for tile in tiles} == {"present" if known else "absent"}


def test_a_form_is_drawn_too_with_and_without_others(reviewed):
    campaign = make_campaign(reviewed.dataset, "classify", slug="forms", workers_per_item=2)
    first, second = make_workers(2)
    for others, worker in enumerate((first, second)):
        work_through(campaign, [worker], random_answers())
        drawn = draw(campaign.assignments.filter(worker=worker).first())
        assert drawn.others == others
        for form, answer in zip(drawn.forms, drawn.assignment.answers, strict=True):
            assert sum(choice.selected for choice in form.choices) == len(answer["selected"])
            assert [bool(choice.others) for choice in form.choices] == [
                bool(others) for _ in form.choices
            ]


def test_only_reviewers_of_the_campaign_come_here(reviewed, client):
    client.force_login(make_user("vera", "viewer"))
    assert client.get(address(reviewed)).status_code == 403
    client.force_login(make_user("nobody"))
    assert client.get(address(reviewed)).status_code == 404
