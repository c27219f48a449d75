"""Whole HITs of CONTAINS as workers do them: cards and grids, by keyboard, by touch, by neither."""

import pytest
from playwright.sync_api import expect

from tasks.models import Assignment
from tasks.models.assignment import AssignmentState
from tests.studies.browsers import follow, tab_to
from tests.studies.laid_out import open_sections
from tests.studies.odd_pictures import make_pictures
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ARRIVED = """number => number === [...document.querySelectorAll("img[data-picture]")]
    .filter((img) => img.complete && img.naturalWidth > 0).length"""
FOCUS = "document.activeElement"


@pytest.fixture
def work(browser, live_server, tmp_path):
    """A function (sizes, ...) -> the page of a HIT with sections of these sizes, just begun."""
    contexts = []

    def begin(sizes, options=DESK, before=lambda page: None, **settings):
        campaign = open_sections(make_pictures(tmp_path, sum(sizes)), sizes, **settings)
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        before(page)
        page.goto(f"{live_server.url}/tasks/{campaign.public_id}/")
        follow(page, page.get_by_role("button", name="Begin"))
        if options.get("java_script_enabled", True):
            page.locator("form.work[data-ready]").wait_for(state="attached")
        return page

    yield begin
    for context in contexts:
        context.close()


def tiles(page) -> list[str]:
    """The ids of the items, in the order shown."""
    return page.eval_on_selector_all(".tile", "all => all.map(e => e.id)")


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focused(page) -> str:
    """The id of the item that has the focus."""
    return page.evaluate(f"{FOCUS}.closest('.tile')?.id")


def checked(page) -> list[tuple[str, str]]:
    """The names and values of what is checked, in the page's order."""
    boxes = page.eval_on_selector_all(
        "form.work input:checked", "all => all.map(e => [e.name, e.value])"
    )
    return [tuple(box) for box in boxes]


def stored(page, name: str) -> list[int]:
    """Positions in the order shown that the one stored answer has under a name."""
    expect(page.locator("form.work")).to_have_count(0)
    done = Assignment.objects.get(state=AssignmentState.SUBMITTED)
    return [number for number, where in enumerate(done.shown) if where in getattr(done, name)]


def test_cards_are_answered_with_one_key_each(work):
    page = work((1, 1, 2, 1, 1), maybe=True)
    sizes = [section.locator(".tile").count() for section in page.locator("fieldset").all()]
    items = tiles(page)
    tab_to(page, "[name=selected]")
    keys = iter(("Space", "0", "m", "Enter"))
    selected, maybe, number = [], [], 0
    for size in sizes:
        assert focused(page) == items[number]
        if size == 2:
            press(page, "x")
            assert focused(page) == items[number]  # there may be more to select
            press(page, "0")
        else:
            press(page, key := next(keys))
            selected += [number] if key in ("Space", "Enter") else []
            maybe += [number] if key == "m" else []
        number += size
    press(page, "Control+Enter")
    assert stored(page, "selected") == selected
    assert stored(page, "maybe") == maybe


def test_a_key_leads_on_to_cards_alone_and_arrows_lead_everywhere(work):
    page = work((1, 5))
    box = page.locator(".card input[name=selected]")
    box.focus()
    press(page, "Space")
    assert page.evaluate("document.activeElement.id") == box.get_attribute("id")
    cards_first = page.evaluate("document.querySelector('fieldset').matches('.card')")
    press(page, "ArrowDown" if cards_first else "ArrowUp")
    assert page.evaluate("document.activeElement.closest('.wide') !== null")


def test_a_grid_is_answered_by_keyboard(work):
    page = work((20,), maybe=True)
    items = tiles(page)
    tab_to(page, "[name=selected]")
    way = {"ArrowDown": 8, "ArrowRight": 9, "End": 15, "ArrowUp": 7, "Home": 0, "ArrowLeft": 0}
    for key, number in way.items():
        press(page, key)
        assert focused(page) == items[number], key
    press(page, "ArrowDown", "End", "ArrowDown")
    assert focused(page) == items[19]  # the last row is shorter
    press(page, "x", "ArrowLeft", "Enter", "ArrowLeft", "m")
    chosen = {("maybe", items[17]), ("selected", items[18]), ("selected", items[19])}
    assert set(checked(page)) == chosen
    press(page, "0")
    assert [name for name, _ in checked(page)] == ["none"]
    press(page, "Numpad0")
    assert set(checked(page)) == chosen
    press(page, "z")
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "ArrowRight", "z")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert focused(page) == items[17]
    press(page, "Tab")
    assert page.evaluate(f"{FOCUS}.name") == "none"  # all pictures are one stop
    press(page, "Tab")
    assert "Wikipedia" in page.evaluate(f"{FOCUS}.innerText")
    press(page, "Shift+Tab", "Shift+Tab", "?")
    page.get_by_label("Use the keys").uncheck()
    press(page, "Escape", "x", "0", "m", "z", "?")
    assert set(checked(page)) == chosen
    expect(page.get_by_role("dialog")).to_have_count(0)
    press(page, "Tab")
    assert page.evaluate(f"{FOCUS}.dataset.zoom") == items[17]  # now there is no other way to it
    press(page, "Control+End", "Enter")
    assert stored(page, "selected") == [18, 19]
    assert stored(page, "maybe") == [17]


class Finger:
    """Touches a page as a screen reports it, which Playwright's own tap does not do slowly."""

    def __init__(self, page):
        self.page = page
        self.screen = page.context.new_cdp_session(page)

    def down(self, *points: tuple[float, float]) -> None:
        self._send("touchStart", points)

    def move(self, *points: tuple[float, float]) -> None:
        self._send("touchMove", points)

    def up(self) -> None:
        self._send("touchEnd", ())

    def _send(self, sort: str, points) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.screen.send("Input.dispatchTouchEvent", {"type": sort, "touchPoints": places})


def middle(box: dict[str, float]) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_phone_answers_by_taps_and_looks_closer_by_a_long_press(work):
    page = work((1, 6), PHONE, maybe=True)
    card, grid = page.locator(".card"), page.locator(".wide")
    finger = Finger(page)
    tile = grid.locator(".tile").nth(1)
    tile.scroll_into_view_if_needed()
    finger.down(middle(tile.bounding_box()))
    zoom = page.get_by_role("dialog")
    expect(zoom).to_be_visible()
    finger.up()
    expect(zoom).to_be_visible()
    size = zoom.get_by_role("img").bounding_box()["width"]
    finger.down((150, 400), (250, 400))
    finger.move((100, 400), (300, 400))
    finger.up()
    twice = pytest.approx(2 * size, rel=0.01)
    until(lambda: zoom.get_by_role("img").bounding_box()["width"] == twice)
    page.touchscreen.tap(195, 700)
    expect(zoom).to_have_count(0)
    assert checked(page) == []  # neither the long press nor the tap that closed it selected
    tile.tap()
    none = grid.get_by_label("None of these")
    none.tap()
    expect(none).to_be_checked()
    assert [name for name, _ in checked(page)] == ["none"]
    tile.tap()
    for words, name in (
        ("Yes", "selected"),
        ("Maybe", "maybe"),
        ("No", "none"),
        ("Yes", "selected"),
    ):
        card.get_by_text(words, exact=True).tap(force=True)
        expect(card.locator(f"input[name={name}]")).to_be_checked()
        expect(card.locator("input:checked")).to_have_count(1)
    shown = tiles(page)
    wanted = [
        shown.index(tile.get_attribute("id")),
        shown.index(card.locator(".tile").get_attribute("id")),
    ]
    page.get_by_role("button", name="Submit").tap()
    assert stored(page, "selected") == sorted(wanted)


def test_a_picture_that_never_loads_is_unseen_and_one_that_comes_late_is_not(work):
    asked, lost = set(), set()

    def lose_three(route, request):
        if len(asked) < 3:
            lost.add(request.url)
        asked.add(request.url)
        route.abort() if request.url in lost else route.continue_()

    def before(page):
        page.clock.install()
        page.route("**/tile.webp", lose_three)

    page = work((8,), before=before)
    shown = tiles(page)
    notes = page.locator(".failed")
    given_up = notes.get_by_text("It will not count")
    page.wait_for_function(ARRIVED, arg=5)  # the clock runs too fast for those that do come
    until(lambda: page.clock.run_for(2_000) or given_up.count() == 3)
    late, _, never = page.locator(".tile:has(.failed)").all()
    assert [name for name, _ in checked(page)] == ["unseen"] * 3
    lost &= {never.locator("img").evaluate("e => e.src")}
    late.get_by_role("button", name="Retry").click()
    expect(notes).to_have_count(2)
    assert len(checked(page)) == 2
    page.reload()
    page.wait_for_function(ARRIVED, arg=7)
    until(lambda: page.clock.run_for(2_000) or given_up.count() == 1)
    never_id = page.locator(".tile:has(.failed)").get_attribute("id")
    expect(page.locator("form.work [name=unseen]:checked")).to_have_count(1)
    assert checked(page) == [("unseen", never_id)]
    page.get_by_label("None of these").check()
    page.get_by_role("button", name="Submit").click()
    assert stored(page, "unseen") == [shown.index(never_id)]


def test_without_scripts_a_contradiction_comes_back_with_a_message(work):
    page = work((1, 5), DESK | {"java_script_enabled": False})
    card = page.locator(".card")
    card.get_by_text("Yes", exact=True).click()
    card.get_by_label("No", exact=True).check()
    page.locator(".wide .tile").first.click()
    page.get_by_role("button", name="Submit").click()
    expect(card.get_by_text("choose one of them")).to_be_visible()
    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_count(1)
    card.get_by_text("Yes", exact=True).click()
    follow(page, page.get_by_role("button", name="Submit"))
    done = Assignment.objects.get(state=AssignmentState.SUBMITTED)
    assert len(done.selected) == 1
