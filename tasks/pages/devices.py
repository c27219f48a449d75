"""Which device somebody comes with, where a study excludes some: only what their browser says.

A tablet of Apple's says that it is a computer of theirs, and a phone may be told to say that it is
one with Linux: who says nothing clear is let in.
"""

import re
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.crowds import Door, crowd_of
from tasks.models import Campaign
from tasks.models.session import SessionOutcome
from tasks.pages.own_work import own_work
from tasks.pages.session_visits import leaves_without_work
from tasks.pages.sessions import ENDED

MARKS = {
    "tablet": re.compile(r"iPad|Tablet|Android(?!.*Mobile)"),
    "mobile": re.compile(r"iPhone|iPod|Android.*Mobile|Windows Phone"),
    "desktop": re.compile(r"Windows NT|X11; CrOS"),
}
NAMES: Mapping[str, Promise] = {
    "desktop": gettext_lazy("a computer"),
    "tablet": gettext_lazy("a tablet"),
    "mobile": gettext_lazy("a phone"),
}


def device_of(user_agent: str) -> str:
    """The kind of device that a browser names clearly; "" where it does not.

    >>> device_of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148")
    'mobile'
    >>> device_of("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15")
    ''
    """
    return next((kind for kind, mark in MARKS.items() if mark.search(user_agent)), "")


def is_excluded(request: HttpRequest, campaign: Campaign) -> bool:
    """Whether the visitor's device is clearly none of those that the study allows."""
    allowed = crowd_of(campaign).devices(campaign)
    device = device_of(request.headers.get("User-Agent", "")) if allowed else ""
    return bool(device) and device not in allowed


def tell_of_device(request: HttpRequest, campaign: Campaign, door: Door) -> HttpResponse:
    """Why there is no work on this device, where there is, and how to leave."""
    allowed = crowd_of(campaign).devices(campaign)
    devices = _(" or ").join(str(name) for kind, name in NAMES.items() if kind in allowed)
    text = _(
        "This study needs {devices}, so we have no work for you on this device. If you have one at"
        " hand, open the study there instead, from where you were offered it."
    )
    context = {
        "campaign": campaign,
        "heading": ENDED[SessionOutcome.DEVICE].heading,
        "text": text.format(devices=devices),
        "farewell": leaves_without_work(request, campaign, door, SessionOutcome.DEVICE),
        "own": own_work([], campaign)[campaign.pk],
    }
    return render(request, "tasks/session_ended.html", context)
