"""How the site knows its own rehearsal, where no money moves: by a proof, never by an address.

Any program may listen at an address, today or after a restart. The rehearsal answers a challenge
under this site's SECRET_KEY, which a marketplace of somebody else's does not have.
"""

import secrets
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from django.utils.crypto import constant_time_compare, salted_hmac

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PROOF = "/rehearsal/proof"  # GET, with the challenge as its query
PATIENCE = 3.0  # seconds


def is_loopback(address: str) -> bool:
    """Whether an address is on this machine."""
    return urlsplit(address).hostname in LOOPBACK


def proof_of(challenge: str) -> str:
    """What this site's rehearsal answers to a challenge."""
    return salted_hmac("tasks.crowds.rehearsals", challenge, algorithm="sha256").hexdigest()


def is_rehearsal(address: str) -> bool:
    """Whether this site's rehearsal answers at the address now; it serves this machine alone."""
    parts = urlsplit(address)
    if parts.scheme != "http" or not is_loopback(address):
        return False
    challenge = secrets.token_urlsafe()
    try:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        with closing(connection):
            connection.request("GET", f"{PROOF}?{challenge}")
            answer = connection.getresponse().read(len(proof_of(challenge)))
    except (OSError, HTTPException, ValueError):
        return False
    return constant_time_compare(answer, proof_of(challenge))
