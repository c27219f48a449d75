"""A whole HIT of each kind in Firefox and in WebKit."""

import os

import pytest

from tasks.models import Assignment
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import door
from tests.studies.webdrivers import driven, missing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

READY = "return document.querySelector('form.work[data-ready]') && location.href"


@pytest.fixture(params=["firefox", "webkit"])
def driver(request):
    if packages := missing(request.param):
        message = f"{request.param} was not tried: install {packages}"
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(message)
    with driven(request.param) as driver:
        yield driver


def test_whole_hits_are_done(driver, live_server, tmp_path):
    dataset = make_pictures(tmp_path)
    for kind in ("contains", "classify"):
        campaign = open_campaign(dataset, kind, per_hit=12 if kind == "contains" else 3)
        driver.go(live_server.url + door(campaign))
        driver.click("form.begin button")
        where = driver.until(READY)
        driver.until("return [...document.images].every(i => i.complete || i.loading === 'lazy')")
        assert driver.run("return [...document.querySelectorAll('fieldset')].length") > 1
        if kind == "contains":
            driver.click("fieldset:first-of-type input[name=selected]")
            driver.click("fieldset:last-of-type input[name=none]")
        else:
            for number in range(3):
                driver.run(
                    f"document.querySelectorAll('fieldset')[{number}]"
                    ".querySelector('input[name^=labels-]').focus()"
                )
                driver.press("1")
        driver.click(".bar button.main")
        driver.until(f"return location.href !== {where!r} && document.readyState === 'complete'")
        done = Assignment.objects.get(campaign=campaign, state="submitted")
        assert done.active_seconds is not None
        if kind == "contains":
            assert len(done.selected) == 1
        else:
            assert [len(answer["selected"]) for answer in done.answers] == [1] * 3
