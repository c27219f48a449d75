"""Practice in a session: passed, it leads on; failed, its worker goes back, paid for it."""

from decimal import Decimal

import pytest

from tasks.campaigns.publish import close, publish
from tasks.models import Payment, Session
from tests.studies.panels import PANEL, Person
from tests.studies.practised import draft, filled_in


@pytest.fixture
def campaign(db):
    settings = {
        "crowd": "panel",
        "panel": PANEL,
        "budget": Decimal(50),
        "contact": "ada@lab.example",
    }
    made = draft(**settings, session_minutes=1, max_share_per_worker=1)
    publish(made, "a test", production=True, yes_spend=made.budget)
    made.refresh_from_db()
    return made


def practise(person: Person, wrong: int) -> Person:
    """Send the practice on the page with so many wrong answers."""
    data = filled_in(person.campaign, person.page.content.decode(), wrong)
    return person._arrive(person.client.post(person.address, data), person.address)


def test_whoever_fails_goes_back_screened_out_and_is_paid_for_the_practice(campaign):
    ada = Person(campaign, "ada").begin()
    practise(ada, wrong=4)
    assert "cc=OUT2" not in ada.html  # they may try again
    practise(ada.press("go_on"), wrong=4)
    assert "cc=OUT2" in ada.html
    assert ada.record.outcome == "screened_out"
    paid = Payment.objects.filter(session=ada.record)
    assert list(paid.values_list("kind", flat=True)) == ["practice", "practice"]
    assert "cc=OUT2" in ada.come().html
    assert "cc=OUT2" in Person(campaign, "ada").begin().html
    assert Session.objects.count() == 1


def test_whoever_practises_when_the_study_is_closed_goes_back(campaign):
    ada = Person(campaign, "ada").begin()
    practice = ada.address
    close(campaign, "a test")
    assert ada.open(practice).can == ["finish"]
    assert "cc=NONE4" in ada.press("finish").html


def test_whoever_passes_goes_on_with_the_session(campaign):
    ada = Person(campaign, "ada").come()
    pay = campaign.practice_hits.first().reward
    assert f"Each try pays ${pay:.2f}." in ada.html
    assert f"This practice pays ${pay:.2f}." in ada.begin().html
    practise(ada, wrong=0).press("go_on")
    assert "Set 1 of" in ada.html
    while ada.is_at_work:
        ada.answer()
    if "finish" in ada.can:
        ada.press("finish")
    assert "cc=DONE1" in ada.html
    kinds = sorted(Payment.objects.values_list("kind", flat=True))
    assert kinds == ["base", "practice"]


def test_whoever_passes_when_the_study_has_ended_goes_back_and_is_paid_for_the_practice(campaign):
    ada = Person(campaign, "ada").begin()
    campaign.state = "finished"
    campaign.save()
    practise(ada, wrong=0)
    assert "gives out no work at present" in ada.html
    assert "cc=NONE4" in ada.press("go_on").html
    assert ada.record.outcome == "no_work"
    assert list(Payment.objects.values_list("kind", "session")) == [("practice", ada.record.pk)]


def test_whoever_passes_while_the_study_is_paused_goes_on_with_their_session(campaign):
    ada = Person(campaign, "ada").begin()
    campaign.state = "paused"
    campaign.save()
    assert practise(ada, wrong=0).press("go_on").is_at_work


def test_the_budget_holds_a_try_beside_the_sessions(campaign):
    held = campaign.session_reward + campaign.practice_hits.first().reward
    campaign.budget = held - Decimal("0.01")
    campaign.save()
    ada = Person(campaign, "ada").begin()
    assert "cc=NONE4" in ada.html
    assert ada.record.outcome == "no_work"
    campaign.budget = held
    campaign.save()
    assert Person(campaign, "bob").begin().address.startswith(f"/tasks/{campaign.public_id}/prac")
