"""The practice in a real browser: by mouse, by keyboard on a phone, without JavaScript; axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tasks.models import Assignment, Campaign, Payment, PracticeItem, PracticeTry
from tasks.simulation.worksheet import worksheet
from tests.studies.browsers import SIZES, tab_to
from tests.studies.practised import is_known, practising

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def campaign(tmp_path) -> Campaign:
    return practising(tmp_path)


@pytest.fixture
def look(browser, live_server, campaign):
    """Open the campaign's page in a fresh browser and begin: look(size, **options) -> page."""
    contexts = []

    def begin(size: str = "desk", **options):
        context = browser.new_context(viewport=SIZES[size], **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"{live_server.url}/tasks/{campaign.public_id}/")
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url("**/practice/**", wait_until="networkidle")
        return page

    yield begin
    for context in contexts:
        context.close()


def right_tiles(campaign: Campaign, page) -> list[str]:
    """The ids of the tiles to select on the practice's page."""
    return [
        option.value
        for question in worksheet(page.content()).questions
        for option in question.named("selected")
        if is_known(campaign, question, option)
    ]


def is_accessible(page) -> bool:
    """Whether axe finds nothing, the page complains of nothing, and nothing sticks out."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.complaints == []
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("javascript", [True, False])
def test_passing_at_once_leads_to_the_work(campaign, look, javascript):
    page = look(java_script_enabled=javascript)
    for tile in right_tiles(campaign, page):
        page.locator(f"[id='s-{tile}']").check()
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("heading", name="You have passed the practice").wait_for()
    assert page.locator(".judged .right").count() == 4
    page.reload()  # sends nothing again
    page.get_by_role("button", name="Begin the work").click()
    page.wait_for_url("**/hit/**")
    page.go_back()
    assert not page.locator("form.work").count()  # Back leads to no answered form
    assert PracticeTry.objects.get().passed
    assert (Payment.objects.count(), Assignment.objects.count()) == (1, 1)


def test_failing_twice_by_keyboard_on_a_phone_ends_in_thanks(campaign, look):
    page = look("phone", has_touch=True, is_mobile=True)
    pictures = []
    for last in (False, True):
        page.locator("form.work[data-ready]").wait_for(state="attached")
        assert is_accessible(page)
        pictures.append(set(page.eval_on_selector_all(".tile img", "a => a.map(e => e.src)")))
        tab_to(page, "input[name=selected]")
        for _ in range(4):
            page.keyboard.press("Space")  # all are selected: half of them wrongly
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Control+Enter")
        page.locator(".judged").first.wait_for()
        assert is_accessible(page)
        assert page.locator(".judged .wrong").count() == 2
        if not last:
            tab_to(page, "form .main")
            with page.expect_navigation():
                page.keyboard.press("Enter")
    assert page.get_by_role("heading", name="Thank you for practising").is_visible()
    assert page.get_by_text("You are owed $0.18").is_visible()
    assert not page.get_by_role("button").count()
    assert len(pictures[0]) == len(pictures[1]) == 4
    assert not pictures[0] & pictures[1]
    assert (Payment.objects.count(), Assignment.objects.count()) == (2, 0)


def test_what_was_chosen_survives_a_reload_and_a_second_tab(campaign, look):
    page = look()
    page.locator("form.work[data-ready]").wait_for(state="attached")
    chosen = right_tiles(campaign, page)[0]
    with page.expect_response(lambda response: response.status == 204):
        page.locator(f"[id='s-{chosen}']").check()
    page.evaluate("localStorage.clear()")
    page.reload()
    assert page.locator(f"[id='s-{chosen}']").is_checked()
    assert PracticeItem.objects.count() == 8
