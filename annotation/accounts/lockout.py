"""After too many wrong passwords for a user from one address: 429, and when to try again.

django-axes counts them in the database before the next password is hashed, whether or not there is
such a user. Other addresses still get in, and a right password resets nothing.
"""

import ipaddress
import math

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone


def address_of(request: HttpRequest) -> str:
    """The client's IPv4 address, or its IPv6 /64, which one customer holds whole."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a Unix socket
        return "0.0.0.0"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed[:8] + bytes(8), 64)).network_address)


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, str] | None
) -> HttpResponse:
    """The page in place of a refused login's."""
    attempts = AccessAttempt.objects.filter(
        username=(credentials or {}).get("username"), ip_address=address_of(request)
    )
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    seconds = max(
        1, math.ceil((last + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds())
    )
    context = admin.site.each_context(request) | {
        "title": "Too many wrong passwords",
        "minutes": math.ceil(seconds / 60),
    }
    page = render(request, "accounts/locked_out.html", context, status=429)
    page["Retry-After"] = str(seconds)
    page["Cache-Control"] = "no-store"
    return page
