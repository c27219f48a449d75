"""A panel's person: comes, works a session, goes on or finishes, and goes back with the outcome."""

from decimal import Decimal
from urllib.parse import unquote

import httpx
import pytest

from tasks.campaigns.publish import close, pause
from tasks.models import Assignment, Payment, Session, Worker
from tasks.work.sessions import end_idle
from tests.factories import make_dataset
from tests.studies.panels import CODES, Person, open_panel

DONE = "https://panel.example/back?who=ada&amp;of=session-ada&amp;cc=DONE1"


@pytest.fixture
def campaign(db):
    return open_panel(make_dataset())


def owed(kind: str | None = None) -> Decimal:
    payments = Payment.objects.all() if kind is None else Payment.objects.filter(kind=kind)
    return sum(payments.values_list("amount", flat=True), Decimal(0))


@pytest.mark.parametrize("cookies", [True, False])
def test_whoever_does_a_session_goes_back_with_the_code_of_done(campaign, cookies):
    assert campaign.session_hits == 2
    ada = Person(campaign, "ada", cookies=cookies).come()
    assert "A session is <strong>2 sets</strong>" in ada.html
    assert f"It pays <strong>${campaign.session_reward}</strong>" in ada.html
    assert not Worker.objects.exists()
    assert not Session.objects.exists()
    ada.begin()
    assert "Set 1 of 2 of your session" in ada.html
    ada.answer()
    assert "Set 2 of 2 of your session" in ada.html
    assert "DONE1" not in ada.html
    ada.answer()
    assert ada.can == ["go_on", "finish"]
    assert "DONE1" not in ada.html
    assert owed() == 0
    ada.press("finish")
    assert DONE in ada.html
    assert ada.record.outcome == "done"
    assert owed("base") == owed() == campaign.session_reward
    assert Assignment.objects.filter(outcome="accepted").count() == 2


def test_whoever_goes_on_earns_a_bonus_a_set(campaign):
    ada = Person(campaign, "ada").work()
    left = campaign.hits.exclude(assignments__worker__external_id="ada")
    worths = sorted(left.values_list("reward", flat=True))
    most = f" to ${worths[-1]}" if worths[-1] != worths[0] else ""  # by chance the same
    assert f"Go on for ${worths[0]}{most} a set" in ada.html
    ada.press("go_on")
    first = Assignment.objects.get(is_extra=True).hit.reward
    assert f"Beyond your session: this set pays <strong>${first}</strong>" in ada.html
    ada.answer()
    assert owed("bonus") == first
    assert owed("base") == 0
    ada.press("go_on").answer().press("finish")
    extra = Assignment.objects.filter(is_extra=True)
    assert owed("base") == campaign.session_reward
    assert owed("bonus") == sum(extra.values_list("hit__reward", flat=True))
    assert DONE in ada.html
    assert f"Your session pays <strong>${campaign.session_reward}</strong>" in ada.html
    beyond = (
        f"Beyond it you have answered <strong>2 sets</strong> for <strong>${owed('bonus'):.2f}<"
    )
    assert beyond in ada.html


def test_the_page_of_a_session_that_ended_is_the_same_however_often_they_come(campaign):
    ada = Person(campaign, "ada").work().press("finish")
    address = ada.address
    for _ in range(2):
        assert DONE in ada.open(address).html
        assert DONE in ada.come().html
        assert DONE in Person(campaign, "ada").come().html  # another device
    assert Payment.objects.count() == 1


def test_leaving_in_the_middle_and_returning_goes_on_where_they_were(campaign):
    ada = Person(campaign, "ada").begin().answer()
    hit = ada.address
    assert ada.come().address == hit
    phone = Person(campaign, "ada")
    assert phone.come().address == hit
    Assignment.objects.filter(state="open").update(expires_at="2020-01-01T00:00Z")
    assert "You have answered <strong>1 of 2</strong> sets." in phone.come().html
    assert "Set 2 of 2" in phone.begin().html
    assert DONE in phone.answer().press("finish").html
    assert Session.objects.count() == 1


def test_two_tabs_and_back_earn_one_session(campaign):
    ada = Person(campaign, "ada").begin()
    other = Person(campaign, "ada").begin()
    assert other.address == ada.address
    ada.answer()
    other.answer()  # the same HIT once more
    assert Assignment.objects.filter(state="submitted").count() == 1
    ada.answer().press("finish")
    again = Person(campaign, "ada")
    again.page, again.address = ada.page, ada.address
    assert DONE in again.open(ada.address).html
    assert DONE in Person(campaign, "ada").begin().html
    assert Payment.objects.count() == 1


def test_a_stolen_session_gets_neither_work_nor_code(campaign):
    Person(campaign, "ada").work().press("finish")
    thief = Person(campaign, "eve", "session-ada")
    for page in (thief.come(), thief.begin()):
        assert page.page.status_code == 409
        assert "somebody else" in page.html
        assert "DONE1" not in page.html
    eve = Person(campaign, "eve").work()
    assert eve.record.worker.external_id == "eve"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "does not say who you are"),
        ("pid=&sid=s1", "does not say who you are"),
        ("pid=ada", "for which session"),
        ("pid=%7BPID%7D&sid=s1", "not one of the panel"),
        ("pid=a%00b&sid=s1", "not one of the panel"),
        ("pid=" + 201 * "a" + "&sid=s1", "not one of the panel"),
    ],
)
def test_a_missing_or_odd_id_gets_a_friendly_page_and_no_work(campaign, query, words):
    person = Person(campaign, "nobody")
    person.open(f"/tasks/{campaign.public_id}/?{query}")
    assert person.page.status_code == 409
    assert words in person.html
    assert "All open studies" not in person.html
    posted = person.client.post(f"/tasks/{campaign.public_id}/?{query}")
    assert posted.status_code == 409
    assert not Worker.objects.exists()


@pytest.mark.parametrize("name", ["Zoë", "李雷", "a b", '"><script>', "=1+1"])
def test_a_browser_remembers_a_person_whatever_letters_their_id_has(db, name, live_server):
    campaign = open_panel(make_dataset(), {"session_param": None, "completion_url": "https://p.x"})
    address = f"{live_server.url}/tasks/{campaign.public_id}/"
    with httpx.Client(trust_env=False) as browser:  # a header is written by a real server alone
        begun = browser.post(address, data={"pid": name})
        assert begun.status_code == 303
        assert browser.get(address).headers["Location"] == begun.headers["Location"]
    assert Worker.objects.get().external_id == name


@pytest.mark.parametrize("token", ["", "a%00b", "x" * 300, "%F0%9F%98%80", "nobody's"])
def test_what_is_no_sessions_token_shows_no_session(campaign, token):
    address = f"/tasks/{campaign.public_id}/session/"
    ada = Person(campaign, "ada").open(f"{address}?session={token}")
    assert ada.page.status_code == 409
    assert "All open studies" not in ada.html
    assert "ada@lab.example" in ada.html
    assert ada.client.post(address, {"session": unquote(token)}).status_code == 409


def test_only_ids_of_the_pattern_and_of_the_list_may_come(db):
    listed = {"id_pattern": "[a-z]{3}", "ids": ["ada", "bob"]}
    campaign = open_panel(make_dataset(), listed)
    assert Person(campaign, "ada").begin().is_at_work
    assert "not one of the panel" in Person(campaign, "ADA").begin().html
    assert "not among them" in Person(campaign, "eve").begin().html
    assert list(Worker.objects.values_list("external_id", flat=True)) == ["ada"]


def test_whoever_comes_when_there_is_no_work_goes_back_with_that_code(campaign):
    campaign.places.update(free_at="2100-01-01T00:00Z")
    ada = Person(campaign, "ada").begin()
    assert "cc=NONE4" in ada.html
    assert "same link" not in ada.html  # they are led back, not asked to wait
    assert not Worker.objects.exists()
    campaign.places.update(free_at="2020-01-01T00:00Z")
    assert ada.begin().is_at_work


def test_whoever_runs_out_of_work_is_paid_for_the_whole_session(campaign):
    ada = Person(campaign, "ada").begin()
    campaign.places.filter(holder=None).update(free_at="2100-01-01T00:00Z")
    ada.answer()
    assert DONE in ada.html
    assert "your session was shorter than planned" in ada.html
    assert owed() == campaign.session_reward


def test_whoever_refuses_consent_goes_back_with_that_code_and_may_return(db):
    campaign = open_panel(make_dataset(), consent="You may stop at any time.")
    ada = Person(campaign, "ada", cookies=False).begin()
    assert "You may stop at any time." in ada.html
    version = ada.html.split('name="refuse" value="')[1].split('"')[0]
    ada._arrive(ada.client.post(ada.address, {"refuse": version}), ada.address)
    assert "cc=NO3" in ada.html
    assert "Read the text again" in ada.html
    assert (ada.record.outcome, owed()) == ("no_consent", 0)
    ada.begin()
    ada._arrive(ada.client.post(ada.address, {"agree": version}), ada.address)
    assert ada.is_at_work


@pytest.mark.parametrize(
    ("answers", "code", "paid"), [(0, "NONE4", 0), (1, "DONE1", 1), (2, "DONE1", 1)]
)
def test_whoever_has_a_set_open_when_the_study_is_closed_goes_back_and_is_paid(
    campaign, answers, code, paid
):
    ada = Person(campaign, "ada").begin()
    for _ in range(answers):
        ada.answer()
    if answers == campaign.session_hits:
        ada.press("go_on")
    close(campaign, "a test")
    assert ada.is_at_work
    for address in (ada.address, ada.link):
        ada.open(address)
        assert ada.can == ["finish"]
        assert "DONE1" not in ada.html
        assert ("pays <strong>" in ada.html) == (answers > 0)
    assert f"cc={code}" in ada.press("finish").html
    assert owed() == paid * campaign.session_reward
    assert not Assignment.objects.filter(state="open").exists()


def test_whoever_never_returns_after_the_study_was_closed_is_paid_as_a_whole(campaign):
    Person(campaign, "ada").begin().answer()
    Person(campaign, "bob").begin()
    close(campaign, "a test")
    Session.objects.update(kept_until="2020-01-01T00:00Z")
    end_idle(campaign)
    outcomes = dict(Session.objects.values_list("worker__external_id", "outcome"))
    assert outcomes == {"ada": "done", "bob": "no_work"}
    assert owed() == campaign.session_reward


def test_whoever_comes_while_the_study_is_paused_goes_back(campaign):
    pause(campaign, "a test")
    ada = Person(campaign, "ada").come()
    assert "The study is paused, so there is no work for you now." in ada.html
    assert "cc=NONE4" in ada.html


def test_whoever_was_gone_for_long_is_told_what_to_do_and_no_code(campaign):
    ada = Person(campaign, "ada").begin().answer()
    worth = Assignment.objects.get(state="submitted").hit.reward
    long_ago = "2020-01-01T00:00Z"
    Assignment.objects.filter(state="open").update(expires_at=long_ago)
    Session.objects.update(kept_until=long_ago)
    assert end_idle(campaign) == 1
    ada.come()
    assert "please return it there" in ada.html
    assert f"You are owed <strong>${worth:.2f}</strong>" in ada.html
    assert not any(code in ada.html for code in CODES.values())


@pytest.mark.parametrize(
    ("state", "button"), [("paused", "agree"), ("finished", "agree"), ("closed", "refuse")]
)
def test_whoever_reads_the_consent_when_the_study_stops_is_led_on(db, state, button):
    campaign = open_panel(make_dataset(), consent="You may stop at any time.")
    ada = Person(campaign, "ada").begin()
    version = ada.html.split('name="agree" value="')[1].split('"')[0]
    campaign.state = state
    campaign.save()
    ada._arrive(ada.client.post(ada.address, {button: version}), ada.address)
    if state == "paused":  # whoever is in a session may finish it
        assert ada.is_at_work
    else:
        assert "cc=NONE4" in ada.press_begin().html


def test_a_code_that_is_an_address_is_the_whole_way_back(db):
    codes = {"done": "https://panel.example/complete?x=1&p={id}", "no_work": None}
    campaign = open_panel(make_dataset(), {"codes": codes})
    ada = Person(campaign, "ada").work().press("finish")
    assert 'href="https://panel.example/complete?x=1&amp;p=ada"' in ada.html
    assert "completion code" not in ada.html


def test_no_line_of_the_log_names_a_person(db):
    campaign = open_panel(
        make_dataset(), {"session_param": None, "completion_url": "https://p.example/{code}"}
    )
    Person(campaign, "ada-lovelace", session="ada-lovelace").work().press("finish")
    assert Session.objects.get().key == "ada-lovelace"
    log = campaign.transitions.values_list("subject", "why", "who")
    assert "ada-lovelace" not in str(list(log))
    assert "ada-lovelace" not in str(Session.objects.get())


def test_nobody_begins_a_session_that_the_budget_does_not_carry(campaign):
    campaign.budget = 2 * campaign.session_reward - Decimal("0.01")
    campaign.save()
    ada = Person(campaign, "ada").begin()
    assert ada.is_at_work
    assert "cc=NONE4" in Person(campaign, "bob").begin().html
    campaign.budget += Decimal("0.01")
    campaign.save()
    assert Person(campaign, "bob").begin().is_at_work
    assert "cc=NONE4" in Person(campaign, "eve").begin().html


def test_nobody_goes_on_for_a_bonus_that_the_budget_does_not_carry(campaign):
    worth = min(campaign.hits.values_list("reward", flat=True))
    campaign.budget = campaign.session_reward + worth - Decimal("0.01")
    campaign.save()
    assert DONE in Person(campaign, "ada").work().html
    assert owed() == campaign.session_reward
