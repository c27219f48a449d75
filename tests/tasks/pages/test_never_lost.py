"""Nothing that a worker chose is lost, whatever becomes of the page, and the answer arrives once."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.db import connections
from playwright.sync_api import expect

from tasks.models import Assignment, Campaign, Draft
from tasks.pages.sheets import sheet_of
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def no_connection_left_open() -> Iterator[None]:
    """Inside Playwright's event loop Django opens a connection of its own."""
    yield
    connections.close_all()


@pytest.fixture
def device(browser):
    """A function that makes a browser context of its own; all are closed afterwards."""
    contexts = []

    def make(**options):
        contexts.append(browser.new_context(**options))
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def study(live_server, tmp_path):
    """A function (kind, settings) -> the address of an open campaign of two HITs."""
    dataset = make_pictures(tmp_path, images=4)

    def make(kind: str = "contains", **settings) -> str:
        campaign: Campaign = open_campaign(dataset, kind, per_hit=2, **settings)
        return f"{live_server.url}/tasks/{campaign.public_id}/"

    return make


def begin(context, door: str):
    page = context.new_page()
    page.goto(door)
    page.get_by_role("button", name="Begin").click()
    return ready(page)


def ready(page):
    page.locator("form.work[data-ready]").wait_for(state="attached")
    return page


def at(page, identifier: str):
    return page.locator(f"[id='{identifier}']")


def tap(page, *identifiers: str) -> None:
    for identifier in identifiers:
        at(page, identifier).click()


def checked(page) -> set[str]:
    """The ids of all boxes that are checked."""
    return set(page.eval_on_selector_all("form.work :checked", "all => all.map(e => e.id)"))


def whole_answer(page) -> list[str]:
    """Boxes which, all checked, answer the page; those of one question follow each other."""
    return page.eval_on_selector_all(
        "form.work fieldset",
        """all => all.flatMap((question, n) => {
             const ids = (name) => [...question.querySelectorAll(`[name^=${name}]`)].map(e => e.id);
             if (question.dataset.section) return n ? ids('none') : ids('selected');
             return n ? ids('none-') : [...ids('labels-').slice(0, 2), ids('main-')[1]];
           })""",
    )


def stored(page_address: str) -> set[str]:
    """The one answer to the HIT at that address, as ids of the boxes checked on its page."""
    public_id = urlsplit(page_address).path.split("/")[2]
    done = Assignment.objects.get(state="submitted", hit__public_id=public_id)
    sheet = sheet_of(done)
    for section in sheet.sections:
        for tile in section.tiles:
            tile.selected = tile.position in done.selected
    boxes = {f"s-{tile.id}" for tile in sheet.tiles if tile.selected}
    boxes |= {
        f"n-{section.id}"
        for section in sheet.sections
        if not any(tile.selected for tile in section.tiles)
    }
    for picture, answer in zip(sheet.pictures, done.answers or [], strict=True):
        chosen = [c.id for c in picture.offered if c.label.label_id in answer["selected"]]
        main = [c.id for c in picture.offered if c.label.label_id == answer["main"]]
        boxes |= {*chosen, *(f"m-{identifier}" for identifier in main)} or {f"n-{picture.id}"}
    return boxes


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_reload_a_killed_browser_and_another_device_lose_nothing(kind, study, device):
    first = device()
    page = begin(first, study(kind))
    *steps, last = whole_answer(page)
    for number, step in enumerate(steps, start=1):
        tap(page, step)
        page.reload()
        assert checked(ready(page)) >= set(steps[:number])

    held: list = []  # what is chosen before the scripts run counts too
    page.route("**/hit.js", held.append)
    page.reload(wait_until="commit")
    at(page, last).wait_for()
    until(lambda: held or page.wait_for_timeout(50))
    before = checked(page)
    tap(page, last)
    page.unroute("**/hit.js")
    held[0].continue_()
    assert checked(ready(page)) == {*steps, last} != before

    address, kept = page.url, first.storage_state()
    first.close()  # the site may not have the newest yet
    page = device(storage_state=kept).new_page()
    page.goto(address)
    assert checked(ready(page)) == {*steps, last}
    until(lambda: last in str(Draft.objects.values_list("fields").get()) or _whole(last))
    page.context.close()

    page = device().new_page()
    page.goto(address)
    assert checked(ready(page)) == {*steps, last}
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(lambda url: url != address)
    assert stored(address) == {*steps, last}
    assert not Draft.objects.exists()
    page.go_back()
    assert "Thank" in page.content() or "Begin" in page.content() or ready(page)
