"""Who a request comes from: only a proxy of TRUSTED_PROXIES may name another address or scheme.

Everything after this middleware reads REMOTE_ADDR and `request.is_secure()`, never a header.
"""

import logging
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect

log = logging.getLogger(__name__)

Network = IPv4Network | IPv6Network
UNIX = "unix"  # in TRUSTED_PROXIES: whoever speaks over a unix socket, where peers have no address
CLAIMS = ("HTTP_X_FORWARDED_", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP")
PROBES = ("/healthz", "/readyz")  # load balancers ask them over http
WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](?::\d+)?|(?P<four>\d+(?:\.\d+){3}):\d+")


class TrustedProxies:
    """The outermost middleware: believes X-Forwarded-For and -Proto from trusted proxies alone.

    Of a chain the rightmost address that is no trusted proxy's is the client's; what stands left
    of it was written by the client. Where the site's PUBLIC_URL is https, a request that a proxy
    brought over http is redirected; one that comes from this machine itself is not (health checks,
    and commands that use the site's pages).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.networks, self.unix = settings.TRUSTED_PROXIES

    def __call__(self, request: HttpRequest) -> HttpResponse:
        claims = {
            name: request.META.pop(name) for name in [*request.META] if name.startswith(CLAIMS)
        }
        peer = request.META.get("REMOTE_ADDR", "")
        client, hops = peer, 0
        if self.trusts(peer):
            client, hops = self.client(peer, _words(claims.get("HTTP_X_FORWARDED_FOR", "")))
            if scheme := _scheme(_words(claims.get("HTTP_X_FORWARDED_PROTO", "")), hops):
                request.META["wsgi.url_scheme"] = scheme
        elif claims and settings.REDIRECT_TO_HTTPS:
            _tell_once(peer)
        request.META["REMOTE_ADDR"] = str(address) if (address := as_address(client)) else client
        if (
            settings.REDIRECT_TO_HTTPS
            and not request.is_secure()
            and not _is_own(request, claims)
            and request.path_info not in PROBES
        ):
            return HttpResponsePermanentRedirect(
                f"https://{request.get_host()}{request.get_full_path()}"
            )
        return self.get_response(request)

    def trusts(self, peer: str) -> bool:
        """Whether a peer, named by its address or without one, is a trusted proxy."""
        address = as_address(peer)
        if address is None:
            return self.unix and not peer
        return any(address in network for network in self.networks)

    def client(self, peer: str, chain: list[str]) -> tuple[str, int]:
        """The client's address, and how many proxies stand between it and the nearest one."""
        nearest = peer
        for hops, name in enumerate(reversed(chain)):
            if as_address(name) is None:  # nobody's address: the last one known is the best
                return nearest, max(hops - 1, 0)
            nearest = name
            if not self.trusts(name):
                return nearest, hops
        return nearest, max(len(chain) - 1, 0)


def parsed(names: Collection[str]) -> tuple[list[Network], bool]:
    """The networks of TRUSTED_PROXIES, and whether `unix` is among them."""
    networks = []
    for name in names:
        if name == UNIX:
            continue
        try:
            networks.append(ip_network(name))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES: {error}. Give addresses, networks such as 10.0.0.0/8, or unix."
            ) from None
    return networks, UNIX in names


def as_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it, perhaps with a port; an IPv4 address in IPv6 form is IPv4."""
    if match := WITH_PORT.fullmatch(text):
        text = match["six"] or match["four"]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(100)
def _tell_once(peer: str) -> None:
    """Say why every page redirects to itself, where a proxy is not named."""
    address = as_address(peer)
    if address is None or address.is_private:  # not for whatever strangers write
        log.warning("A proxy at %s says who visitors are: TRUSTED_PROXIES does not name it.", peer)


def _words(header: str) -> list[str]:
    return [word for word in map(str.strip, header.split(",")) if word]


def _scheme(chain: list[str], hops: int) -> str | None:
    """The scheme that the proxy `hops` before the nearest saw, or the farthest that says one."""
    if not chain:
        return None
    scheme = chain[max(len(chain) - 1 - hops, 0)].lower()
    return scheme if scheme in ("http", "https") else None


def _is_own(request: HttpRequest, claims: dict[str, str]) -> bool:
    """Whether this machine itself asks, without a proxy between."""
    address = as_address(request.META["REMOTE_ADDR"])
    return not claims and (address is None or address.is_loopback)
