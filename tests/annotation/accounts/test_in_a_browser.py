"""The ways in, as people go them: by the keyboard, on a phone, in both colour schemes."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model

from annotation.models import Grant
from annotation.serving.single_sign_on import provider_of, providers
from annotation.serving.variables import Environment
from tests.factories import make_user
from tests.studies.browsers import SIZES
from tests.studies.login_providers import CLIENT, SECRET, provider

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long pass phrase"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": RULES, "resultTypes": ["violations"]}
LOOKS = [("desk", "light"), ("phone", "dark")]


def complaints(page) -> list:
    """What axe finds, and a page that is wider than its window."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [(each["id"], each["nodes"][0]["target"]) for each in found] + [wider] * (wider > 0)


def log_in(page, address: str, name: str) -> None:
    page.goto(f"{address}/admin/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/admin/")


def press(page, words: str) -> None:
    """Reach a button by Tab and press it."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if words in (page.evaluate("document.activeElement.textContent") or ""):
            return page.keyboard.press("Enter")
    raise AssertionError(f"no key leads to {words}")


@pytest.fixture
def boss():
    boss = make_user("boss", "owner")
    boss.set_password(PASSWORD)
    boss.save()
    return boss


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_colleague_comes_in_by_a_link_and_makes_a_token(live_server, browser, boss, size, scheme):
    look = {"viewport": SIZES[size], "color_scheme": scheme}
    owners, colleagues = browser.new_context(**look), browser.new_context(**look)
    page = owners.new_page()
    log_in(page, live_server.url, "boss")
    page.goto(f"{live_server.url}/admin/people/")
    assert complaints(page) == []
    page.select_option("#id_invite_role", "reviewer")
    page.focus("#id_invite_note")
    press(page, "Make the link")
    link = page.wait_for_selector("#link").inner_text()
    assert complaints(page) == []

    page = colleagues.new_page()
    page.goto(link)
    assert complaints(page) == []
    page.focus("[name=username]")
    for text in ("ada", "", PASSWORD, "another"):
        page.keyboard.insert_text(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert complaints(page) == []
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/admin/")
    assert Grant.objects.get(user__username="ada").role == "reviewer"

    page.goto(f"{live_server.url}/admin/tokens/")
    assert complaints(page) == []
    page.fill("[name=name]", "a notebook")
    page.keyboard.press("Enter")
    assert len(page.wait_for_selector("#token").inner_text()) > 40
    page.click("text=Copy the lines")
    page.wait_for_selector("text=/Copied|Selected/")
    assert complaints(page) == []
    page.goto(f"{live_server.url}/admin/people/")
    assert "You may not do this" in page.inner_text("#content")
    assert complaints(page) == []
    owners.close()
    colleagues.close()


def test_single_sign_on_crosses_to_the_provider_and_back(live_server, browser, settings):
    with provider() as server:
        env = Environment(
            {
                "OIDC_ISSUER": server.issuer,
                "OIDC_CLIENT_ID": CLIENT,
                "OIDC_CLIENT_SECRET": SECRET,
                "OIDC_DOMAINS": "example.org",
            }
        )
        settings.OIDC_ISSUER, settings.OIDC_PROVIDER = server.issuer, provider_of(env)
        settings.OIDC_DOMAINS, settings.SOCIALACCOUNT_PROVIDERS = ["example.org"], providers(env)
        server.person = {"sub": "1", "email": "ada@example.org", "email_verified": True}
        context = browser.new_context(viewport=SIZES["phone"])
        page = context.new_page()
        page.goto(f"{live_server.url}/admin/login/?next=/admin/tokens/")
        assert complaints(page) == []
        page.click("text=Log in with single sign-on")
        page.wait_for_selector("text=you have no role yet")
        assert re.search(r"The site knows you as ada,", page.inner_text("body"))
        assert complaints(page) == []
        Grant.objects.create(user=get_user_model().objects.get(), role="viewer")
        page.goto(f"{live_server.url}/admin/login/?next=/admin/tokens/")
        page.click("text=Log in with single sign-on")
        page.wait_for_url(f"{live_server.url}/admin/tokens/")
        context.close()
