"""Consent, warning, practice, a report and languages together, on a phone, by keyboard alone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tasks.models import Assignment, Consent, Payment, PictureReport, PracticeTry
from tasks.simulation.worksheet import worksheet
from tests.studies.browsers import SIZES, tab_to
from tests.studies.practised import is_known, practising
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = {
    "en": ("Begin", "I agree", "Begin the work", "You have passed"),
    "de": ("Beginnen", "Ich stimme zu", "Mit der Arbeit beginnen", "Sie haben die Übung bestanden"),
}
TEXTS = {
    "languages": ["en", "de"],
    "consent": {
        "en": "# Consent\n\nYou may stop *whenever* you like.\n\n### Why\n\nIt is yours.",
        "de": "## Einwilligung\n\nSie können jederzeit aufhören.",
    },
    "instructions": {"en": "# Care\n\nLook well.", "de": "### Sorgfalt\n\nSehen Sie genau hin."},
    "content_warning": {"en": "Some pictures show blood.", "de": "Einige Bilder zeigen Blut."},
    "contact": "Ada, ada@lab.example",
}


def looks_right(page, language: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    assert page.locator("html").get_attribute("lang") == language, page.url
    assert page.get_by_text("ada@lab.example").first.is_visible(), page.url


@pytest.mark.parametrize("language", ["en", "de"])
def test_all_of_it_by_keyboard_on_a_phone(browser, live_server, tmp_path, language):
    begin, agree, go_on, passed = WORDS[language]
    campaign = practising(tmp_path, **TEXTS)
    context = browser.new_context(
        viewport=SIZES["phone"], has_touch=True, is_mobile=True, locale=f"{language}-XX"
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    def press(name: str) -> None:
        button = page.get_by_role("button", name=name, exact=True)
        button.focus()
        assert button.evaluate("button => button === document.activeElement")
        page.keyboard.press("Enter")

    page.goto(f"{live_server.url}/tasks/{campaign.public_id}/")
    assert page.get_by_text(TEXTS["content_warning"][language]).is_visible()
    looks_right(page, language)
    press(begin)
    page.wait_for_url("**/consent/**")
    looks_right(page, language)
    press(agree)
    page.wait_for_url("**/practice/**", wait_until="networkidle")
    page.locator("form.work[data-ready]").wait_for(state="attached")
    looks_right(page, language)
    for question in worksheet(page.content()).questions:
        for option in question.named("selected"):
            if is_known(campaign, question, option):
                page.locator(f"[id='s-{option.value}']").focus()
                page.keyboard.press("Space")
            elif len(question.named("selected")) == 1:
                page.locator(f"[id='s-{option.value}']").focus()
                page.keyboard.press("0")
    page.keyboard.press("Control+Enter")
    page.get_by_role("heading", name=passed).wait_for()
    looks_right(page, language)
    press(go_on)
    page.wait_for_url("**/hit/**", wait_until="networkidle")
    page.locator("form.work[data-ready]").wait_for(state="attached")
    looks_right(page, language)
    tab_to(page, "input[name=selected]")
    page.keyboard.press("r")
    until(lambda: PictureReport.objects.count() == 1)
    looks_right(page, language)
    for section in page.locator("fieldset[data-section]").all():
        section.locator("input[name=selected]").last.focus()
        page.keyboard.press("0")
    page.keyboard.press("Control+Enter")
    answered = Assignment.objects.filter(submitted_at__isnull=False)
    until(answered.exists)
    assert answered.count() == 1
    assert len(answered.get().unseen) == 1
    assert answered.get().language == language
    assert Consent.objects.get().agreed
    assert Consent.objects.get().language == language
    assert PracticeTry.objects.get().passed
    assert Payment.objects.count() == 2
    assert faults == []
    context.close()
