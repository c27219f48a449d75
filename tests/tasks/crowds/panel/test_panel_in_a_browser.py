"""The whole round trip in a real browser: from a panel in another origin and back to it; axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tasks.models import Campaign, Session
from tasks.simulation.rehearsal.panel import joined, panel_serving
from tests.factories import make_dataset
from tests.studies.browsers import SIZES, follow
from tests.studies.panels import open_panel

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def panel(live_server):
    with panel_serving() as panel:
        yield panel


@pytest.fixture
def campaign(tmp_path, panel, live_server) -> Campaign:
    campaign = open_panel(make_dataset(folder=tmp_path), session_minutes=1)
    campaign.panel = panel.setting()
    campaign.save()
    panel.study = f"{live_server.url}/tasks/{campaign.public_id}/"
    return campaign


@pytest.fixture
def look(browser):
    """Open an address in a fresh browser: look(address, size, **options) -> page."""
    contexts = []

    def opened(address: str, size: str = "desk", **options):
        context = browser.new_context(viewport=SIZES[size], **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


def is_accessible(page) -> bool:
    """Whether axe finds nothing, the page complains of nothing, and nothing sticks out."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.complaints == []
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def answer(page) -> None:
    """Confirm "none of these" throughout, and send it."""
    page.wait_for_load_state("domcontentloaded")
    for box in page.locator("input[name=none]").all():
        box.check(force=True)
    before = page.url
    page.locator("form.work button.main[type=submit]").click()
    page.wait_for_url(lambda address: address != before)


@pytest.mark.parametrize(
    ("size", "options"),
    [("desk", {}), ("phone", {"color_scheme": "dark"}), ("desk", {"java_script_enabled": False})],
    ids=["desk", "phone", "without-javascript"],
)
def test_there_and_back_again(campaign, panel, look, size, options):
    page = look(joined(panel, "ada"), size, **options)
    scripts = options.get("java_script_enabled", True)
    assert "A session is 2 sets" in page.inner_text("main")
    assert not scripts or is_accessible(page)
    follow(page, page.get_by_role("button", name="Begin"))
    assert "Set 1 of 2 of your session" in page.inner_text("main")
    answer(page)
    page.reload()
    assert "Set 2 of 2 of your session" in page.inner_text("main")
    assert "C0DONE" not in page.content()
    answer(page)
    assert "Your session is full" in page.inner_text("h1")
    assert not scripts or is_accessible(page)
    follow(page, page.get_by_role("button", name="Go on for"))
    assert "Beyond your session" in page.inner_text("main")
    answer(page)
    page.reload()
    follow(page, page.get_by_role("button", name="Finish"))
    assert "you are done" in page.inner_text("h1")
    assert not scripts or is_accessible(page)
    assert page.get_by_label("Your completion code").input_value() == "C0DONE"
    page.reload()  # ends nothing again
    follow(page, page.get_by_role("link", name="Back to the panel"))
    assert "Your session: done." in page.inner_text("main")
    page.go_back()
    follow(page, page.get_by_role("link", name="Back to the panel"))
    assert "Your session: done." in page.inner_text("main")
    assert panel.disagreements(campaign) == []
    session = Session.objects.get()
    assert panel.returned == {session.key: ["C0DONE", "C0DONE"]}
    assert session.payments.count() == 2


def test_another_device_and_a_stolen_session(campaign, panel, look):
    page = look(joined(panel, "ada"))
    link = page.url
    follow(page, page.get_by_role("button", name="Begin"))
    answer(page)
    phone = look(link, "phone")  # leads on to the HIT that is open
    assert "Set 2 of 2 of your session" in phone.inner_text("main")
    answer(phone)
    follow(phone, phone.get_by_role("button", name="Finish"))
    follow(phone, phone.get_by_role("link", name="Back to the panel"))
    thief = look(link.replace("PID=ada", "PID=eve"))
    assert "somebody else" in thief.inner_text("main")
    assert "C0DONE" not in thief.content()
    assert panel.disagreements(campaign) == []
