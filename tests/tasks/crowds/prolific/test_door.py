"""Who is let in from Prolific: by its API, by its token, by what the site signed; nobody else."""

import time
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from django.test import Client as Browser

from tasks.crowds.prolific import tokens
from tasks.crowds.prolific.described import least_allowed
from tasks.crowds.prolific.models import Study
from tasks.crowds.prolific.studies import offer
from tasks.crowds.prolific.visiting import SIGNED
from tasks.models import Session, Worker
from tasks.models.session import SessionOutcome
from tasks.simulation.rehearsal.prolific.people import CODE
from tasks.simulation.worksheet import begin_form, worksheet
from tasks.work.sessions import end
from tests.studies.prolific_stand_in import begun

pytestmark = pytest.mark.django_db

ADA, BOB = "a" * 24, "b" * 24


@pytest.fixture(autouse=True)
def no_key_kept():
    tokens._keys.clear()


@pytest.fixture
def campaign(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 3)
    return campaign


@pytest.fixture
def secure(open_for_prolific, market):
    """A campaign whose addresses Prolific signs."""
    market.features = replace(market.features, secure_url=True)
    campaign = open_for_prolific(prolific={"secure_url": True})
    offer(campaign, 3)
    return campaign


def taken(market, person: str = ADA):
    (study,) = market.studies.values()
    return market.take(study, person)


def path_of(market, submission) -> str:
    return market.address_of(submission).removeprefix("https://second-look.example")


def begins(page, browser: Browser):
    """Press "Begin" on a page, and follow where it leads."""
    form = begin_form(page.content.decode())
    return browser.post(form.action, dict(form.hidden), follow=True)


def opens_nothing(page) -> bool:
    html = page.content.decode()
    return not (begin_form(html) or worksheet(html) or CODE.search(html))


def test_whoever_prolific_sent_comes_to_work_as_its_participant(campaign, market):
    submission = taken(market)
    browser = Browser()
    page = browser.get(path_of(market, submission))
    assert page.status_code == 200
    assert not Worker.objects.exists()
    assert worksheet(begins(page, browser).content.decode())
    session = Session.objects.get()
    assert (session.key, session.study) == (submission.id, submission.study.id)
    assert session.worker.external_id == ADA


@pytest.mark.parametrize("cookies", [True, False])
def test_whoever_loads_the_address_again_goes_on_where_they_were(campaign, market, cookies):
    submission = taken(market)
    browser = Browser()
    begins(browser.get(path_of(market, submission)), browser)
    asked = market.calls["a submission"]
    if not cookies:
        browser = Browser()
    page = browser.get(path_of(market, submission), follow=True)
    assert worksheet(page.content.decode())
    assert market.calls["a submission"] == asked
    assert Session.objects.count() == 1


@pytest.mark.parametrize("name", ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"])
def test_an_address_whose_ids_do_not_agree_opens_nothing(campaign, market, name):
    mine, theirs = taken(market), taken(market, BOB)
    ours = {"PROLIFIC_PID": mine.participant, "STUDY_ID": mine.study.id, "SESSION_ID": mine.id}
    others = {"PROLIFIC_PID": BOB, "STUDY_ID": "c" * 24, "SESSION_ID": theirs.id}
    for value in (others[name], "d" * 24, "'; --", ""):
        address = path_of(market, mine).partition("?")[0]
        page = Browser().get(address, {**ours, name: value})
        assert page.status_code == 409
        assert opens_nothing(page)
    assert not Session.objects.exists()


def test_somebody_elses_session_that_has_begun_opens_nothing(campaign, market):
    theirs = taken(market, BOB)
    begun(campaign, theirs)
    address = path_of(market, theirs).replace(BOB, ADA)
    assert opens_nothing(Browser().get(address))


@pytest.mark.parametrize("status", ["RETURNED", "TIMED-OUT", "APPROVED", "REJECTED"])
def test_a_submission_that_is_over_opens_no_work(campaign, market, status):
    submission = taken(market)
    submission.status = status
    page = Browser().get(path_of(market, submission))
    assert page.status_code == 409
    assert opens_nothing(page)


@pytest.mark.parametrize("answers", [0, 1])
def test_a_session_that_was_left_shows_no_code_of_one_that_was_done(campaign, market, answers):
    """With `approve: at_once` that code alone would pay the whole session."""
    submission = taken(market)
    session = begun(campaign, submission, answers)
    end(session, SessionOutcome.LEFT, "a test")
    page = Browser().get(path_of(market, submission), follow=True)
    html = page.content.decode()
    assert "please return it there" in html
    assert opens_nothing(page)
    assert not any(code in html for code in Study.objects.get().codes.values())


def test_without_prolific_nobody_is_let_in(campaign):
    page = Browser().get(f"/tasks/{campaign.public_id}/")
    assert page.status_code == 409
    assert opens_nothing(page)


def test_begin_after_a_long_text_asks_prolific_nothing(campaign, market, prolific):
    submission = taken(market)
    browser = Browser()
    page = browser.get(path_of(market, submission))
    assert dict(begin_form(page.content.decode()).hidden)[SIGNED]
    prolific.trouble.next = ["failed"] * 50
    assert worksheet(begins(page, browser).content.decode())


def test_what_the_site_signed_for_one_campaign_opens_no_other(campaign, market, tmp_path):
    submission = taken(market)
    page = Browser().get(path_of(market, submission))
    form = begin_form(page.content.decode())
    other = type(campaign).objects.create(
        name="Other", slug="other", crowd="prolific", dataset=campaign.dataset, kind="contains"
    )
    stolen = Browser().post(f"/tasks/{other.public_id}/", dict(form.hidden), follow=True)
    assert opens_nothing(stolen)
    forged = dict(form.hidden) | {SIGNED: dict(form.hidden)[SIGNED][:-1]}
    assert opens_nothing(Browser().post(form.action, forged, follow=True))
    swapped = dict(form.hidden) | {"PROLIFIC_PID": BOB}
    assert opens_nothing(Browser().post(form.action, swapped, follow=True))


def test_while_prolific_does_not_answer_people_are_asked_to_wait(campaign, market, prolific):
    submission = taken(market)
    prolific.trouble.next = ["failed"] * 20
    page = Browser().get(path_of(market, submission))
    assert page.status_code == 409
    assert "load this page again in a minute" in page.content.decode()
    prolific.trouble.next = []
    assert Browser().get(path_of(market, submission)).status_code == 200


# Where the workspace signs the address


def test_a_token_vouches_without_the_api(secure, market, prolific):
    submission = taken(market)
    address = path_of(market, submission)
    assert "prolific_token=" in address
    page = Browser().get(address)
    assert begin_form(page.content.decode())
    assert market.calls["a submission"] == 0
    assert market.calls["keys"] == 1
    Browser().get(path_of(market, taken(market, BOB)))
    assert market.calls["keys"] == 1  # they are kept


def test_an_expired_or_a_missing_token_falls_back_to_the_api(secure, market):
    submission = taken(market)
    address = path_of(market, submission)
    missing = address.partition("&prolific_token=")[0]
    with_old = with_token(market, submission, exp=time.time() - 60)
    for number, given in enumerate((missing, with_old), 1):
        assert begin_form(Browser().get(given).content.decode())
        assert market.calls["a submission"] == number


def with_token(market, submission, key=None, headers=None, **claims) -> str:
    """The address with a token of the stand-in's key, but for these claims."""
    address = path_of(market, submission).partition("&prolific_token=")[0]
    named = {
        "PROLIFIC_PID": submission.participant,
        "STUDY_ID": submission.study.id,
        "SESSION_ID": submission.id,
        "workspace_id": market.workspace,
    }
    payload = {
        "aud": f"https://second-look.example{address}",
        "sub": submission.id,
        "exp": time.time() + 60,
        "prolific": named | claims.pop("prolific", {}),
        **claims,
    }
    payload = {name: value for name, value in payload.items() if value is not None}
    own = market.signer
    token = jwt.encode(
        payload, key or own._private(), "RS256", headers=headers or {"kid": own._kid}
    )
    return f"{address}&prolific_token={token}"


def test_a_token_of_our_making_is_let_in(secure, market):
    assert begin_form(Browser().get(with_token(market, taken(market))).content.decode())
    assert market.calls["a submission"] == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"prolific": {"STUDY_ID": "c" * 24}},
        {"prolific": {"PROLIFIC_PID": BOB}},
        {"prolific": {"SESSION_ID": "c" * 24}},
        {"prolific": {"workspace_id": "c" * 24}},
        {"sub": "c" * 24},
        {"aud": "https://elsewhere.example/tasks/abc/"},
        {"aud": "https://second-look.example/tasks/another/"},
        {"aud": None},
        {"exp": None},
    ],
    ids=str,
)
def test_a_token_for_something_else_opens_nothing(secure, market, claims):
    page = Browser().get(with_token(market, taken(market), **claims))
    assert page.status_code == 409
    assert opens_nothing(page)
    assert market.calls["a submission"] == 0


def test_a_token_that_prolific_did_not_sign_opens_nothing(secure, market):
    submission = taken(market)
    other = type(market.signer)()
    other.change()
    by_another_key = with_token(market, submission, key=other._private())
    unknown_key = with_token(market, submission, other._private(), {"kid": "unknown"})
    unsigned = jwt.encode({"sub": submission.id, "exp": time.time() + 60}, None, "none")
    without = path_of(market, submission).partition("&prolific_token=")[0]
    for address in (
        by_another_key,
        unknown_key,
        f"{without}&prolific_token={unsigned}",
        f"{without}&prolific_token=nonsense",
        f"{without}&prolific_token={'x' * 9000}",
    ):
        assert opens_nothing(Browser().get(address))
    assert market.calls["a submission"] == 0


def test_the_time_that_prolific_allows_is_enough_for_the_api():
    for minutes in (1, 10, 60, 600):
        assert timedelta(minutes=least_allowed(minutes)) > timedelta(minutes=2 * minutes)
