"""publish --test EMAIL: a researcher goes through the study, and nothing of that counts."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from tasks.campaigns.publish import publish
from tasks.crowds.prolific.models import Study
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Session
from tasks.simulation.rehearsal.prolific.people import CODE
from tasks.simulation.worksheet import begin_form, way_on, worksheet
from tests.factories import client_of, make_dataset
from tests.studies.odd_pictures import fields_of
from tests.studies.prolific_stand_in import draft_for_prolific

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ada@lab.example"


@pytest.fixture
def campaign(prolific) -> Campaign:
    return draft_for_prolific(
        make_dataset(),
        slug="tried",
        budget=Decimal(100),
        contact="Ada Lovelace, ada@lab.example",
        grid_size=12,
        max_sections=3,
        session_minutes=1,
    )


def goes_through(address: str) -> str:
    """Somebody does a whole session from an address on; the page that they see last."""
    browser = Browser()
    page = browser.get(address.removeprefix("https://second-look.example"), follow=True)
    for _ in range(20):
        html = page.content.decode()
        where = page.redirect_chain[-1][0] if page.redirect_chain else page.request["PATH_INFO"]
        if form := begin_form(html):
            page = browser.post(form.action, dict(form.hidden), follow=True)
        elif sheet := worksheet(html):
            data: dict[str, list[str]] = {}
            for name, value in fields_of(sheet):
                data.setdefault(name, []).append(value)
            page = browser.post(sheet.action or where, data, follow=True)
        elif form := way_on(html):
            page = browser.post(where, dict([*form.hidden, form.buttons[-1]]), follow=True)
        else:
            return html
    raise AssertionError("the session has no end")


def test_a_test_participant_goes_through_and_nothing_counts(campaign, market, capsys):
    call_command("publish", "tried", "--test", EMAIL)
    assert "test study to ada@lab.example: https://" in capsys.readouterr().out
    sync(campaign)
    draft, tested = market.studies.values()
    assert (draft.status, tested.test_of) == ("UNPUBLISHED", draft.id)
    submission = market.take(tested, market.test_participants[0])
    html = goes_through(market.address_of(submission))
    assert CODE.search(html)[1] == Study.objects.get(test_of=None).codes["done"]
    market.complete(submission, CODE.search(html)[1])
    assert Session.objects.get().is_test
    assert Assignment.objects.filter(state="submitted").count() == campaign.sessions.get().hits
    for _ in range(2):
        sync(campaign)
    campaign.refresh_from_db()
    assert not [a for a in Assignment.objects.all() if a.used]
    assert not campaign.payments.exists()
    assert not market.payments
    assert not campaign.places.filter(free_at=None).exists()
    publish(campaign, "a test")
    assert draft.status == "ACTIVE"
    assert draft.places == -(-3 * campaign.hits.count() // campaign.session_hits)


@pytest.mark.parametrize("command", ["publish", "close"])
def test_the_test_study_is_stopped_once_it_is_not_needed(campaign, market, command):
    call_command("publish", "tried", "--test", EMAIL)
    _, tested = market.studies.values()
    sync(campaign)
    assert tested.status == "ACTIVE"
    call_command(command, "tried")
    sync(campaign)
    assert tested.status == "COMPLETED"


def test_without_test_participants_one_line_says_so_and_another_is_a_link(campaign, market, capsys):
    market.features = replace(market.features, test_participants=False)
    call_command("publish", "tried", "--test", EMAIL)
    said, link = capsys.readouterr().out.strip().splitlines()[-2:]
    assert "no test study to ada@lab.example" in said
    assert "not enabled for this workspace" in said
    html = goes_through(link[link.index("https://") :])
    assert "Thank you: you are done" in html
    assert Session.objects.get().is_test
    sync(campaign)
    assert not [a for a in Assignment.objects.all() if a.used]
    assert not campaign.payments.exists()
    publish(campaign, "a test")
    campaign.places.all().delete()  # nothing waits for an answer any more
    sync(campaign)
    assert campaign.state == "finished"


@pytest.mark.parametrize(
    ("crowd", "email", "why"),
    [("local", EMAIL, "has no test people"), ("prolific", "ada@", "ada@ is no email address")],
)
def test_what_cannot_be_tested_is_not_laid_out(campaign, market, crowd, email, why):
    Campaign.objects.update(crowd=crowd)
    with pytest.raises(CommandError, match=why):
        call_command("publish", "tried", "--test", email)
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert not campaign.hits.exists()
    assert not market.calls


def test_the_api_tests_it_as_the_command_does(campaign, market):
    researcher = client_of("staff", "researcher")

    def publish_by_api(**body):
        at = f"/api/campaigns/{campaign.slug}/publish/"
        return researcher.post(at, body, content_type="application/json")

    wrong = publish_by_api(test="nobody")
    assert (wrong.status_code, list(wrong.json())) == (400, ["test"])
    assert not market.studies
    tried = publish_by_api(test=EMAIL)
    assert "test study to ada@lab.example: https://" in tried.json()["notes"][-1]
    draft, _ = market.studies.values()
    assert draft.status == "UNPUBLISHED"
    assert publish_by_api().status_code == 200
    sync(campaign)
    assert draft.status == "ACTIVE"
