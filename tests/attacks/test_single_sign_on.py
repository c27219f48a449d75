"""Single sign-on, against a provider that speaks OpenID Connect here, and that lies on request."""

import html
import re
from datetime import timedelta

import httpx
import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings as django
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from annotation.models import AccountLink, Grant, LoginPolicy, RightsChange
from annotation.serving.single_sign_on import provider_of, providers
from annotation.serving.variables import Environment
from tests.factories import make_user
from tests.studies.login_providers import CLIENT, SECRET, provider
from tests.studies.visitors import says

pytestmark = pytest.mark.django_db
BEGIN, BACK = "/admin/single-sign-on/", "/admin/single-sign-on/back/"
ADA = {
    "sub": "ada-1",
    "preferred_username": "ada",
    "email": "ada@example.org",
    "email_verified": True,
    "given_name": "Ada",
}


@pytest.fixture(scope="module")
def running():
    with provider() as server:
        yield server


@pytest.fixture
def server(running, settings):
    """The provider, which the site knows, and an honest one again."""
    cache.clear()
    name(settings, running.issuer)
    running.person, running.claims, running.userinfo = dict(ADA), {}, {}
    running.signed_with, running.algorithm = None, "RS256"
    running.named_issuer = running.issuer
    return running


def name(settings, issuer: str, domains: str = "") -> None:
    """Set what these variables of the environment set."""
    env = Environment(
        {
            "OIDC_ISSUER": issuer,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
            "OIDC_NAME": "the institute",
            "OIDC_DOMAINS": domains,
        }
    )
    settings.OIDC_ISSUER, settings.OIDC_NAME = issuer, "the institute"
    settings.OIDC_PROVIDER, settings.OIDC_DOMAINS = provider_of(env), env["OIDC_DOMAINS"]
    settings.SOCIALACCOUNT_PROVIDERS = providers(env)


def to_provider(client: Client, **form: str) -> str:
    """Press the button; the address at the provider."""
    page = client.post(BEGIN, {"process": "login"} | form)
    assert page.status_code == 200, page.content.decode()
    return html.unescape(re.search(r'content="0;url=([^"]+)"', page.content.decode())[1])


def come_back(client: Client, address: str):
    back = httpx.get(address, trust_env=False).headers["Location"]
    assert back.startswith(f"http://testserver{BACK}?")
    return client.get(back.removeprefix("http://testserver"))


def log_in(client: Client | None = None, **form: str):
    client = client or Client()
    return come_back(client, to_provider(client, **form))


def known(role: str = "viewer", sub: str = "ada-1", username: str = "ada"):
    """An account that this person of the provider already has."""
    account = make_user(username, role)
    SocialAccount.objects.create(user=account, provider=django.OIDC_PROVIDER, uid=sub)
    return account


def link_for(role: str = "researcher") -> str:
    """The secret of an owner's link."""
    boss = Client()
    boss.force_login(make_user("boss", "owner"))
    page = boss.post("/admin/people/", {"do": "invite", "role": role, "days": 7})
    return re.search(r"/admin/link/([\w-]+)/", page.content.decode())[1]


# The way in


def test_somebody_known_comes_in_and_to_where_they_wanted(server):
    known()
    client = Client()
    assert "Log in with the institute" in says(client.get("/admin/login/?next=/admin/tokens/"))
    answer = log_in(client, next="/admin/tokens/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/tokens/")
    assert client.get("/admin/tokens/").status_code == 200
    assert get_user_model().objects.count() == 1


def test_what_is_asked_of_the_provider_cannot_be_used_by_others(server):
    address = to_provider(Client())
    for part in ("state=", "code_challenge=", "code_challenge_method=S256", "response_type=code"):
        assert part in address
    known()
    client, eve = Client(), Client()
    address = to_provider(client)
    assert "did not log you in" in says(come_back(eve, address))  # another browser's state
    assert eve.get("/admin/").status_code == 302
    back = httpx.get(to_provider(client), trust_env=False).headers["Location"]
    back = back.removeprefix("http://testserver")
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 403  # a second time
    assert client.get(re.sub("state=[^&]*", "state=x", back)).status_code == 403
    assert client.get(f"{BACK}?error=access_denied").status_code == 403
    assert client.get(BACK).status_code == 403


def test_the_way_back_leads_nowhere_else(server):
    known()
    for there in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert log_in(next=there)["Location"] == "/admin/"


def test_it_begins_by_a_form_of_this_site_alone(server):
    assert Client().get(BEGIN).status_code == 405
    assert Client(enforce_csrf_checks=True).post(BEGIN, {"process": "login"}).status_code == 403
    assert Client().post(BEGIN, {"process": "redirect"}).status_code == 404
    assert (
        Client().post(f"{BEGIN}?auth_params=prompt%3Dnone", {"process": "login"}).status_code == 404
    )


def test_where_no_provider_is_named_there_is_no_such_way():
    assert Client().post(BEGIN, {"process": "login"}).status_code == 404
    assert Client().get(f"{BACK}?code=1&state=1").status_code == 404
    assert "single-sign-on" not in Client().get("/admin/login/").content.decode()


# Who has no account


def test_a_stranger_is_refused_and_gets_no_account(server):
    client = Client()
    answer = log_in(client)
    assert answer.status_code == 403
    assert "Ask an owner of the site for a link" in says(answer)
    assert not get_user_model().objects.exists()
    assert not SocialAccount.objects.exists()
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("domains", "claims", "comes_in"),
    [
        ("example.org", {}, True),
        ("*", {}, True),
        ("other.org, EXAMPLE.org", {}, True),
        ("other.org", {}, False),
        ("example.org", {"email_verified": False}, False),
        ("example.org", {"email_verified": "false"}, False),
        ("example.org", {"email_verified": None}, False),
        ("*", {"email_verified": False}, False),
        ("example.org", {"email": "ada@evil-example.org"}, False),
        ("example.org", {"email": "ada@example.org.evil.org"}, False),
        ("example.org", {"email": "ada@sub.example.org"}, False),
        ("example.org", {"email": None}, False),
        ("example.org", {"email": "ada@evil.org\n@example.org"}, False),
    ],
)
def test_a_colleague_of_a_domain_gets_an_account_without_a_role(
    server, settings, domains, claims, comes_in
):
    name(settings, server.issuer, domains)
    server.person |= claims
    client = Client()
    answer = log_in(client)
    assert answer.status_code == 403
    assert client.get("/admin/").status_code == 302
    if not comes_in:
        assert not get_user_model().objects.exists()
        return
    assert "The site knows you as ada" in says(answer)
    ada = get_user_model().objects.get()
    assert (ada.username, ada.email, ada.has_usable_password()) == ("ada", "ada@example.org", False)
    assert not ada.is_superuser
    assert not Grant.objects.exists()
    assert RightsChange.objects.get().what == "got an account"
    Grant.objects.create(user=ada, role="viewer")
    assert log_in(client).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert get_user_model().objects.count() == 1


def test_a_link_gives_its_role_to_who_comes_with_it(server):
    secret = link_for("researcher")
    client = Client()
    page = client.get(f"/admin/link/{secret}/")
    assert "Come in with the institute" in says(page)
    answer = log_in(client, link=secret, next=f"/admin/link/{secret}/")
    assert answer["Location"] == "/admin/"
    assert list(Grant.objects.filter(user__username="ada").values_list("role")) == [("researcher",)]
    assert AccountLink.objects.get().used_by.username == "ada"
    server.person = ADA | {"sub": "eve", "preferred_username": "eve"}
    assert "was used already" in says(log_in(link=secret))
    assert not get_user_model().objects.filter(username="eve").exists()


def test_a_link_is_no_longer_in_hand_at_the_next_login(server):
    """Of two people at one computer the second does not come in by the first one's link."""
    secret = link_for("owner")
    client = Client()
    to_provider(client, link=secret)  # and then turns back
    server.person = ADA | {"sub": "eve", "preferred_username": "eve"}
    assert log_in(client).status_code == 403
    assert not get_user_model().objects.filter(username="eve").exists()


def test_a_link_that_lapsed_lets_nobody_in(server):
    secret = link_for()
    AccountLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "has expired" in says(log_in(link=secret))
    assert not get_user_model().objects.filter(username="ada").exists()


# No account is taken over


def test_nobody_gets_an_account_by_its_address_or_name(server, settings):
    """Verified or not, the address of an account opens it to nobody; nor does its user name."""
    name(settings, server.issuer, "example.org")
    owner = make_user("ada", "owner")
    owner.email = "ada@example.org"
    owner.save()
    for verified in (False, True):
        server.person = ADA | {"sub": f"eve-{verified}", "email_verified": verified}
        client = Client()
        assert log_in(client).status_code == 403
        assert client.get("/admin/").status_code == 302
    assert not SocialAccount.objects.filter(user=owner).exists()
    new = get_user_model().objects.exclude(pk=owner.pk).get()
    assert new.username != "ada"
    assert not new.grants.exists()


def test_the_same_id_at_another_provider_is_somebody_else(server, settings):
    account = make_user("ada", "owner")
    env = Environment({"OIDC_ISSUER": "https://earlier.example"})
    SocialAccount.objects.create(user=account, provider=provider_of(env), uid="ada-1")
    assert log_in().status_code == 403


LIES = {
    "signed by another key": {"signed_with": rsa.generate_private_key(65537, 2048)},
    "unsigned": {"signed_with": "", "algorithm": "none"},
    "signed by a secret": {"signed_with": SECRET * 2, "algorithm": "HS256"},
    "for another client": {"claims": {"aud": "another"}},
    "of another issuer": {"claims": {"iss": "https://evil.example"}},
    "expired": {"claims": {"exp": 1}},
    "about nobody": {"claims": {"sub": ""}, "userinfo": {"sub": ""}},
    "userinfo about somebody else": {"userinfo": {"sub": "root-1"}},
    "ID token about somebody else": {"claims": {"sub": "root-1"}},
    "another issuer in the configuration": {"named_issuer": "https://evil.example"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_of_the_provider_logs_nobody_in(server, lie):
    known()
    known("owner", "root-1", "root")
    for attribute, value in LIES[lie].items():
        setattr(server, attribute, value)
    client = Client()
    answer = log_in(client)
    assert (answer.status_code, "did not log you in" in says(answer)) == (403, True)
    assert client.get("/admin/").status_code == 302


def test_a_provider_that_is_away_or_talks_nonsense_is_a_sentence(server, settings):
    name(settings, "http://127.0.0.1:9")
    answer = Client().post(BEGIN, {"process": "login"})
    assert "does not answer" in says(answer)
    name(settings, f"{server.issuer}/nowhere")
    assert Client().post(BEGIN, {"process": "login"}).status_code == 403


# The rules of every login


def test_an_account_that_is_not_active_stays_out(server):
    account = known("owner")
    account.is_active = False
    account.save()
    client = Client()
    assert "not active" in says(log_in(client))
    assert client.get("/admin/").status_code == 302


def test_the_second_factor_is_asked_for_all_the_same(server):
    account = known("owner")
    LoginPolicy.objects.create(second_factor=True)
    client = Client()
    log_in(client)
    assert client.get("/admin/")["Location"] == "/admin/second-factor/"
    LoginPolicy.objects.update(second_factor=False)
    Authenticator.objects.create(user=account, type="totp", data={"secret": "x"})
    client = Client()
    assert log_in(client)["Location"] == "/admin/second-factor/authenticate/"
    assert client.get("/admin/").status_code == 302


def test_who_is_logged_in_connects_their_other_login_after_the_password(server):
    account = make_user("ada", "viewer")
    account.set_password("a long pass phrase")
    account.save()
    client = Client()
    client.force_login(account)
    page = "/admin/single-sign-on/mine/"
    assert "Connect the institute" in says(client.get(page))
    asked = log_in(client, process="connect")
    assert asked["Location"].startswith("/admin/second-factor/password/")
    assert not SocialAccount.objects.exists()
    client.post(asked["Location"], {"password": "a long pass phrase"})
    log_in(client, process="connect")
    assert SocialAccount.objects.get().user == account
    assert log_in(Client())["Location"] == "/admin/"
    other = Client()
    other.force_login(make_user("other", "viewer"))
    assert "mine" not in log_in(other, process="connect")["Location"].replace(page, "")
    assert SocialAccount.objects.get().user == account
    row = SocialAccount.objects.get().pk
    other.post(page, {"account": row})
    assert SocialAccount.objects.filter(pk=row).exists()
    client.post(page, {"account": row})
    assert not SocialAccount.objects.exists()


def test_a_stranger_connects_nothing(server):
    client = Client()
    log_in(client, process="connect")
    assert not SocialAccount.objects.exists()
    assert client.get("/admin/").status_code == 302
