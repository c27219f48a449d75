"""The workers' pages in a real browser: readable, operable, steady, and without JavaScript."""

import pytest

from tasks.models import Assignment
from tests.studies.browsers import SIZES
from tests.studies.odd_pictures import make_pictures, open_campaign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def doors(live_server, tmp_path) -> dict[str, str]:
    """The addresses of two open campaigns, by kind."""
    dataset = make_pictures(tmp_path)
    campaigns = {
        "contains": open_campaign(dataset, "contains", per_hit=12, maybe=True),
        "classify": open_campaign(dataset, "classify"),
    }
    return {
        kind: f"{live_server.url}/tasks/{campaign.public_id}/"
        for kind, campaign in campaigns.items()
    }


@pytest.fixture
def look(browser):
    """Open an address in a fresh browser: look(address, size, **options) -> page."""
    contexts = []

    def look_at(address: str, size: str = "desk", **options):
        phone = size == "phone"
        context = browser.new_context(
            viewport=SIZES[size], has_touch=phone, is_mobile=phone, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address, wait_until="networkidle")
        return page

    yield look_at
    for context in contexts:
        context.close()


@pytest.fixture
def work(look):
    """Open a campaign's address in a fresh browser and begin: work(address, size) -> page."""

    def begin(address: str, size: str = "desk", **options):
        page = look(address, size, **options)
        press_begin(page)
        return page

    return begin


def press_begin(page) -> None:
    with page.expect_navigation(wait_until="networkidle"):
        page.get_by_role("button", name="Begin").click()


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_hit_is_done_by_mouse_with_and_without_javascript(kind, javascript, doors, work):
    page = work(doors[kind], java_script_enabled=javascript)
    first = page.url
    for fieldset in page.locator("fieldset").all():
        if kind == "contains":
            fieldset.locator("input[name=selected]").first.check()
        else:
            assert not fieldset.get_by_role("radio").first.is_visible()
            fieldset.locator("input[name^=labels-]").first.check()
            fieldset.get_by_role("radio").first.check()
    if javascript:
        words = {"contains": "Submit 2 answers", "classify": "Submit 6 pictures"}[kind]
        assert page.get_by_role("button", name=words).is_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="Submit").click()
    assert page.url != first
    done = Assignment.objects.get(state="submitted")
    assert (done.active_seconds is not None) == javascript
    if kind == "contains":
        assert len(done.selected) == 2
    else:
        assert [len(answer["selected"]) for answer in done.answers] == [1] * 6


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_hit_is_done_by_keyboard_alone(kind, doors, work):
    page = work(doors[kind])
    keyboard = page.keyboard
    wanted = {"contains": {"selected"}, "classify": {"labels", "main"}}[kind]
    asked: set[str] = set()
    for _ in range(300):
        keyboard.press("Tab")
        element = page.evaluate_handle("document.activeElement")
        tag, name, outline = element.evaluate(
            """e => [e.tagName, e.name || "", getComputedStyle(
                 e.name === "selected" ? e.nextElementSibling : e).outlineStyle]"""
        )
        if tag not in ("BODY", "HTML"):
            assert outline != "none", f"{tag} {name} shows no focus"
        group = element.evaluate("e => (e.closest('fieldset') || {id: ''}).id")
        kind_of = name.split("-")[0]
        if group and kind_of in wanted and (mark := f"{group} {kind_of}") not in asked:
            asked.add(mark)
            keyboard.press("Space")
            assert element.evaluate("e => e.checked")
        if element.evaluate("e => e.matches('.bar .main')"):
            break
    with page.expect_navigation():
        keyboard.press("Enter")
    assert Assignment.objects.filter(state="submitted").count() == 1


def test_the_grid_is_eight_wide_on_a_desk_and_two_or_three_on_a_phone(doors, work):
    for size, columns in (("desk", {8}), ("phone", {2, 3})):
        page = work(doors["contains"], size)
        grid = page.locator(".grid").first
        tracks = grid.evaluate("e => getComputedStyle(e).gridTemplateColumns.split(' ').length")
        assert tracks in columns
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
        picture = page.locator(".tile img").first
        assert picture.evaluate("e => getComputedStyle(e).objectFit") == "contain"


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_nothing_moves_while_pictures_come_or_choices_are_made(kind, doors, look):
    page = look("about:blank")
    page.add_init_script(
        """window.shift = 0; new PerformanceObserver(list => {
             for (const entry of list.getEntries()) window.shift += entry.value;
           }).observe({type: 'layout-shift', buffered: true});"""
    )
    page.goto(doors[kind], wait_until="networkidle")
    press_begin(page)
    for box in page.locator("fieldset input[type=checkbox]:visible").all()[:8]:
        box.check()
        box.uncheck()
    assert page.evaluate("window.shift") < 0.001


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_what_a_finger_has_to_hit_is_44_pixels(kind, doors, work):
    page = work(doors[kind], "phone")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.locator("form label:visible").count() > 10
    small = page.evaluate(
        """() => [...document.querySelectorAll('form label, button, summary')]
             .filter(e => e.checkVisibility({visibilityProperty: true}))
             .filter(e => !e.htmlFor || document.getElementById(e.htmlFor).type !== 'text')
             .filter(e => e.htmlFor !== 'comment')
             .map(e => [e.tagName, e.innerText, Math.round(e.getBoundingClientRect().height)])
             .filter(([, , height]) => height < 44)"""
    )
    assert small == []


def test_the_question_and_the_bar_stay_in_sight(doors, work):
    page = work(doors["contains"], "phone")
    last = page.locator("fieldset").first.locator(".tile").last
    last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 100)
    height = SIZES["phone"]["height"]
    for place in (".question h2", ".bar"):
        box = page.locator(place).first.bounding_box()
        assert 0 <= box["y"] <= box["y"] + box["height"] <= height + 1
