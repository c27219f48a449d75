"""Nothing that a worker chose is lost, whatever becomes of the page; the answer arrives once."""

from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tasks.campaigns.publish import close
from tasks.models import Assignment, Campaign, Draft
from tasks.pages.sheets import sheet_of
from tests.studies.browsers import follow
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

INDIA = ZoneInfo("Asia/Kolkata")


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
    """A function (kind) -> the address of an open campaign of two HITs."""

    def make(kind: str = "contains") -> str:
        per_hit = {"contains": 10, "classify": 2}[kind]  # two questions on a page
        dataset = make_pictures(tmp_path, images=2 * per_hit)
        campaign: Campaign = open_campaign(dataset, kind, per_hit)
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
             if (question.dataset.section) return n ? ids('none') : ids('selected').slice(0, 2);
             return n ? ids('none-') : [...ids('labels-').slice(0, 2), ids('main-')[1]];
           })""",
    )


def stored(page_address: str) -> set[str]:
    """The answer to the HIT at that address, as ids of the boxes checked on its page."""
    (token,) = parse_qs(urlsplit(page_address).query)["assignmentId"]
    done = Assignment.objects.get(state="submitted", token=token)
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
    page.route("**/hit.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    at(page, last).wait_for()
    until(lambda: held or page.wait_for_timeout(50))
    before = checked(page)
    tap(page, last)
    held[0].continue_()
    page.unroute("**/hit.js")
    assert checked(ready(page)) == {*steps, last} != before

    address, kept = page.url, first.storage_state()
    first.close()  # as a crash does: the site may not have the newest yet
    page = device(storage_state=kept).new_page()
    page.goto(address)
    assert checked(ready(page)) == {*steps, last}
    newest = page.evaluate(
        """JSON.parse(Object.entries(localStorage).find(([key]) => key.startsWith("draft-"))[1])
             .revision"""
    )
    until(lambda: Draft.objects.filter(revision=newest).exists())
    page.context.close()

    page = device().new_page()
    page.goto(address)
    assert checked(ready(page)) == {*steps, last}
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(lambda url: url != address)
    assert stored(address) == {*steps, last}
    assert not Draft.objects.filter(assignment__state="submitted").exists()


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_cut_line_and_a_lost_reply_store_the_answer_once(kind, study, device):
    context = device()
    context.clock.install()
    page = begin(context, study(kind))
    first, answer = page.url, whole_answer(page)
    tap(page, *answer[:-1])
    page.get_by_role("button", name="Submit").click()  # leads to what is open
    expect(page.locator(".message")).to_contain_text("Still open: 1 of 2")
    assert page.evaluate("document.activeElement.closest('[data-open]') !== null")
    tap(page, answer[-1])
    expect(page.locator(".message")).to_be_empty()

    context.set_offline(True)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".message")).to_contain_text("Not sent yet, trying again in")
    page.get_by_role("button", name="Try now").click()
    page.get_by_text("Do you want to tell us anything?").click()
    page.get_by_label("Your comment").fill("from the train")  # the page stays usable
    for _ in range(13):  # a minute and more
        context.clock.run_for(5_000)
        expect(page.locator(".message")).to_contain_text("Not sent yet, trying again in")
    assert page.locator(".bar .kept").text_content() == "saved on this device"
    context.set_offline(False)
    page.wait_for_url(lambda address: address != first)
    assert stored(first) == set(answer)
    assert Assignment.objects.get(state="submitted").comment == "from the train"

    second, answer = ready(page).url, whole_answer(page)
    tap(page, *answer)
    tries = []

    def lose_reply(route) -> None:
        tries.append(route.fetch().status)
        route.abort()

    page.route("**/hit/**", lose_reply, times=1)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/thanks/**")
    assert tries == [200]
    assert stored(second) == set(answer)
    assert Assignment.objects.filter(state="submitted").count() == 2
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('draft-'))") == []

    page.go_back()  # to where the work began, not to an answered page
    assert "/tasks/" in page.url
    assert page.get_by_role("heading", level=1).is_visible()


def test_two_tabs_show_the_same_and_one_answer_is_stored(study, device):
    context, door = device(), study()
    page = begin(context, door)
    address, answer = page.url, whole_answer(page)
    other = context.new_page()
    other.goto(address)
    tap(ready(other), answer[0])
    expect(at(page, answer[0])).to_be_checked()
    tap(page, *answer[1:])
    expect(at(other, answer[-1])).to_be_checked()
    other.reload()
    assert checked(ready(other)) == set(answer)

    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(lambda now: now != address)
    # "Go on" instead, if its draft has come after the answer and so found out.
    other.locator(".bar .main, .bar .on").locator("visible=true").click()
    expect(other.locator("form.work")).to_have_count(0)
    assert stored(address) == set(answer)

    page.goto(door)  # leads to the HIT that is open
    chosen = whole_answer(ready(page))[0]
    tap(page, chosen)
    page.get_by_role("button", name="Give this work back").click()
    page.get_by_role("button", name="Keep working").click()
    assert checked(page) == {chosen}
    page.get_by_role("button", name="Give this work back").click()
    page.get_by_role("button", name="Give it back").click()
    page.get_by_text("You have given the work back").wait_for()
    assert Assignment.objects.filter(state="returned").count() == 1
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('draft-'))") == []


def test_problems_are_shown_in_place_and_back_keeps_the_choices(study, device):
    door = study()
    page = begin(device(), door)
    address, answer = page.url, whole_answer(page)
    tap(page, *answer)
    # A contradiction that the page itself does not let through.
    page.evaluate("document.querySelector('input[name=none]').checked = true")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("undo one").last.wait_for()
    assert urlsplit(ready(page).url).path == urlsplit(address).path
    assert page.evaluate("document.activeElement.matches('#problems')")
    assert checked(page) > set(answer)
    assert Axe().run(page).violations_count == 0
    page.evaluate("document.querySelector('input[name=none]').click()")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(lambda now: urlsplit(now).path != urlsplit(address).path)
    assert stored(address) == set(answer)

    page = device(java_script_enabled=False).new_page()
    page.goto(door)
    follow(page, page.get_by_role("button", name="Begin"))
    address = page.url
    page.locator("input[name=selected]").first.check()
    follow(page, page.get_by_role("button", name="Submit"))
    page.get_by_role("alert").wait_for()
    page.reload()
    page.go_back()
    assert page.locator("input[name=selected]").first.is_checked()
    page.locator("input[name=none]").last.check()
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(lambda now: urlsplit(now).path != urlsplit(address).path)
    assert len(stored(address)) == 2


def test_the_page_says_until_when_in_the_workers_own_time(study, device):
    context = device(timezone_id="Asia/Kolkata", locale="en-GB")
    page = context.new_page()
    page.clock.install()
    page.goto(study())
    page.get_by_role("button", name="Begin").click()
    ready(page)
    expires = Assignment.objects.get().expires_at
    assert page.locator(".kept time").inner_text() == f"{expires.astimezone(INDIA):%H:%M}"
    page.clock.fast_forward("08:00")
    expect(page.locator(".message")).to_contain_text("Kept for you only until")
    page.clock.fast_forward("03:00")
    expect(page.locator(".message")).to_contain_text("Your time for this work is over")
    tap(page, *whole_answer(page))
    follow(page, page.get_by_role("button", name="Take it up again"))
    assert len(checked(ready(page))) == 3


def test_work_that_is_over_offers_nothing_but_the_way_on(study, device):
    context = device()
    context.clock.install()
    page = begin(context, study())
    close(Campaign.objects.get(), "a test")
    tap(page, whole_answer(page)[0])
    context.clock.run_for(3_000)  # the draft is sent
    expect(page.locator(".message")).to_contain_text("This study has ended")
    page.clock.fast_forward("30:00")  # the page's time is over too
    expect(page.locator(".bar").get_by_role("link", name="Go on")).to_be_visible()
    expect(page.locator(".bar").get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("We keep this work for you")).not_to_be_visible()
