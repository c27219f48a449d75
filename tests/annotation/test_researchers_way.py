"""A researcher's whole way in a browser, from the login to the tables; and what a viewer sees."""

import csv
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

from tasks.campaigns.publish import publish
from tasks.celery_tasks import ended_without_results
from tasks.models import Campaign
from tasks.results import aggregate
from tests.factories import (
    make_awkward_dataset,
    make_user,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


class Way:
    """Somebody's browser: counts their clicks, and looks at each page as axe does."""

    def __init__(self, page, address: str, name: str, role: str) -> None:
        client = Client()
        client.force_login(make_user(name, role))
        cookie = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
        self.page, self.address, self.clicks, self.faults = page, address, 0, []
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def press(self, name: str | re.Pattern, role: str = "button") -> None:
        self.clicks += 1
        self.page.get_by_role(role, name=name).first.click()
        self.page.wait_for_load_state()
        self.look()

    def look(self) -> None:
        """axe finds nothing inside unfold's frame, and nothing stands out sideways on a phone."""
        if not self.page.locator(".path").count():
            return
        for violation in Axe().run(self.page, context=".path").response["violations"]:
            where = [node["html"][:160] for node in violation["nodes"][:2]]
            self.faults.append(f"{self.page.url}: {violation['id']}: {where}")
        self.page.set_viewport_size(PHONE)
        over = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            self.faults.append(f"{self.page.url}: {over} px too wide for a phone")
        self.page.set_viewport_size(DESK)


def published(way: Way) -> Campaign:
    """Walk through the steps of a new draft with what they propose, and publish it."""
    for _ in range(5):
        way.press(re.compile("Save and go on"))
    way.press(re.compile(r"Publish \d+ HIT"))
    return Campaign.objects.get(slug=way.page.url.rstrip("/").rpartition("/")[2])


def test_from_the_login_to_the_tables_without_a_terminal(live_server, page, tmp_path):
    dataset = make_awkward_dataset(tmp_path / "pictures")
    way = Way(page, live_server.url, "ada", "researcher")
    page.goto(f"{live_server.url}/admin/")
    way.look()
    way.press(dataset.name, role="link")
    way.press("New campaign", role="link")
    way.press("Begin")
    contains = published(way)
    assert contains.state == "open"
    assert way.clicks < 15
    work_through(contains, make_workers(9), random_answers())
    page.reload()
    page.get_by_text("its results are being computed").wait_for()
    assert list(ended_without_results()) == [contains]
    aggregate(contains)
    assert not ended_without_results().exists()
    page.reload()
    way.press("Ask with CLASSIFY", role="link")
    way.press("Begin")
    assert page.get_by_text(re.compile(r"\d+ asked of \d+")).count()
    classify = published(way)
    work_through(classify, make_workers(9), random_answers())
    aggregate(classify)
    page.reload()
    way.press("Settings and tables", role="link")
    with page.expect_download() as download:
        page.locator('a[href$="/export/annotations.csv"]').click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == {image.key for image in dataset.images.all()}
    assert way.faults == []


def test_a_viewer_sees_it_all_and_changes_nothing(live_server, page, tmp_path):
    dataset = make_awkward_dataset(tmp_path / "pictures")
    campaign = Campaign.objects.create(slug="seen", name="Seen", dataset=dataset, kind="contains")
    way = Way(page, live_server.url, "vera", "viewer")
    page.goto(f"{live_server.url}/admin/")
    way.press(dataset.name, role="link")
    assert page.get_by_role("link", name="New campaign").count() == 0
    page.goto(f"{live_server.url}/campaigns/{campaign.slug}/")
    way.look()
    steps = page.get_by_role("navigation", name="Steps")
    assert steps.get_by_role("link").all_inner_texts() == ["Settings and tables"]
    assert page.goto(f"{live_server.url}/campaigns/new/").status == 403
    assert way.faults == []


def test_a_decision_waits_until_it_can_no_longer_be_taken_back(live_server, page, tmp_path):
    dataset = make_awkward_dataset(tmp_path / "pictures")
    campaign = Campaign.objects.create(
        slug="reviewed",
        name="Reviewed",
        dataset=dataset,
        kind="contains",
        workers_per_item=2,
        review_sample=3,
        rejection=True,
    )
    publish(campaign, "a test")
    work_through(campaign, make_workers(2), random_answers())
    way = Way(page, live_server.url, "rita", "reviewer")
    page.clock.install()
    page.goto(f"{live_server.url}/campaigns/reviewed/review/")
    way.look()

    def shown() -> str:
        return page.locator(".decision").get_attribute("data-answer")

    def accepted() -> list[str]:
        rows = campaign.assignments.filter(for_person=True, outcome="accepted").order_by("pk")
        return list(rows.values_list("key", flat=True))

    first = shown()
    page.keyboard.press("a")
    page.wait_for_function(f"document.querySelector('.decision').dataset.answer !== '{first}'")
    page.keyboard.press("u")
    page.wait_for_function(f"document.querySelector('.decision').dataset.answer === '{first}'")
    page.clock.run_for(6000)
    assert accepted() == []
    page.keyboard.press("a")
    page.wait_for_function(f"document.querySelector('.decision').dataset.answer !== '{first}'")
    with page.expect_response(lambda reply: reply.request.method == "POST"):
        page.clock.run_for(6000)
    assert accepted() == [first]
    second = shown()
    page.keyboard.press("s")
    page.wait_for_url(re.compile("after="))
    third = shown()
    assert third != second
    page.keyboard.press("a")  # and leave at once: it is sent all the same
    page.wait_for_function(f"document.querySelector('.decision').dataset.answer !== '{third}'")
    page.goto(f"{live_server.url}/healthz")
    until(lambda: set(accepted()) == {first, third}, 20)
    page.goto(f"{live_server.url}/campaigns/reviewed/review/")
    page.keyboard.press("r")  # the last one: it can be taken back, too
    page.keyboard.type("Blind.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("No answer waits for your review.").wait_for()
    page.keyboard.press("u")
    page.locator(f".decision[data-answer='{second}']").wait_for()
    page.keyboard.press("r")
    page.keyboard.type("Blind.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("No answer waits for your review.").wait_for()
    page.clock.run_for(6000)
    page.get_by_role("link", name="Look again, or overturn").click()
    page.locator(".decision").wait_for()
    way.look()
    page.keyboard.press("o")
    page.get_by_text("Accepted after all.").wait_for()
    page.clock.run_for(6000)
    until(lambda: set(accepted()) == {first, second, third}, 20)
    assert way.faults == []
