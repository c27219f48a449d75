"""Reads the address of the server that sends the site's mails: EMAIL_URL.

Raises ValueError with the rest of a sentence that begins with the variable's name; no sentence
shows a password.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from annotation.serving.server_addresses import check_characters

SMTP = "smtp+tls://USER:PASSWORD@HOST:587?from=look@example.org"
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed in, and who they come from ("": second-look at the site's host)."""

    host: str
    port: int
    user: str
    password: str
    starts_tls: bool
    is_tls: bool
    sender: str


def mail_server(url: str) -> MailServer:
    """smtp+tls:// turns to TLS before anything is said, smtps:// begins with it."""
    address, _, query = url.partition("?")
    scheme = address.partition("://")[0].lower()
    if "://" not in address or scheme not in PORTS:
        raise ValueError(f"is no address of a mail server: give {SMTP}, smtps://... or smtp://...")
    check_characters(address)
    options = parse_qs(query)
    try:
        parts = urlsplit(address)
        port = parts.port or PORTS[scheme]
    except ValueError:
        raise ValueError(f"has a port that is not 1 to 65535: give {SMTP}") from None
    if not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"cannot be read: give {SMTP}")
    if unknown := options.keys() - {"from"}:
        raise ValueError(f"has the option {min(unknown)}, where it takes from alone: give {SMTP}")
    user = unquote(parts.username or "")
    sender = options.get("from", [user if ADDRESS.fullmatch(user) else ""])[0]
    if sender and not ADDRESS.fullmatch(sender):
        raise ValueError(f"says from={sender}: give a mail address such as look@example.org")
    return MailServer(
        parts.hostname,
        port,
        user,
        unquote(parts.password or ""),
        starts_tls=scheme == "smtp+tls",
        is_tls=scheme == "smtps",
        sender=sender,
    )
