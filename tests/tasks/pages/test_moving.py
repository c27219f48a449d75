"""From the desk to the phone in a real browser: the same worker, draft and conditions."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tasks.models import Assignment, Draft, Worker
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def begin(page) -> None:
    page.get_by_role("button", name="Begin").click()
    page.locator("form.work[data-ready]").wait_for()


def assert_accessible(page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_a_worker_goes_on_on_the_phone_by_their_personal_link(live_server, tmp_path, browser):
    campaign = open_campaign(make_pictures(tmp_path, images=2), "contains", per_hit=2)  # two cards
    door = f"{live_server.url}/tasks/{campaign.public_id}/"
    with browser.new_context(**DESK) as desk, browser.new_context(**PHONE) as phone:
        page = desk.new_page()
        page.goto(door)
        assert_accessible(page)
        link = page.get_by_label("Your personal link").input_value()
        begin(page)
        first = page.locator("fieldset[data-section]").first
        item = first.locator("img[data-picture]").get_attribute("data-picture")
        first.locator("[data-zoom]").evaluate("button => button.click()")
        page.keyboard.press("Escape")
        first.locator("input[name=selected]").check()  # Yes
        first.locator("input[name=none]").check()  # No, which undoes Yes
        counted = f'\\"{item}\\":2'
        until(lambda: Draft.objects.filter(fields__contains=counted).exists())
        page.reload()
        page.locator("form.work[data-ready]").wait_for()

        page = phone.new_page()
        page.goto(link)
        begin(page)
        for section in page.locator("fieldset[data-section]").all():
            section.locator("input[name=selected]").check()
        page.get_by_role("button", name="Submit").click()
        page.get_by_role("heading", name="Thank you").wait_for()
        assert_accessible(page)
        page.get_by_role("link", name="All open studies").click()
        page.get_by_text("You have answered").wait_for()
        assert_accessible(page)
    done = Assignment.objects.get()
    assert (done.device, done.viewport) == ("touch", "390x844")
    assert done.zooms == [1]
    assert done.changes == [3, 1]  # yes, no, yes again; yes
    assert len(done.selected) == 2
    assert Worker.objects.count() == 1
