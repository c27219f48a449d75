"""Prolific's hooks: its word that something has changed only makes the next sync come sooner.

Polling suffices by itself, so whatever goes wrong here is left alone, and an event that comes twice
or out of order asks for one more sync at most.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare

from tasks.crowds import CrowdError
from tasks.crowds.prolific.client import Client, RequestRefused, client
from tasks.crowds.prolific.models import Hook, Study
from tasks.crowds.prolific.money import account_of
from tasks.crowds.rehearsals import is_loopback
from tasks.models import Campaign, Session

PATH = "/hooks/prolific/"
EVENTS = ("submission.status.change", "study.status.change")
FRESH = 300  # seconds that an event may be old
LONGEST = 200  # characters of a secret
MOST_OFFERED = 8  # secrets that wait to be tried


def keep_hooks(campaign: Campaign) -> None:
    """Subscribe to the workspace's events, and confirm what was subscribed; errors do not matter.

    The site must be reached over https, or by a rehearsal on this machine.
    """
    here = is_loopback(settings.PROLIFIC_API_URL)
    account = account_of(campaign)
    if account is None or not (here or settings.PUBLIC_URL.startswith("https://")):
        return
    hook, _ = Hook.objects.get_or_create(workspace=account.workspace)
    if hook.confirmed:
        return
    with suppress(CrowdError):
        api = client()
        if not hook.subscriptions:
            _subscribe(api, hook)
        else:
            _confirm(api, hook)


def _subscribe(api: Client, hook: Hook) -> None:
    """Take over the workspace's secret, or make one where there is none: a new one ends the old."""
    listed = api.read("/hooks/secrets/", workspace_id=hook.workspace).get("results") or []
    secrets = [row["value"] for row in listed if row.get("value")]
    if not secrets:
        made = api.send("POST", "/hooks/secrets/", {"workspace_id": hook.workspace})
        secrets = [made["value"]]
    hook.secret = secrets[-1]
    hook.save(update_fields=["secret"])
    for event in EVENTS:
        body = {
            "workspace_id": hook.workspace,
            "event_type": event,
            "target_url": settings.PUBLIC_URL + PATH,
        }
        made = api.send("POST", "/hooks/subscriptions/", body)
        hook.subscriptions[event] = made["id"]
        hook.save(update_fields=["subscriptions"])


def _confirm(api: Client, hook: Hook) -> None:
    """Try the secrets that came to our address: each confirms the subscription it was made for."""
    for event, subscription in hook.subscriptions.items():
        for secret in hook.offered:
            try:
                path = f"/hooks/subscriptions/{subscription}/"
                api.send("POST", path, {"secret": secret})
            except RequestRefused:
                continue
            hook.confirmations[event] = True
            hook.save(update_fields=["confirmations"])
            break
    hook.confirmed = all(hook.confirmations.get(event) for event in EVENTS)
    hook.save(update_fields=["confirmed"])


def take_secret(secret: str) -> None:
    """Keep a secret that came with a new subscription, until a sync has tried it at Prolific."""
    for hook in Hook.objects.filter(confirmed=False):
        if secret not in hook.offered and len(secret) <= LONGEST:
            hook.offered = [*hook.offered, secret][-MOST_OFFERED:]
            hook.save(update_fields=["offered"])


def is_signed(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether Prolific sent this, a short time ago."""
    stamp = headers.get("X-Prolific-Request-Timestamp", "")
    signature = headers.get("X-Prolific-Request-Signature", "")
    if not re.fullmatch("[0-9]{1,12}", stamp) or abs(time.time() - int(stamp)) > FRESH:
        return False
    secrets = Hook.objects.exclude(secret="").values_list("secret", flat=True)
    return any(constant_time_compare(signature, sign(s, stamp, body)) for s in secrets)


def campaign_told_of(body: bytes) -> Campaign | None:
    """The campaign whose study or submission an event names; None: none of this site's."""
    try:
        event: Any = json.loads(body)
        named = str(event["resource_id"])
    except (ValueError, TypeError, LookupError):
        return None
    studies = Study.objects.filter(market_id=named)
    sessions = Session.objects.filter(key=named, campaign__in=Study.objects.values("campaign"))
    for known in (studies, sessions):
        if (found := known.select_related("campaign").first()) is not None:
            return found.campaign
    return None


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Prolific's signature of an event."""
    digest = hmac.digest(secret.encode(), stamp.encode() + body, hashlib.sha256)
    return base64.b64encode(digest).decode()
