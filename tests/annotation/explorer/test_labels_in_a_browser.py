"""Labels, pairs and workers in a real browser: from one to the next, axe, a phone's width."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

from annotation.report.document import report_of, text_of
from annotation.report.kept import keep
from annotation.report.loading import load_study
from tasks.models import Stop
from tests.factories import make_dataset, make_user, make_workers
from tests.studies.answered_studies import make_answered_study
from tests.studies.browsers import SIZES, follow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def enter(page, address: str, name: str, role: str) -> None:
    client = Client()
    client.force_login(make_user(name, role))
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])


def faults(page) -> list[str]:
    """What axe finds, and a page wider than a phone."""
    violations = Axe().run(page, context=".path").response["violations"]
    found = [f"{page.url}: {each['id']}: {each['nodes'][0]['html'][:160]}" for each in violations]
    page.set_viewport_size(SIZES["phone"])
    if (over := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
        found.append(f"{page.url}: {over} px too wide")
    page.set_viewport_size(SIZES["desk"])
    return found


def test_from_labels_to_images_and_from_a_campaign_to_a_worker(live_server, page, tmp_path):
    dataset = make_dataset(24, 4, folder=tmp_path / "pictures")
    contains, form = make_answered_study(dataset)
    study = load_study(dataset, contains, form)
    report = report_of(dataset, contains, form, study=study)
    keep(text_of(report), (contains, form), study)
    enter(page, live_server.url, "rita", "reviewer")
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(str(error)))

    def look() -> None:
        seen.extend(faults(page))

    page.goto(f"{live_server.url}/datasets/small/images/")
    follow(page, page.get_by_role("link", name="Labels", exact=True).last)
    look()
    page.get_by_label("Name or key").fill("thing 2")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=thing+2**")
    follow(page, page.get_by_role("link", name="thing 2"))
    look()
    assert page.locator(".glance img").count() == 6
    follow(page, page.get_by_role("link", name="All its pairs"))
    look()
    follow(page, page.get_by_role("link", name=re.compile("^Both accepted")))
    look()
    pair = page.locator(".pairs > li").first
    number = re.search(r"(\d+) of \d+ images", pair.inner_text())
    assert number
    pair.get_by_role("link", name="See the images").click()
    page.get_by_text(f"{number[1]} of 24 images").wait_for()

    worker = make_workers(2)[1]
    page.goto(f"{live_server.url}/campaigns/{form.slug}/")
    follow(page, page.get_by_role("link", name=worker.pseudonym).first)
    look()
    follow(page, page.get_by_role("link", name="What setting them aside would change"))
    look()
    assert page.get_by_text(re.compile(r"of \d+ images")).count()
    page.get_by_label("Why, for the log").fill("selects at random")
    page.get_by_role("button", name=re.compile(r"Set aside: takes \d+ answers?")).click()
    page.get_by_text("selects at random").wait_for()
    assert page.url.endswith(f"/workers/{worker.pseudonym}/")
    assert Stop.objects.filter(campaign=form, worker=worker).count() == 1
    look()
    assert seen == []
