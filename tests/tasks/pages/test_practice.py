"""Practice: known answers before the first HIT, paid, told afterwards (rule V7)."""

import re
from decimal import Decimal

import pytest
from django.test import Client

from tasks import money
from tasks.models import (
    Assignment,
    Campaign,
    Payment,
    PracticeDraft,
    PracticeItem,
    PracticeTry,
    Worker,
)
from tasks.pages.own_work import own_work
from tasks.simulation.worksheet import consent_form, worksheet
from tasks.work.claiming import next_assignment
from tasks.work.practice import next_try
from tests.studies.practised import filled_in, go_on, practise, practising
from tests.studies.threads import at_once
from tests.studies.visitors import answer_one, begin, door, is_at_work, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db) -> Campaign:
    return practising()


def test_who_passes_is_told_what_is_right_paid_and_goes_on_to_work(campaign):
    client = Client()
    page = client.get(door(campaign))
    first = "First you practise on 4 pictures, and see what is right. It is paid like any set."
    assert first in says(page)
    begun = begin(door(campaign), client)
    assert not is_at_work(begun)
    assert "This is practice." in says(client.get(begun["Location"]))
    assert "go on to the work if 3 of 4 are right" in says(client.get(begun["Location"]))
    feedback = practise(campaign, client, begun, wrong=1)
    page = says(client.get(feedback))
    assert "You have passed the practice" in page
    assert "<strong>3 of 4</strong> were right; 3 are needed." in page
    assert page.count(">Right<") == 3
    assert page.count(">Not right<") == 1
    assert "definition" in page
    assert "Because of 0" in page
    assert is_at_work(go_on(client, feedback))
    attempt = PracticeTry.objects.get()
    assert (attempt.passed, attempt.right) == (True, 3)
    payment = Payment.objects.get()
    seconds = money.expected_seconds("contains", 4)
    assert payment.amount == money.reward_of(campaign, seconds) == Decimal("0.09")
    assert (payment.kind, payment.practice, payment.assignment) == ("practice", attempt, None)
    assert "You have practised on <strong>1 set</strong>." in says(client.get("/tasks/"))
    assert "You are owed <strong>$0.09</strong>" in says(client.get("/tasks/"))
    assert is_at_work(begin(door(campaign), client))  # once is enough
    assert PracticeTry.objects.count() == 1


def test_who_fails_twice_is_thanked_paid_and_gets_no_work(campaign):
    client = Client()
    first = practise(campaign, client, begin(door(campaign), client), wrong=2)
    page = says(client.get(first))
    assert "Not enough yet" in page
    assert "Try again with other pictures" in page
    assert not Assignment.objects.exists()
    second = practise(campaign, client, go_on(client, first), wrong=4)
    page = says(client.get(second))
    assert "Thank you for practising" in page
    assert "<form" not in page
    assert "You have practised on <strong>2 sets</strong>." in page
    assert "You are owed <strong>$0.18</strong>" in page
    shown = [
        set(PracticeItem.objects.filter(hit=attempt.hit).values_list("image", "label"))
        for attempt in PracticeTry.objects.order_by("opened_at")
    ]
    assert len(shown[0]) == len(shown[1]) == 4
    assert not shown[0] & shown[1]
    worker = Worker.objects.get()
    for asked in (begin(door(campaign), client), go_on(client, second)):
        assert not is_at_work(asked)
        assert "Thank you for practising" in says(client.get(asked["Location"]))
    assert next_assignment(campaign, worker) is None  # however they come
    assert next_try(campaign, worker) is None
    assert "We have no more work for you" in says(client.get("/tasks/"))
    assert not Assignment.objects.exists()
    assert Payment.objects.count() == 2


def test_a_second_try_may_admit(campaign):
    client = Client()
    first = practise(campaign, client, begin(door(campaign), client), wrong=3)
    assert is_at_work(go_on(client, practise(campaign, client, go_on(client, first))))
    assert own_work([Worker.objects.get()], campaign)[campaign.pk].stopped is False


def test_whatever_is_sent_twice_is_one_try_and_paid_once(campaign):
    client = Client()
    begun = begin(door(campaign), client)
    assert begin(door(campaign), client)["Location"] == begun["Location"]
    assert client.get(door(campaign))["Location"] == begun["Location"]  # it waits for them
    html = client.get(begun["Location"]).content.decode()
    feedback = client.post(begun["Location"], filled_in(campaign, html))["Location"]
    again = client.post(begun["Location"], filled_in(campaign, html, wrong=4))  # by Back
    assert again["Location"] == feedback
    assert client.get(feedback).content == client.get(feedback).content
    draft = filled_in(campaign, html) | {"draft": "1", "revision": "1"}
    assert client.post(begun["Location"], draft).status_code == 409
    assert PracticeTry.objects.get().right == 4
    assert Payment.objects.count() == 1
    assert go_on(client, feedback)["Location"] == go_on(client, feedback)["Location"]


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_make_one_try_and_one_payment():
    campaign = practising()
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = filled_in(campaign, client.get(address).content.decode(), wrong=4)
    token = address.partition("assignmentId=")[2]
    replies = at_once(*[lambda: Client().post(address, data)] * 6)
    assert {reply["Location"] for reply in replies} == {address}
    assert Payment.objects.count() == 1
    onward = {"assignmentId": token, "go_on": "1"}
    following = at_once(*[lambda: Client().post(address, onward)] * 6)
    assert len({reply["Location"] for reply in following}) == 1
    assert PracticeTry.objects.count() == 2


def test_it_carries_on_without_cookies_from_consent_to_the_first_hit():
    campaign = practising(consent="We study pictures.")
    address = begin(door(campaign), Client())["Location"]
    form = consent_form(Client().get(address).content.decode())
    begun = Client().post(address, dict([*form.hidden, form.buttons[0]]))
    failed = practise(campaign, Client(), begun, wrong=4)
    feedback = practise(campaign, Client(), go_on(Client(), failed))
    at_work = go_on(Client(), feedback)
    assert is_at_work(at_work)
    assert is_at_work(answer_one(Client(), at_work))
    assert Worker.objects.count() == 1


def test_nobody_does_it_for_another_or_without_its_token(campaign):
    owner, other = Client(), Client()
    address = begin(door(campaign), owner)["Location"]
    begin(door(campaign), other)
    assert other.get(address).status_code == 409
    bare = address.partition("?")[0]
    assert owner.get(bare).status_code == owner.get(bare + "?assignmentId=x").status_code == 409
    assert owner.get("/tasks/nowhere/practice/").status_code == 404


def test_mistakes_and_drafts_are_kept_as_on_a_hit(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    sheet = worksheet(client.get(address).content.decode())
    first = sheet.questions[0].named("selected")[0].value
    hidden = dict(sheet.hidden)
    none = sheet.questions[0].named("none")[0].value
    wrong = client.post(address, hidden | {"selected": [first], "none": [none]})
    assert wrong["Location"] == address + "&problems=1"
    page = client.get(wrong["Location"]).content.decode()
    assert "Not sent yet" in page
    assert re.search(f'value="{first}"[^>]* checked', page)
    by_script = {"accept": "application/json"}
    assert client.post(address, hidden, headers=by_script).status_code == 422
    newer = hidden | {"draft": "1", "revision": "9", "selected": [first]}
    assert client.post(address, newer).status_code == 204
    assert client.post(address, hidden | {"draft": "1", "revision": "8"}).status_code == 204
    assert f'value="{first}"' in client.get(address).content.decode()
    assert PracticeDraft.objects.get().revision == 9
    # Given back: nothing is paid, and it can be begun again.
    assert "Give this work back?" in says(client.post(address, hidden | {"return": "1"}))
    back = client.post(address, hidden | {"return": "1", "sure": "1"})
    assert "You have given the work back" in says(client.get(back["Location"]))
    assert not PracticeDraft.objects.exists()
    assert not Payment.objects.exists()
    assert begin(door(campaign), client)["Location"] == address
    data = filled_in(campaign, client.get(address).content.decode())
    reply = client.post(address, data, headers=by_script)
    assert reply.json() == {"next": address}


def test_its_page_tells_nothing_before_it_is_sent(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    page = client.get(address).content.decode()
    items = PracticeItem.objects.filter(hit__number=1).select_related("image")
    for item in items:
        assert item.image.key not in page
        assert item.explanation not in page or not item.explanation
    other = Client()
    begun = begin(door(campaign), other)["Location"]
    ids = [
        set(re.findall(r'value="(i\w{12})"', c.get(a).content.decode()))
        for c, a in ((client, address), (other, begun))
    ]
    assert ids[0]
    assert not ids[0] & ids[1]
