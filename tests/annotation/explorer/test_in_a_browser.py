"""The explorer in a browser: by keys, on a phone, as axe sees it."""

from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

from tests.factories import make_user
from tests.studies.explored_studies import make_explored_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


@pytest.fixture
def looked_at(page, live_server, tmp_path):
    """The browser of a viewer, with an explored study; faults are asserted at the end."""
    make_explored_study(8, 4, slug="seen", folder=tmp_path / "pictures")
    _log_in(page, live_server.url, "viewer")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield lambda path, status=200: _look(page, urljoin(live_server.url, path), status, faults)
    assert faults == []


def _log_in(page, address: str, role: str) -> None:
    client = Client()
    client.force_login(make_user(f"a-{role}", role))
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])


def _look(page, address: str, status: int, faults: list[str]) -> None:
    assert page.goto(address).status == status
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            faults.append(f"{address}: {over} px too wide at {size['width']}")
        for violation in Axe().run(page, context=".path").response["violations"]:
            faults.append(f"{address}: {violation['id']}: {violation['nodes'][0]['html'][:200]}")


def test_cards_and_images_by_keys(looked_at, page):
    def focused() -> str:
        return page.evaluate("document.activeElement.textContent").strip()

    looked_at("/datasets/seen/images/")
    order = page.locator(".card .key").all_inner_texts()
    assert len(order) == 8
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    assert focused() == order[1]
    page.keyboard.press("k")
    assert focused() == order[0]
    page.keyboard.press("ArrowDown")
    row = order.index(focused())
    assert row > 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/images/*/")
    assert page.get_by_role("heading", name=order[row]).count()
    for key, place in (("j", row + 2), ("ArrowLeft", row + 1)):
        with page.expect_navigation():
            page.keyboard.press(key)
        assert page.get_by_text(f"Image {place} of 8").count()
    page.keyboard.press("u")
    page.wait_for_url("**/images/?after=*")
    page.locator("#text").press_sequentially("jk")
    assert page.locator("#text").input_value() == "jk"


def test_filters_and_states_on_every_screen(looked_at, page):
    looked_at("/datasets/seen/images/?label=thing+1&sf_to=1")
    assert (
        page.locator("summary", has_text="More filters").locator("..").get_attribute("open") == ""
    )
    page.get_by_role("link", name="Remove: SF to 1").click()
    page.wait_for_url("**/images/?label=thing+1")
    page.locator("#text").fill("jpg")
    page.get_by_role("button", name="Show these").click()
    page.wait_for_url("**text=jpg**")
    assert "label=thing+1" in page.url
    page.locator(".card .open").first.click()
    page.wait_for_url("**/images/*/?label=thing+1&text=jpg")
    looked_at(page.url)
    assert page.locator("table.candidates tbody tr").count() > 1
    looked_at("/datasets/seen/images/?text=nothing+like+it")
    looked_at("/datasets/seen/images/?group=best", 400)
    assert page.get_by_role("alert").inner_text().startswith("group is one of fu, mis")


def test_a_view_is_asked_again_in_a_draft(looked_at, page, live_server):
    _log_in(page, live_server.url, "researcher")
    looked_at("/datasets/seen/images/again/?label=thing+1")
    page.get_by_role("button", name="Begin").first.click()
    page.wait_for_url("**/steps/asked/")
