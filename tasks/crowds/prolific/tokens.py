"""The JWT by which Prolific vouches for whoever it sends, where the workspace signs addresses."""

import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
from django.conf import settings

from tasks.crowds import CrowdError
from tasks.crowds.prolific.client import Client, client
from tasks.crowds.prolific.described import PARTICIPANT, SESSION, STUDY
from tasks.crowds.prolific.money import account_of
from tasks.models import Campaign

if TYPE_CHECKING:
    from tasks.crowds.prolific.visiting import Visitor

KEPT, AGAIN = 3600.0, 60.0  # seconds: how long keys are kept; how often an unknown one is looked up
LEEWAY = 10  # seconds between two clocks
LONGEST = 8000  # characters


class Forged(Exception):
    """A token that Prolific did not make for this visit."""


def vouched_by_token(token: str, visitor: "Visitor", campaign: Campaign) -> bool:
    """Whether the token vouches for the visit; False: it has expired, or no key can be had.

    Raises Forged for any other token that does not: a wrong signature, address, session,
    participant, study or workspace.
    """
    try:
        claims = _read(token)
    except jwt.ExpiredSignatureError:
        return False
    except CrowdError:
        return False
    except jwt.InvalidTokenError as error:
        raise Forged(str(error)) from None
    named = claims.get("prolific")
    account = account_of(campaign)
    expected = {
        PARTICIPANT: visitor.participant,
        STUDY: visitor.study,
        SESSION: visitor.session,
        **({"workspace_id": account.workspace} if account is not None else {}),
    }
    right = isinstance(named, dict) and all(named.get(k) == v for k, v in expected.items())
    if not right or claims["sub"] != visitor.session or not _is_for(claims["aud"], campaign):
        raise Forged("it is for another visit")
    return True


def _read(token: str) -> dict[str, Any]:
    """The claims of a token that Prolific signed and that has not expired."""
    if len(token) > LONGEST:
        raise jwt.InvalidTokenError("too long")
    key = _key(str(jwt.get_unverified_header(token).get("kid")))
    if key is None:
        raise jwt.InvalidTokenError("signed by a key that Prolific does not publish")
    required = ["exp", "aud", "sub"]
    return jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        leeway=LEEWAY,
        options={"require": required, "verify_aud": False},
    )


def _is_for(audience: Any, campaign: Campaign) -> bool:
    """Whether the audience is the campaign's address here, whatever parameters it has."""
    named = audience if isinstance(audience, list) else [audience]
    here = urlsplit(f"{settings.PUBLIC_URL}/tasks/{campaign.public_id}/")
    for address in named:
        parts = urlsplit(str(address))
        same_site = (parts.scheme, parts.netloc) == (here.scheme, here.netloc)
        if same_site and parts.path.rstrip("/") in ("", here.path.rstrip("/")):
            return True
    return False


class _Keys:
    """Prolific's public keys by their id, read anew after an hour or when one is unknown."""

    def __init__(self) -> None:
        self.read_at = -KEPT
        self.by_id: dict[str, Any] = {}


_keys: dict[str, _Keys] = {}
_lock = threading.Lock()


def _key(kid: str) -> Any:
    """The key of that id, None if Prolific publishes none. Raises CrowdError."""
    api = client()
    with _lock:
        keys = _keys.setdefault(api.address, _Keys())
        age = time.monotonic() - keys.read_at
        if age > KEPT or (kid not in keys.by_id and age > AGAIN):
            keys.by_id = _published(api)
            keys.read_at = time.monotonic()
        return keys.by_id.get(kid)


def _published(api: Client) -> dict[str, Any]:
    try:
        found = jwt.PyJWKSet.from_dict(api.keys())
    except (jwt.PyJWTError, TypeError, AttributeError) as error:
        raise CrowdError(f"Prolific's public keys cannot be read: {error}") from None
    return {str(key.key_id): key.key for key in found.keys if key.key_type == "RSA"}
