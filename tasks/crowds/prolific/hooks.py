"""Prolific's hooks: its word that something has changed only makes the next sync come sooner.

Polling suffices by itself, so whatever goes wrong here is left alone, and an event that comes twice
or out of order asks for one more sync at most.
"""

import base64
import hashlib
import hmac
import json
import logging
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

log = logging.getLogger(__name__)
PATH = "/hooks/prolific/"
SECRET = "X-Hook-Secret"
EVENTS = ("submission.status.change", "study.status.change")
FRESH = 300  # seconds that an event may be old, or ahead
LONGEST = 200  # characters of a secret
MOST_OFFERED = 8  # secrets that wait to be tried


def keep_hooks(campaign: Campaign) -> None:
    """Subscribe to the workspace's events, and confirm what was subscribed; errors do not matter.

    Prolific tells https addresses alone, a rehearsal those of this machine.
    """
    account = account_of(campaign)
    if account is None:
        return
    if wrong := wrong_address():
        log.warning(wrong)
        return
    hook, _ = Hook.objects.get_or_create(workspace=account.workspace)
    if hook.confirmed:
        return
    with suppress(CrowdError, AttributeError, LookupError, TypeError):  # or an unknown answer
        api = client()
        _keep_secret(api, hook)
        for event in EVENTS:
            if not hook.confirmations.get(event):
                _subscribe(api, hook, event)
        hook.confirmed = all(hook.confirmations.get(event) for event in EVENTS)
        hook.save(update_fields=["confirmed"])


def wrong_address() -> str:
    """Why Prolific could tell the site nothing, as a sentence; "": it can."""
    address = settings.PUBLIC_URL
    here = is_loopback(settings.PROLIFIC_API_URL) and is_loopback(address)
    if here or address.startswith("https://"):
        return ""
    return (
        f"Prolific's hooks need https, and PUBLIC_URL is {address or 'not set'}: no hook is asked"
        " for, and syncs come every few minutes."
    )


def _keep_secret(api: Client, hook: Hook) -> None:
    """Take over the workspace's secret, or make one where there is none: a new one ends the old."""
    if hook.secret:
        return
    listed = api.read("/hooks/secrets/", workspace_id=hook.workspace).get("results") or []
    secrets = [row["value"] for row in listed if row.get("value")]
    if not secrets:
        made = api.send("POST", "/hooks/secrets/", {"workspace_id": hook.workspace})
        secrets = [made["value"]]
    hook.secret = secrets[-1]
    hook.save(update_fields=["secret"])


def _subscribe(api: Client, hook: Hook, event: str) -> None:
    """Subscribe to one kind of event, unless an earlier call did, and confirm it.

    The secret that confirms comes as a header of the answer. Where it came to our address instead,
    or was lost with the answer, those that came are tried, and else the next call makes another.
    """
    target = settings.PUBLIC_URL + PATH
    path = "/hooks/subscriptions/"
    known = _of(event, target, api.read(path, workspace_id=hook.workspace))
    if any(row.get("is_enabled") for row in known):
        _confirmed(hook, event)
        return
    for secret in hook.offered:
        for row in known:
            if _confirm(api, row["id"], secret):
                _confirmed(hook, event)
                return
    body = {"workspace_id": hook.workspace, "event_type": event, "target_url": target}
    made = _of(event, target, api.send("POST", path, body))[-1]
    hook.subscriptions[event] = made["id"]
    hook.save(update_fields=["subscriptions"])
    secret = api.header(SECRET)
    if secret and _confirm(api, made["id"], secret):
        _confirmed(hook, event)


def _of(event: str, target: str, answer: Any) -> list[dict[str, Any]]:
    """The subscriptions in an answer to that address: one, or a list as the API's file has it."""
    rows = answer.get("results", [answer])
    return [row for row in rows if (row["event_type"], row["target_url"]) == (event, target)]


def _confirm(api: Client, subscription: str, secret: str) -> bool:
    try:
        api.send("POST", f"/hooks/subscriptions/{subscription}/", {"secret": secret})
    except RequestRefused:
        return False
    return True


def _confirmed(hook: Hook, event: str) -> None:
    hook.confirmations[event] = True
    hook.save(update_fields=["confirmations"])


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
