"""MTurk's frame in a real browser: another origin, the content policy, the script."""

import time

import pytest
from playwright.sync_api import expect

from tasks.crowds.mturk import marketplace
from tasks.market.sync import sync
from tasks.models import Assignment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def framed_by(settings):
    """Says which sites may frame a worker's page; in place, since its views hold the list."""
    ancestors = settings.WORKER_PAGE_CSP["frame-ancestors"]
    before = list(ancestors)

    def frame(*sites: str) -> None:
        ancestors[:] = sites

    yield frame
    ancestors[:] = before


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_hit_is_done_in_the_marketplaces_frame(
    whole_browser, open_for_mturk, live_server, server, settings, framed_by, scripts
):
    # The two sites must differ for the browser, as they do in life.
    settings.PUBLIC_URL = live_server.url.replace("127.0.0.1", "localhost")
    framed_by("'self'", server.address)
    campaign = open_for_mturk(per_hit=12, workers_per_item=1, round_size=1)
    marketplace.offer(campaign)
    context = whole_browser.new_context(java_script_enabled=scripts)
    if scripts:
        context.clock.install()
    try:
        page = context.new_page()
        page.goto(f"{server.address}/")
        page.get_by_role("button", name="accept").click()
        frame = page.frame_locator("iframe")
        if scripts:  # else the two seconds before a draft is sent might be over
            frame.locator("form.work[data-ready]").wait_for()
            context.clock.pause_at(time.time() + 5)
        frame.locator("input[name=selected]").first.check()
        if scripts:  # the whole browser allows the frame no storage: the site's copy has to do
            forbidden = "() => { try { return !localStorage } catch { return true } }"
            assert page.frames[-1].evaluate(forbidden)
            expect(frame.locator(".bar .kept")).to_have_text("not saved yet")
            context.clock.resume()
            expect(frame.locator(".bar .kept")).to_have_text("saved")
            page.reload()
            expect(frame.locator("input[name=selected]").first).to_be_checked()
        frame.locator("input[name=none]").last.check()
        context.set_offline(scripts)
        frame.get_by_role("button", name="Submit").click()
        if scripts:
            for _ in range(13):  # a minute and more
                expect(frame.locator(".message")).to_contain_text("Not sent yet, trying again in")
                context.clock.run_for(5_000)
            assert frame.locator(".bar .kept").text_content() == "not saved yet"
            context.set_offline(False)
        else:
            frame.get_by_role("button", name="Hand in the work").click()
        frame.get_by_text("Your work was handed in").wait_for()
        assert not context.cookies()
    finally:
        context.close()
    sync(campaign)
    done = Assignment.objects.get()
    assert (done.worker.external_id, done.used, len(done.selected)) == ("AYOU", True, 1)
