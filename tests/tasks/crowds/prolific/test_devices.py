"""A device that the study excludes gets a friendly sentence and a code, and no work."""

import pytest
from django.test import Client as Browser

from tasks.crowds.prolific.models import Study
from tasks.crowds.prolific.studies import offer
from tasks.market.sync import sync
from tasks.models import Session
from tasks.simulation.rehearsal.prolific.people import CODE
from tasks.simulation.worksheet import begin_form, worksheet
from tests.studies.prolific_stand_in import begun

pytestmark = pytest.mark.django_db

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile Safari/537.36"
TABLET = "Mozilla/5.0 (Linux; Android 14; SM-X910) Chrome/140.0.0.0 Safari/537.36"
APPLE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15"  # iPads too
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"


@pytest.fixture
def open_to(open_for_prolific, market):
    """A function (devices) -> (campaign, somebody's submission, its path on the site)."""

    def make(*devices, languages=("en",)):
        settings = {"device_compatibility": list(devices)} if devices else {}
        campaign = open_for_prolific(prolific=settings, languages=list(languages))
        offer(campaign, 3)
        (study,) = market.studies.values()
        submission = market.take(study, "a" * 24)
        path = market.address_of(submission).removeprefix("https://second-look.example")
        return campaign, submission, path

    return make


def code_on(page) -> str:
    found = CODE.search(page.content.decode())
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("devices", "agent", "is_let_in"),
    [
        (["desktop"], IPHONE, False),
        (["desktop"], ANDROID, False),
        (["desktop"], TABLET, False),
        (["desktop"], APPLE, True),
        (["desktop"], WINDOWS, True),
        (["desktop"], "", True),
        (["desktop", "tablet"], TABLET, True),
        (["mobile"], IPHONE, True),
        (["mobile"], WINDOWS, False),
        (["tablet"], APPLE, True),
        ([], IPHONE, True),
    ],
)
def test_only_a_device_that_is_clearly_none_of_those_is_excluded(
    open_to, devices, agent, is_let_in
):
    _, submission, path = open_to(*devices)
    page = Browser(headers={"user-agent": agent}).get(path)
    html = page.content.decode()
    assert (begin_form(html) is not None) == is_let_in
    codes = Study.objects.get(market_id=submission.study.id).codes
    assert code_on(page) == ("" if is_let_in else codes["device"])
    assert not Session.objects.exists()  # a GET changes nothing


def test_it_says_which_device_the_study_needs_in_german_too(open_to):
    _, _, path = open_to("desktop", "tablet", languages=("en", "de"))
    phone = Browser(headers={"user-agent": IPHONE})
    assert "needs a computer or a tablet" in phone.get(path).content.decode()
    german = phone.get(path, headers={"accept-language": "de"}).content.decode()
    assert "brauchen Sie einen Computer oder ein Tablet" in german


def test_who_goes_back_from_it_is_in_the_books_as_such_and_asked_for_a_return(open_to, market):
    campaign, submission, path = open_to("desktop")
    market.complete(submission, code_on(Browser(headers={"user-agent": IPHONE}).get(path)))
    assert submission.return_requested
    assert sync(campaign).troubles == []
    assert Session.objects.get().outcome == "device"
    assert market.payments == []


def test_begin_gives_no_work_either_and_a_computer_may_still_take_it(open_to):
    _, _, path = open_to("desktop")
    form = begin_form(Browser().get(path).content.decode())
    page = Browser(headers={"user-agent": IPHONE}).post(form.action, dict(form.hidden), follow=True)
    assert Session.objects.get().outcome == "device"
    assert code_on(page)
    computer = Browser(headers={"user-agent": WINDOWS})
    form = begin_form(computer.get(path).content.decode())
    assert worksheet(computer.post(form.action, dict(form.hidden), follow=True).content.decode())
    assert Session.objects.get().outcome == ""


def test_whoever_is_at_work_may_go_on_with_a_phone(open_to):
    campaign, submission, path = open_to("desktop")
    begun(campaign, submission, answers=1)
    page = Browser(headers={"user-agent": IPHONE}).get(path, follow=True)
    assert code_on(page) == ""
    assert Session.objects.get().outcome == ""
