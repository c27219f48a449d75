"""German pages in a browser, a change of language in the middle, and pages from right to left."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from imagesets.models import Label
from tasks.models import Assignment
from tests.studies.browsers import SIZES
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import door

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ARABIC = {"names": ["قطة مخططة", "قط منزلي"], "definition": "قطة ذات فراء رمادي مخطط، " * 6}


@pytest.fixture
def visit(browser, live_server):
    """Open a campaign's page as somebody whose browser has that language: visit(...) -> page."""
    contexts = []

    def opened(campaign, locale: str, size: str = "phone"):
        phone = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
        contexts.append(browser.new_context(viewport=SIZES[size], locale=locale, **phone))
        page = contexts[-1].new_page()
        page.goto(live_server.url + door(campaign))
        return page

    yield opened
    for context in contexts:
        context.close()


def begun(page, word: str):
    page.get_by_role("button", name=word).click()
    page.wait_for_selector("form.work[data-ready]")
    return page


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_hit_is_done_in_german_by_keyboard_after_a_change_of_language(visit, tmp_path):
    campaign = open_campaign(
        make_pictures(tmp_path), "contains", per_hit=12, languages=["en", "de"]
    )
    page = visit(campaign, "en-GB")
    begun(page, "Begin").locator("input[name=selected]").first.check(force=True)
    page.get_by_role("link", name="Deutsch").click()
    page.wait_for_selector("html[lang=de] form.work[data-ready]")
    assert page.locator("input[name=selected]").first.is_checked()  # nothing is lost
    assert " Uhr" in page.locator("main > .kept").inner_text()
    assert "1 von 2 Begriffen beantwortet" in page.locator(".tally").inner_text()
    assert fits(page)
    assert Axe().run(page).violations_count == 0
    page.locator("input[name=selected]").first.focus()
    page.keyboard.press("Control+Enter")
    page.get_by_text("Noch offen: 1 von 2 Begriffen.").first.wait_for()
    page.keyboard.press("0")
    page.keyboard.press("Control+Enter")
    page.get_by_role("heading", name="Vielen Dank").wait_for()
    assert Axe().run(page).violations_count == 0
    assert Assignment.objects.get().language == "de"


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_pages_from_right_to_left_fit_and_arrows_go_where_they_point(
    kind, visit, tmp_path, settings
):
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "العربية")]
    dataset = make_pictures(tmp_path)
    Label.objects.exclude(key="n04").update(translations={"ar": ARABIC})
    texts = {"title": "حيوانات", "instructions": "انظر **بعناية**.", "contact": "ada@lab.example"}
    campaign = open_campaign(dataset, kind, per_hit=12, languages=["ar"], **texts)
    for size in ("phone", "desk"):
        page = visit(campaign, "ar", size)
        assert page.evaluate("document.dir") == "rtl"
        assert fits(begun(page, "Begin"))
        assert Axe().run(page).violations_count == 0
        if kind == "contains":
            tiles = page.locator(".tile")
            tiles.first.locator("input").first.focus()
            page.keyboard.press("ArrowLeft")
            assert tiles.nth(1).evaluate("tile => tile.contains(document.activeElement)")
            boxes = [tiles.nth(number).bounding_box()["x"] for number in (0, 1)]
            assert boxes[1] < boxes[0]
        else:
            page.locator("fieldset input").first.focus()
            page.keyboard.press("ArrowLeft")
            second = page.locator("fieldset").nth(1)
            assert second.evaluate("question => question === document.activeElement")
