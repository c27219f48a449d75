"""Every state of every worker's page, for everybody: axe, 200 %, less motion, forced colours."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from django.utils import timezone

from tasks.campaigns.publish import close
from tasks.models import Assignment, Campaign
from tests.studies.browsers import SIZES
from tests.studies.laid_out import open_sections
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import door

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [("desk", "light"), ("phone", "dark")]
OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"


@pytest.fixture
def campaigns(tmp_path) -> dict[str, Campaign]:
    """CONTAINS with a grid and cards of two sizes, and CLASSIFY."""
    dataset = make_pictures(tmp_path)
    return {
        "contains": open_sections(dataset, (6, 3, 1), maybe=True, workers_per_item=9, round_size=9),
        "classify": open_campaign(dataset, "classify", per_hit=3, workers_per_item=9, round_size=9),
    }


@pytest.fixture
def visit(browser, live_server) -> Iterator[Callable]:
    """Open a path in a fresh browser: visit(path, size, **options) -> page."""
    contexts = []

    def visit(path: str, size: str = "desk", **options):
        phone = {"has_touch": size == "phone", "is_mobile": size == "phone"}
        contexts.append(browser.new_context(**({"viewport": SIZES[size]} | phone | options)))
        page = contexts[-1].new_page()
        page.goto(live_server.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()


def begin(page) -> None:
    page.get_by_role("button", name="Begin").click()
    page.wait_for_selector("form.work[data-ready]")


class Findings:
    """What axe finds in one state after the other; asserted at the end, all at once."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.looked = 0

    def look(self, page, state: str) -> None:
        self.looked += 1
        for violation in Axe().run(page).response["violations"]:
            where = [node["html"][:120] for node in violation["nodes"][:3]]
            self.found.append(f"{state}: {violation['id']}: {violation['help']}: {where}")

    def none(self, states: int) -> None:
        assert self.looked == states
        assert self.found == [], "\n" + "\n".join(self.found)


def in_a_question(page) -> None:
    """Put the focus where single keys act."""
    page.locator("fieldset input[type=checkbox]").first.focus()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_axe_finds_nothing_on_a_hit(kind, size, scheme, campaigns, visit):
    seen = Findings()
    page = visit(door(campaigns[kind]), size, color_scheme=scheme)
    seen.look(page, "begin")
    begin(page)
    where = page.url
    seen.look(page, "as it opens")
    page.evaluate(OPEN_ALL)
    seen.look(page, "all unfolded")
    for key, state in (("?", "the list of keys"), ("z", "zoom")):
        in_a_question(page)
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open]")
        seen.look(page, state)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="hidden")
    page.locator("fieldset input[type=checkbox]").first.check()
    page.locator(".bar button.main").click()
    page.wait_for_function("document.querySelector('[data-open]')")
    seen.look(page, "submitted with a question open")
    # As without scripts: the site itself finds what is wrong, and the page comes back.
    with page.expect_navigation():
        page.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('form.work'))")
    assert page.get_by_role("alert").is_visible()
    page.wait_for_selector("form.work[data-ready]")
    seen.look(page, "sent back with problems")
    page.locator("form.return button").first.click()
    page.wait_for_selector("form.return dialog[open]")
    seen.look(page, "asked before giving back")
    page.keyboard.press("Escape")
    Assignment.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    page.goto(where)
    page.get_by_role("button", name="Take it up again").wait_for()
    seen.look(page, "expired, to take up again")
    page.get_by_role("button", name="Take it up again").click()
    page.wait_for_selector("form.work[data-ready]")
    close(campaigns[kind], who="a test")
    page.goto(where)
    seen.look(page, "ended")
    seen.none(states=10)


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_axe_finds_nothing_where_pictures_fail(size, scheme, campaigns, visit):
    """Pictures that fail again and again count as not seen, and the page says so."""
    seen = Findings()
    pages = {kind: visit(door(campaigns[kind]), size, color_scheme=scheme) for kind in campaigns}
    for page in pages.values():
        page.route("**/images/**", lambda route: route.abort())
        begin(page)
    for kind, page in pages.items():  # both try again for eight seconds
        page.wait_for_selector("[data-unseen]:checked", state="attached")
        seen.look(page, f"{kind} without pictures")
    seen.none(states=2)


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_axe_finds_nothing_on_the_plain_pages(size, scheme, campaigns, visit, live_server):
    seen = Findings()
    hit = campaigns["contains"].hits.get()
    page = visit("/", size, color_scheme=scheme)
    for path in ("/", "/tasks/", "/hit/nothing/", f"/hit/{hit.public_id}/"):
        page.goto(live_server.url + path)
        seen.look(page, path)
    Campaign.objects.filter(pk=campaigns["contains"].pk).update(
        consent="We study *pictures*.",
        contact="Ada, ada@lab.example",
        content_warning="Some pictures show snakes.",
    )
    page.goto(live_server.url + door(campaigns["contains"]))
    seen.look(page, "a warning before Begin")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="I agree").wait_for()
    seen.look(page, "asked to agree")
    page.get_by_role("button", name="I do not agree").click()
    page.get_by_role("heading", name="You do not take part").wait_for()
    seen.look(page, "not agreed")
    page.get_by_role("link", name="What is kept about you").evaluate("(a) => { a.target = ''; }")
    page.get_by_role("link", name="What is kept about you").click()
    page.get_by_role("heading", name="What is kept about you").wait_for()
    seen.look(page, "what is kept")
    page.goto(live_server.url + door(campaigns["contains"]))
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="I agree").click()
    page.wait_for_selector("form.work[data-ready]")
    page.locator("fieldset").nth(0).locator("input[name=selected]").first.check()
    for number in (1, 2):
        page.locator("fieldset").nth(number).locator("input[name=none]").check()
    page.locator(".bar button.main").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    seen.look(page, "thanks")
    page.goto(live_server.url + "/tasks/")
    seen.look(page, "the list, with work done")
    hand_in = {"hand_in": {"action": "/", "fields": {"answer": "{}"}}, "late": True}
    page.route("**/hand-in.js", lambda route: route.abort())  # which would go on by itself
    page.route(
        "**/hand-in/",
        lambda route: route.fulfill(
            body=render_to_string("tasks/hand_in.html", hand_in), content_type="text/html"
        ),
    )
    page.goto(live_server.url + "/hand-in/")
    page.get_by_role("button", name="Hand in the work").wait_for()
    seen.look(page, "hand in")
    if size == "phone":
        small = page.evaluate(
            """[...document.querySelectorAll("main button, main a.button")]
                .map((e) => e.getBoundingClientRect().height).filter((height) => height < 44)"""
        )
        assert small == []
    seen.none(states=11)


@pytest.mark.parametrize("width", [720, 320], ids=["200 %", "400 % of 1280"])
def test_nothing_scrolls_sideways_when_enlarged(width, campaigns, visit, live_server):
    """WCAG 1.4.10; a browser at 200 % lays a window of 1440 pixels out in 720."""
    page = visit("/tasks/", viewport={"width": width, "height": 450})
    wide = "document.documentElement.scrollWidth - innerWidth"
    for path in ("/", "/tasks/", "/hit/nothing/"):
        page.goto(live_server.url + path)
        assert page.evaluate(wide) <= 0, path
    for kind, campaign in campaigns.items():
        page.goto(live_server.url + door(campaign))
        assert page.evaluate(wide) <= 0, f"begin {kind}"
        begin(page)
        page.evaluate(OPEN_ALL)
        assert page.evaluate(wide) <= 0, kind
        in_a_question(page)
        page.keyboard.press("?")
        dialog = page.locator("dialog[open]").bounding_box()
        assert dialog["x"] >= 0, kind
        assert dialog["x"] + dialog["width"] <= width, kind


MOVING = """() => [...document.querySelectorAll("*")].flatMap((e) => ["", "::before", "::after"]
    .map((part) => getComputedStyle(e, part))
    .filter((s) => [s.transitionDuration, s.animationDuration]
        .some((times) => times.split(",").some((time) => parseFloat(time) > 0)))
    .map(() => e.className || e.tagName))"""


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_reduced_motion_and_forced_colours(kind, campaigns, visit):
    page = visit(door(campaigns[kind]), reduced_motion="reduce", forced_colors="active")
    begin(page)
    assert page.evaluate(MOVING) == []
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    # A choice is seen by more than the colours that the browser has replaced.
    for box in page.locator("fieldset").all():
        row = box.locator(".tile, .row").first
        row.scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        before = row.screenshot()
        row.locator("input[type=checkbox]").first.check()
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(0, 0)
        assert row.screenshot() != before
