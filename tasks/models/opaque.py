"""Opaque ids for what a worker's page shows: nothing in them tells what an item is (rule L7).

An id is an HMAC over the assignment's token, derived each time and never stored: two workers
never see the same id for an item, and no id reveals a position, a label or a control.
"""

import base64
import hashlib
import hmac
from functools import cache

from django.conf import settings

SALT = "tasks.sheets"  # part of every id that a page or a marketplace holds: it must never change


def opaque(key: str, *what: object) -> str:
    """A short id (60 bits) of something on the page of the assignment with that key."""
    text = "\0".join([key, *map(str, what)])
    digest = hmac.digest(_secret(settings.IDS_KEY), text.encode(), "sha256")
    return "i" + base64.b32encode(digest[:10])[:12].decode().lower()


@cache
def _secret(key: str) -> bytes:
    """The ids' key: derived once, as Django's salted_hmac would for every call."""
    return hashlib.sha256(f"{SALT}{key}".encode()).digest()
