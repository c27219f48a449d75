"""A researcher's whole way in a browser, from the login to the tables; and what a viewer sees."""

import csv
import re
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import resolve

from annotation.report.celery_tasks import compute_report
from imagesets.celery_tasks import make_derivatives, run_import
from imagesets.pictures.demo_photos import make_photos
from models_inference.celery_tasks import predict_dataset
from tasks.campaigns.publish import publish
from tasks.celery_tasks import aggregate_campaign, ended_without_results
from tasks.models import Campaign, Worker
from tasks.results import aggregate
from tests.factories import (
    make_awkward_dataset,
    make_user,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.browsers import follow
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long way, on foot"
IMAGES = 12
Crew = list[Worker]
ALL_BUT_ONE = """
    const ticked = [...document.querySelectorAll("input[name=classifier]:checked")];
    for (const each of ticked.slice(1)) { each.checked = false; }
"""
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


class Way:
    """Somebody's browser: counts clicks and typed fields, and looks at each page as axe does."""

    def __init__(self, page, address: str, name: str, role: str) -> None:
        user = make_user(name, role)
        user.set_password(PASSWORD)
        user.save()
        self.page, self.address, self.name = page, address, name
        self.clicks, self.typed, self.faults = 0, 0, []
        self.looked: set[tuple] = set()
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def log_in(self) -> None:
        """By name and password, at the door of the researchers' pages. Not counted."""
        self.page.goto(f"{self.address}/admin/")
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")
        self.look()

    def type(self, field: str, text: str) -> None:
        self.typed += 1
        self.page.fill(f"[name={field}]", text)

    def choose(self, field: str, file: Path) -> None:
        self.clicks += 1
        self.page.set_input_files(f"input[name={field}]", file)

    def press(self, name: str | re.Pattern, role: str = "button") -> None:
        self.clicks += 1
        follow(self.page, self.page.get_by_role(role, name=name).first)
        self.look()

    def see(self, text: str | re.Pattern) -> None:
        self.page.get_by_text(text).first.wait_for()

    def look(self) -> None:
        """axe finds nothing inside unfold's frame, and nothing stands out sideways on a phone.

        Once for each kind of page, since axe takes a second.
        """
        match = resolve(urlsplit(self.page.url).path)
        kind = match.view_name, match.kwargs.get("step")
        if kind in self.looked or not self.page.locator(".path").count():
            return
        self.looked.add(kind)
        for violation in Axe().run(self.page, context=".path").response["violations"]:
            where = [node["html"][:160] for node in violation["nodes"][:2]]
            self.faults.append(f"{self.page.url}: {violation['id']}: {where}")
        self.page.set_viewport_size(PHONE)
        over = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            self.faults.append(f"{self.page.url}: {over} px too wide for a phone")
        self.page.set_viewport_size(DESK)


def photographs(folder: Path) -> Path:
    """A zip of twelve of the demo's photographs and collages, a folder for each label."""
    make_photos(folder)
    with (folder / "labels.csv").open(newline="") as file:
        rows = [(row["image"], row["label"]) for row in csv.DictReader(file)][:: 60 // IMAGES]
    made = folder / "mine.zip"
    with zipfile.ZipFile(made, "w") as whole:
        for image, label in rows[:IMAGES]:
            whole.write(folder / "images" / image, f"{label}/{image}")
    return made


def run_queue(queued: list) -> None:
    """Do what the site's pages have left to the queue, as its worker would."""
    while queued:
        task, arguments = queued.pop(0)
        task.run(*arguments)


@pytest.fixture
def queued(monkeypatch) -> list:
    """What the queue would do, instead of doing it: (task, arguments)."""
    tasks: list = []
    for task in (run_import, predict_dataset, make_derivatives, aggregate_campaign, compute_report):
        monkeypatch.setattr(task, "delay", lambda *given, task=task: tasks.append((task, given)))
        monkeypatch.setattr(
            task, "apply_async", lambda given=(), task=task, **how: tasks.append((task, given))
        )
    return tasks


def published(way: Way, steps: int) -> Campaign:
    """Go on through so many steps of a new draft with what they propose, and publish it."""
    for _ in range(steps):
        way.press(re.compile("Save and go on"))
    if steps < 5:
        way.press("Check and publish", role="link")
    way.press(re.compile(r"Publish \d+ HIT"))
    return Campaign.objects.get(slug=way.page.url.rstrip("/").rpartition("/")[2])


def finished(way: Way, campaign: Campaign, crew: Crew, queued: list) -> None:
    """Nine people answer it all, and the queue aggregates it and computes the report."""
    work_through(campaign, crew, random_answers())
    assert list(ended_without_results()) == [campaign]
    way.page.reload()
    way.see("its results are being computed")
    aggregate(campaign)
    queued.append((compute_report, (campaign.pk,)))
    run_queue(queued)
    way.page.reload()
    way.look()


def rows_of(way: Way, table: str) -> list[dict[str, str]]:
    """A table, downloaded from the campaign's page of settings."""
    with way.page.expect_download() as download:
        way.page.locator(f'a[href$="/export/{table}.csv"]').click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_from_the_login_and_a_zip_to_the_tables_without_a_terminal(
    live_server, page, browser, tmp_path, settings, queued
):
    settings.DATA_DIR = tmp_path / "data"
    mine = photographs(tmp_path / "photos")
    way = Way(page, live_server.url, "ada", "researcher")
    way.log_in()
    way.press("Bring your images", role="link")
    way.type("slug", "mine")
    way.choose("upload", mine)
    way.press("Start the import")
    page.wait_for_url(re.compile(r"/import/\d+/$"))
    run_queue(queued)
    page.reload()
    way.press("See the study", role="link")
    way.press("Choose classifiers", role="link")
    page.evaluate(ALL_BUT_ONE)  # to be quick: they would run as well, so no click is counted
    way.press("Add and run them")
    run_queue(queued)
    page.reload()
    way.see(re.compile(rf"{IMAGES} of {IMAGES}"))
    way.press("mine", role="link")
    way.press("New campaign", role="link")
    way.press("Begin")
    contains = published(way, steps=0)
    assert contains.state == "open"
    assert (way.clicks, way.typed) == (11, 1)  # aim: under 15, and 3
    crew = make_workers(9)
    finished(way, contains, crew, queued)
    way.press("Ask with CLASSIFY", role="link")
    way.press("Begin")
    way.see(re.compile(r"\d+ asked of \d+"))
    classify = published(way, steps=5)
    assert classify.source == contains
    finished(way, classify, crew, queued)
    report = f"{live_server.url}/datasets/mine/report/?campaign={classify.slug}"
    way.press("Read the report", role="link")
    assert page.url == report
    way.see("What to distrust")
    page.goto(f"{live_server.url}/campaigns/{classify.slug}/")
    way.press("Settings and tables", role="link")
    dataset = classify.dataset
    keys = {image.key for image in dataset.images.all()}
    assert {row["image"] for row in rows_of(way, "annotations")} == keys
    assert way.faults == []

    vera = Way(browser.new_context(viewport=DESK).new_page(), live_server.url, "vera", "viewer")
    vera.log_in()
    vera.press("mine", role="link")
    main = vera.page.locator(".path")
    offers = ("New campaign", "Choose classifiers", "Ask with CLASSIFY", "Copy it", "Change it")
    for address in (
        "/datasets/mine/",
        f"/campaigns/{classify.slug}/",
        f"/campaigns/{contains.slug}/",
    ):
        vera.page.goto(live_server.url + address)
        vera.look()
        for offer in offers:
            assert main.get_by_text(offer, exact=True).count() == 0, (address, offer)
        assert main.locator("form[method=post]").count() == 0, address
    for address in ("new/", f"{contains.slug}/change/", f"{contains.slug}/steps/asked/"):
        assert vera.page.goto(f"{live_server.url}/campaigns/{address}").status == 403
    assert vera.page.goto(report).status == 200
    vera.page.goto(f"{live_server.url}/campaigns/{classify.slug}/")
    vera.press("Settings and tables", role="link")
    assert {row["image"] for row in rows_of(vera, "annotations")} == keys
    assert vera.faults == []
    vera.page.context.close()


def test_a_viewer_sees_it_all_and_changes_nothing(live_server, page, tmp_path):
    dataset = make_awkward_dataset(tmp_path / "pictures")
    campaign = Campaign.objects.create(slug="seen", name="Seen", dataset=dataset, kind="contains")
    way = Way(page, live_server.url, "vera", "viewer")
    way.log_in()
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
    way.log_in()
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
    until(lambda: set(accepted()) == {first, third})
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
    follow(page, page.get_by_role("link", name="Look again, or overturn"))
    page.locator(".decision").wait_for()
    way.look()
    page.keyboard.press("o")
    page.get_by_text("Accepted after all.").wait_for()
    page.clock.run_for(6000)
    until(lambda: set(accepted()) == {first, second, third})
    assert way.faults == []
