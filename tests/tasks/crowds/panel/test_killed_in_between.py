"""The web process dies between any two steps of a session: nobody is paid twice, or not at all."""

import re
from html import unescape

import pytest
from django.test import Client

from tasks.models import Assignment, Payment, Session
from tasks.simulation.worksheet import worksheet
from tests.factories import make_dataset
from tests.studies.killed_calls import Killed
from tests.studies.odd_pictures import fields_of
from tests.studies.panels import Person, open_panel

SEAMS = [
    ("tasks.pages.views", "begin_session"),
    ("tasks.pages.views", "is_due"),
    ("tasks.pages.views", "next_address"),
    ("tasks.pages.leading", "next_assignment"),
    ("tasks.pages.views", "submit"),
    ("tasks.pages.views", "next_assignment"),
    ("tasks.pages.views", "end_address"),
    ("tasks.pages.leading", "conclude"),
    ("tasks.pages.sessions", "next_assignment"),
    ("tasks.pages.sessions", "end"),
    ("tasks.pages.sessions", "conclude"),
    ("tasks.work.sessions", "settle"),
    ("tasks.work.sessions", "end"),
]


@pytest.fixture
def kills(monkeypatch):
    """Let a function end the process at its n-th call: kills(module, name, number, after)."""

    def arm(module: str, name: str, number: int, after: bool) -> None:
        from importlib import import_module

        where = import_module(module)
        real = getattr(where, name)
        calls = []

        def call(*arguments, **options):
            calls.append(1)
            if len(calls) == number and not after:
                raise Killed
            result = real(*arguments, **options)
            if len(calls) == number:
                raise Killed
            return result

        monkeypatch.setattr(where, name, call)

    return arm


def works_in_spite(person: Person) -> Person:
    """Work a session, and come again by the panel's link whenever the site is gone."""
    for _ in range(40):
        try:
            if person.is_at_work:
                person.answer()
            elif "finish" in person.can:
                person.press("go_on" if person.can[0] == "go_on" and not _extra() else "finish")
            elif "cc=DONE1" in person.html:
                return person
            else:
                person.begin()
        except Killed:
            person.client = Client()
            person.address = ""
    raise AssertionError(person.html)


def _extra() -> bool:
    return Assignment.objects.filter(is_extra=True, state="submitted").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("module", "name"), SEAMS, ids=[f"{m}.{n}" for m, n in SEAMS])
def test_whoever_comes_again_loses_nothing(kills, module, name, after):
    campaign = open_panel(make_dataset())
    for number in (1, 3):
        kills(module, name, number, after)
        who = f"person-{number}"
        person = works_in_spite(Person(campaign, who))
        session = Session.objects.get(worker__external_id=who)
        assert session.outcome == "done"
        answers = session.assignments.filter(state="submitted")
        assert answers.filter(is_extra=False).count() == 2
        extra = answers.filter(is_extra=True)
        paid = {payment.request_key: payment.amount for payment in session.payments.all()}
        assert sorted(paid.values()) == sorted(
            [session.reward, *extra.values_list("hit__reward", flat=True)]
        )
        assert "cc=DONE1" in person.html
    assert Payment.objects.filter(kind="base").count() == 2
    assert not Assignment.objects.filter(state="open").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["open", "paused", "finished", "closed"])
@pytest.mark.parametrize("scripted", [False, True], ids=["form", "script"])
def test_whoever_sends_an_answer_again_finds_the_way_back(kills, state, scripted):
    campaign = open_panel(make_dataset())
    ada = Person(campaign, "ada").begin()
    address, page = ada.address, ada.page
    kills("tasks.pages.views", "submit", 1, after=True)
    with pytest.raises(Killed):
        ada.answer()
    campaign.state = state
    campaign.save()
    ada.page, accepts = page, {"Accept": "application/json"} if scripted else {}
    data = dict(fields_of(worksheet(page.content.decode())))
    again = ada.client.post(address, data, headers=accepts)
    ada.page = ada.client.get(again.json()["next"]) if scripted else again
    link = re.search(r'<a class="button" href="([^"]+)"', ada.html)
    ada.open(unescape(link[1])).press_begin()
    if state in ("open", "paused"):
        assert ada.is_at_work
    else:
        assert "cc=DONE1" in ada.html
