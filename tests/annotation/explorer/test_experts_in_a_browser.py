"""The expert pass by keys alone, and withdrawing a picture that a worker has open, in a browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect

from imagesets.pictures.derivatives import image_urls
from tasks.models import Assignment, Overrule
from tasks.results import aggregate
from tests.factories import (
    answer_truly,
    make_awkward_dataset,
    make_campaign,
    make_user,
    make_workers,
    work_through,
)
from tests.studies.browsers import SIZES, follow
from tests.studies.visitors import door

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def study(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    dataset = make_awkward_dataset(tmp_path / "pictures")
    study = make_campaign(dataset, slug="grid", workers_per_item=2)
    work_through(study, make_workers(2), answer_truly)
    aggregate(study)
    return study


def log_in(page: Page, address: str, name: str, role: str) -> list[str]:
    """The errors that its pages will have."""
    client, errors = Client(), []
    client.force_login(make_user(name, role))
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def look(page: Page) -> None:
    """axe finds nothing, and nothing stands out sideways on a phone."""
    found = Axe().run(page, context=".path").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == []
    page.set_viewport_size(SIZES["phone"])
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.set_viewport_size(SIZES["desk"])


def said() -> list[str]:
    """The verdicts that stand."""
    rows = Overrule.objects.filter(replaced_at=None).order_by("verdict")
    return list(rows.values_list("verdict", flat=True))


def test_a_view_is_judged_by_keys_alone(live_server, page, study):
    errors = log_in(page, live_server.url, "ada", "reviewer")
    page.goto(f"{live_server.url}/datasets/tiny/images/?campaign=grid")
    follow(page, page.get_by_role("link", name="Judge them as an expert"))
    look(page)
    press = page.keyboard.press
    rows = page.locator(".verdict")
    image = page.locator("#pass input[name=image]").input_value()
    assert rows.count() >= 2
    press("p")  # goes on to the second label
    press("s")
    press("1")
    expect(rows.nth(1).locator("select")).to_have_value(
        re.search(r"\d+", rows.nth(0).locator("[type=radio]").first.get_attribute("name"))[0]
    )
    press("u")
    expect(rows.nth(1).locator(":checked[type=radio]")).to_have_count(0)
    press("2")
    press("m")
    press("Enter")  # nobody selected the second label
    expect(page.locator("#why")).to_be_focused()
    assert not Overrule.objects.exists()
    page.keyboard.type("look at the corner, ")
    page.keyboard.type("made by hand")
    with page.expect_navigation():
        press("Enter")
    assert said() == ["main", "present"]
    assert {row.why for row in Overrule.objects.all()} == {"look at the corner, made by hand"}
    assert page.locator("#pass input[name=image]").input_value() != image
    with page.expect_navigation():
        press("u")  # nothing to undo: back to the image before, with what was said of it
    assert page.locator("#pass input[name=image]").input_value() == image
    expect(page.locator(":checked[type=radio]")).to_have_count(2)
    look(page)
    with page.expect_navigation():
        page.get_by_role("button", name="Take my verdicts back").click()
    assert said() == []
    for _ in range(7):
        press("p")
        page.locator("#why").fill("sure")
        with page.expect_navigation():
            page.locator("#why").press("Enter")
    expect(page.get_by_text("You have judged all 7 images of this view.")).to_be_visible()
    look(page)
    assert errors == []


def test_a_picture_is_withdrawn_while_a_worker_has_it_open(live_server, browser, page, study):
    settings = {"open": "anyone", "grid_size": 6, "max_sections": 1, "controls": {"share": 0}}
    campaign = make_campaign(study.dataset, slug="work", **settings)
    visitor = browser.new_context(viewport=SIZES["desk"])
    work = visitor.new_page()
    work.goto(live_server.url + door(campaign))
    work.get_by_role("button", name="Begin").click()
    work.locator("form.work[data-ready]").wait_for(state="attached")
    tiles = work.locator("input[name=selected]")
    tiles.first.check(force=True)
    assignment = Assignment.objects.get(campaign=campaign)
    image = assignment.hit.items.get(position=assignment.shown[0]).image
    pictures = [f"{live_server.url}{url}" for url in image_urls(image)]
    assert [work.request.get(picture).status for picture in pictures] == [200, 200]
    errors = log_in(page, live_server.url, "rae", "researcher")
    page.goto(f"{live_server.url}/datasets/tiny/images/{image.public_id}/")
    follow(page, page.get_by_role("link", name="Withdraw it ..."))
    look(page)
    page.get_by_label("Why?").fill("a face")
    follow(page, page.get_by_role("button", name="Withdraw it"))
    expect(page.get_by_text("Withdrawn by rae")).to_be_visible()
    expect(page.get_by_text("does not match the filters")).to_have_count(0)
    expect(page.get_by_role("link", name="Bring it back")).to_have_count(0)  # for owners
    look(page)
    assert [work.request.get(picture).status for picture in pictures] == [404, 404]
    with work.expect_navigation():
        work.locator("form.work button.main[type=submit]").click()
    assignment.refresh_from_db()
    assert assignment.used  # though its first section had no other choice
    assert (assignment.selected, assignment.shown[0] in assignment.unseen) == ([], True)
    assert image.public_id not in work.content()
    page.goto(f"{live_server.url}/datasets/tiny/images/{image.public_id}/withdraw/")
    expect(page.get_by_text("Only an owner brings it back.")).to_be_visible()
    owner = browser.new_context().new_page()
    log_in(owner, live_server.url, "boss", "owner")
    owner.goto(f"{live_server.url}/datasets/tiny/images/{image.public_id}/withdraw/")
    shown = owner.locator("figure img")
    assert shown.evaluate("image => image.complete && image.naturalWidth") == 8
    owner.get_by_label("Why?").fill("a statue")
    owner.get_by_role("button", name="Bring it back").click()
    expect(owner.get_by_text("boss brought it back: a statue")).to_be_visible()
    assert errors == []
    visitor.close()
