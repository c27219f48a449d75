"""The login counts wrong passwords per user and address, and can ask for a second factor."""

import base64
import hashlib
import hmac
import re
import struct
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from annotation.models import LoginPolicy, RightsChange
from tests.factories import client_of, make_user

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/?next=/admin/"
RIGHT = "a long pass phrase"


@pytest.fixture(autouse=True)
def boss():
    cache.clear()
    yield get_user_model().objects.create_superuser("boss", password=RIGHT)
    cache.clear()


def log_in(password, username="boss", address="192.0.2.1", client=None):
    client = client or Client()
    fields = {"username": username, "password": password}
    return client.post(LOGIN, fields, REMOTE_ADDR=address)


def guess(times=10, **who):
    return [log_in(f"wrong {n}", **who) for n in range(times)]


def test_the_eleventh_password_is_not_even_tried(monkeypatch):
    replies = guess(20)
    assert [reply.status_code for reply in replies] == [200] * 9 + [429] * 11
    tried = []
    monkeypatch.setattr("django.contrib.auth.models.User.check_password", tried.append)
    monkeypatch.setattr("django.contrib.auth.models.User.set_password", tried.append)
    reply = log_in(RIGHT)
    assert reply.status_code == 429
    assert not tried
    assert 0 < int(reply["Retry-After"]) <= 15 * 60
    assert "Try again in 15 minutes" in " ".join(reply.content.decode().split())


def test_an_endless_name_is_refused_like_any_other():
    assert log_in("wrong", username="a" * 100_000).status_code == 200


def test_other_addresses_and_users_still_get_in():
    get_user_model().objects.create_superuser("other", password=RIGHT)
    guess()
    assert log_in(RIGHT, username="other").status_code == 302
    assert log_in(RIGHT, address="192.0.2.2").status_code == 302
    assert log_in(RIGHT).status_code == 429


def test_an_unknown_user_is_refused_in_the_same_words_at_the_same_time():
    known, unknown = guess(11), guess(11, username="nobody")
    assert [r.status_code for r in known] == [r.status_code for r in unknown]

    def words(reply):
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", reply.content.decode())
        return text.replace("boss", "?").replace("nobody", "?")

    assert list(map(words, known)) == list(map(words, unknown))


def test_one_network_of_ipv6_is_one_address():
    for n in range(10):
        log_in("wrong", address=f"2001:db8:1:2::{n}")
    assert log_in(RIGHT, address="2001:db8:1:2:ffff::1").status_code == 429
    assert log_in(RIGHT, address="2001:db8:1:3::1").status_code == 302
    guess(address="::ffff:192.0.2.9")
    assert log_in(RIGHT, address="192.0.2.9").status_code == 429


def test_the_count_ends_after_a_quarter_of_an_hour_and_not_by_trying_on_or_logging_in():
    get_user_model().objects.create_superuser("mine", password=RIGHT)
    guess(9)
    log_in(RIGHT, username="mine")  # an attacker's own account resets nothing
    log_in("wrong")
    assert log_in(RIGHT).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    guess(5)  # refused unread: they put nothing off
    assert log_in(RIGHT).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15))
    assert log_in(RIGHT).status_code == 302


def test_the_counters_do_not_grow_for_ever():
    for n in range(20):
        client = Client(headers={"user-agent": f"agent {n}"})
        log_in("wrong", client=client)
        log_in("wrong", username=f"user {n}", client=client)
    row = AccessAttempt.objects.filter(username="boss").latest("attempt_time")
    assert AccessAttempt.objects.filter(username="boss").count() == 10
    assert len(row.post_data) < 2000
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    log_in("wrong")
    assert AccessAttempt.objects.count() == 1


# The second factor


def code(secret: str, step: int = 0) -> str:
    """The six digits of an authenticator app (RFC 6238), so many steps from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def set_up(client: Client) -> str:
    """Turn on an app's codes, which asks for the password again; returns its secret."""
    assert client.get(reverse("mfa_activate_totp")).status_code == 302
    client.post(reverse("account_reauthenticate"), {"password": RIGHT})
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'id="authenticator_secret"[^>]* value="(\w+)"', page)[1]
    reply = client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert reply.url == reverse("mfa_view_recovery_codes")
    assert re.search(r"\b\d{8}\b", client.get(reply.url).content.decode())
    return secret


@pytest.fixture
def secret() -> str:
    client = Client()
    assert log_in(RIGHT, client=client).status_code == 302
    secret = set_up(client)
    cache.clear()  # the code that turned it on would not be taken a second time
    return secret


def test_whoever_has_turned_on_codes_needs_one(secret):
    client = Client()
    reply = log_in(RIGHT, client=client)
    assert reply.url == reverse("mfa_authenticate")
    assert client.get("/admin/").status_code == 302
    assert client.get("/api/campaigns/").status_code == 401
    assert b"Incorrect code" in client.post(reply.url, {"code": "000000"}).content
    done = client.post(reply.url, {"code": code(secret)})
    assert done.url == "/admin/"
    assert client.get("/admin/").status_code == 200
    again = Client()  # somebody who has looked over the shoulder
    log_in(RIGHT, client=again)
    assert again.post(reply.url, {"code": code(secret)}).status_code == 200
    assert again.get("/admin/").status_code == 302


def test_codes_cannot_be_guessed_either(secret):
    for n in range(10):  # a new session each time
        client = Client()
        address = log_in(RIGHT, client=client, address=f"192.0.2.{n}").url
        client.post(address, {"code": "000000"})
    assert client.post(address, {"code": code(secret)}).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_a_recovery_code_lets_in_once(secret):
    recovery = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    for expected in (302, 200):
        client = Client()
        address = log_in(RIGHT, client=client).url
        assert client.post(address, {"code": recovery}).status_code == expected


def test_a_site_may_require_it_and_tokens_go_on(settings, boss):
    settings.REQUIRE_MFA = True
    client = Client()
    log_in(RIGHT, client=client)
    for page in ("/admin/", "/admin/auth/user/", "/campaigns/none/", "/datasets/none/"):
        assert client.get(page).url == reverse("mfa_index")
    reply = client.get("/api/campaigns/")
    assert (reply.status_code, reply["Content-Type"]) == (403, "application/json")
    for header in ("Basic x", "Bearer x", "Token", "x"):
        reply = client.get("/api/campaigns/", headers={"authorization": header})
        assert reply.status_code in (401, 403)
    token = client_of("boss")
    assert token.get("/api/campaigns/").status_code == 200
    assert client.get("/").status_code == 200
    set_up(client)
    assert client.get("/admin/").status_code == 200
    assert client.get("/api/campaigns/").status_code == 200


def test_an_owner_may_require_it_of_everybody(boss):
    policy, _ = LoginPolicy.objects.get_or_create()
    page = reverse("admin:annotation_loginpolicy_change", args=[policy.pk])
    assert make_client("researcher").post(page, {"second_factor": "on"}).status_code == 404
    assert not LoginPolicy.objects.filter(second_factor=True).exists()
    owner = make_client("owner")
    assert owner.post(page, {"second_factor": "on"}).status_code == 302
    assert RightsChange.objects.filter(what="login: a second factor is required").exists()
    assert owner.get("/admin/").url == reverse("mfa_index")
    client = Client()
    log_in(RIGHT, client=client)
    assert client.get("/admin/").url == reverse("mfa_index")
    set_up(client)
    assert client.get("/admin/").status_code == 200


def make_client(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role, role))
    return client


def test_no_other_page_of_allauth_is_open(admin_client):
    for name in ("signup", "email", "reset_password", "change_password", "request_login_code"):
        with pytest.raises(NoReverseMatch):
            reverse(f"account_{name}")
    with pytest.raises(NoReverseMatch):
        reverse("mfa_login_webauthn")  # without a password
    with pytest.raises(NoReverseMatch):
        reverse("socialaccount_signup")
    for page in ("mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "account_reauthenticate"):
        assert admin_client.get(reverse(page)).status_code in (200, 302)
        assert Client().get(reverse(page)).status_code == 302
    assert Client().get(reverse("account_logout")).status_code == 405
    assert b"secret" not in admin_client.get("/admin/mfa/authenticator/").content
