"""Only a proxy of TRUSTED_PROXIES may say from where, and how, a visitor comes."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import RequestFactory

from annotation.serving.proxies import TrustedProxies, parsed


def came(settings, trusted: str, peer: str, **headers: str):
    """What the site knows of a visitor: their address and scheme, and the headers that are left."""
    settings.TRUSTED_PROXIES = parsed(trusted.split(",") if trusted else [])
    kept = {}

    def site(request) -> HttpResponse:
        kept["address"] = request.META["REMOTE_ADDR"]
        kept["scheme"] = request.scheme
        kept["headers"] = [name for name in request.META if "FORWARDED" in name or "REAL" in name]
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR=peer, **headers)
    response = TrustedProxies(site)(request)
    return (kept["address"], kept["scheme"]) if kept else response


def test_a_stranger_cannot_name_an_address_or_a_scheme(settings):
    lies = {
        "HTTP_X_FORWARDED_FOR": "8.8.8.8",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_REAL_IP": "8.8.8.8",
        "HTTP_FORWARDED": "for=8.8.8.8",
    }
    for trusted in ("", "10.0.0.1", "unix"):
        assert came(settings, trusted, "203.0.113.9", **lies) == ("203.0.113.9", "http")


def test_no_header_of_a_proxy_reaches_the_site(settings):
    """DRF's throttles and other libraries read them too."""
    settings.TRUSTED_PROXIES = parsed(["10.0.0.1"])
    seen = []
    site = TrustedProxies(lambda request: seen.append(dict(request.META)) or HttpResponse())
    for peer in ("10.0.0.1", "203.0.113.9"):
        site(
            RequestFactory().get(
                "/",
                REMOTE_ADDR=peer,
                HTTP_X_FORWARDED_FOR="8.8.8.8",
                HTTP_X_FORWARDED_HOST="evil.example",
                HTTP_X_REAL_IP="8.8.8.8",
            )
        )
    assert not [name for meta in seen for name in meta if name.startswith(("HTTP_X_", "HTTP_FO"))]


@pytest.mark.parametrize(
    ("trusted", "peer", "chain", "client"),
    [
        ("10.0.0.1", "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "10.1.2.3", "203.0.113.9", "203.0.113.9"),
        # What stands left of the client was written by the client.
        ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("::1", "::1", "2001:db8::5", "2001:db8::5"),
        ("::1", "::1", "[2001:db8::5]:4711", "2001:db8::5"),
        ("127.0.0.1", "::ffff:127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        # A peer of a unix socket has no address: `unix` names it.
        ("unix", "", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "", "203.0.113.9", ""),
    ],
)
def test_the_rightmost_address_that_is_no_proxys_is_the_clients(
    settings, trusted, peer, chain, client
):
    assert came(settings, trusted, peer, HTTP_X_FORWARDED_FOR=chain)[0] == client


@pytest.mark.parametrize(
    ("chain", "schemes", "scheme"),
    [
        ("203.0.113.9", "https", "https"),
        ("203.0.113.9", "https, http", "http"),  # the client wrote the first
        ("203.0.113.9, 10.0.0.2", "https, http", "https"),  # the outer proxy did
        ("203.0.113.9, 10.0.0.2", "https", "https"),
        ("203.0.113.9", "javascript", "http"),
        ("", "https", "https"),
    ],
)
def test_the_scheme_is_what_the_clients_own_proxy_saw(settings, chain, schemes, scheme):
    headers = {"HTTP_X_FORWARDED_FOR": chain, "HTTP_X_FORWARDED_PROTO": schemes}
    assert came(settings, "10.0.0.0/8", "10.0.0.1", **headers)[1] == scheme


def test_visitors_of_an_https_site_are_sent_to_https(settings):
    settings.REDIRECT_TO_HTTPS = True
    plain = {"HTTP_X_FORWARDED_FOR": "203.0.113.9", "HTTP_X_FORWARDED_PROTO": "http"}
    assert came(settings, "127.0.0.1", "127.0.0.1", **plain)["Location"] == "https://testserver/"
    assert came(settings, "", "127.0.0.1", **plain).status_code == 301  # a proxy nobody trusts
    assert came(settings, "", "203.0.113.9").status_code == 301
    secure = plain | {"HTTP_X_FORWARDED_PROTO": "https"}
    assert came(settings, "127.0.0.1", "127.0.0.1", **secure) == ("203.0.113.9", "https")
    assert came(settings, "", "127.0.0.1") == ("127.0.0.1", "http")  # this machine's own commands


def test_a_typing_error_in_trusted_proxies_is_refused_at_the_start():
    with pytest.raises(ImproperlyConfigured, match=r"TRUSTED_PROXIES: '10.0.0.300'"):
        parsed(["10.0.0.300"])
