"""Reads the addresses of Postgres and of the queue: DATABASE_URL and REDIS_URL.

Raises ValueError with the rest of a sentence that begins with the variable's name; no sentence
shows a password, or a part of what may be one.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import psycopg2
from psycopg2.extensions import parse_dsn
from redis.connection import parse_url

POSTGRES = "postgres://USER:PASSWORD@HOST:5432/NAME"
REDIS = "redis://:PASSWORD@HOST:6379/0"
PARTS = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT", "dbname": "NAME"}
# As SQLAlchemy's users write them; the driver is the site's to choose.
DRIVER = re.compile(r"^(?:postgres(?:ql)?|psql|pgsql)(?:\+\w+)?://", re.I)
ENCODE = (
    "has a character in its user name or password that means something in an address: write it"
    " percent-encoded (@ as %40, / as %2F, # as %23, % as %25, ? as %3F, [ as %5B, ] as %5D)"
)


def database(url: str) -> dict[str, Any]:
    """Django's settings of a Postgres, as libpq reads its address."""
    if not DRIVER.match(url):
        scheme = url.partition("://")[0]
        what = (
            f"begins with {scheme}://"
            if re.fullmatch(r"[\w+.-]+", scheme) and scheme != url
            else "is no address"
        )
        raise ValueError(f"{what}: the site keeps its data in Postgres; give {POSTGRES}")
    url = DRIVER.sub("postgresql://", url)
    check_characters(url)
    try:
        parts = parse_dsn(url)
    except psycopg2.ProgrammingError:
        known = _unknown_option(url)
        raise ValueError(
            f"has the option {known}, which libpq does not know"
            if known
            else f"cannot be read: give {POSTGRES}"
        ) from None
    if not parts.get("dbname"):
        raise ValueError(f"names no database: give {POSTGRES}")
    ports = parts.get("port", "")
    if not all(_is_port(port) for port in ports.split(",") if port):
        raise ValueError(f"has a port that is not 1 to 65535: give {POSTGRES}")
    settings = {key: parts.pop(name, "") for name, key in PARTS.items()}
    return {"ENGINE": "django.db.backends.postgresql", **settings, "OPTIONS": parts}


def queue(url: str) -> str:
    """The address of a Redis or Valkey, as redis-py takes it."""
    if not re.match(r"(rediss?|unix)://", url):
        raise ValueError(f"is no address of a Redis: give {REDIS}, rediss://... or unix:///PATH")
    check_characters(url)
    try:
        parts = urlsplit(url)
        assert parts.port != 0
        parse_url(url)
    except (ValueError, AssertionError):
        raise ValueError(f"cannot be read: give {REDIS}") from None
    if parts.scheme == "unix" and not parts.path.strip("/"):
        raise ValueError("names no socket: give unix:///PATH")
    if parts.scheme != "unix" and not re.fullmatch(r"/?\d*", parts.path):
        raise ValueError(f"must end in the number of a database: give {REDIS}")
    return url


def broker(url: str) -> str:
    """The same queue's address as Celery takes it."""
    address, _, query = url.partition("?")
    options = dict(parse_qsl(query))
    if address.startswith("unix://"):
        address = address.replace("unix://", "redis+socket://", 1)
        if "db" in options:
            options["virtual_host"] = options.pop("db")
    elif address.startswith("rediss://"):  # as redis-py does; kombu believes any certificate
        options.setdefault("ssl_cert_reqs", "required")
    return f"{address}?{urlencode(options)}" if options else address


def check_characters(url: str) -> None:
    """Refuse an address that a raw character of its password would part at the wrong place."""
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(authority) :]
    who, at, _ = authority.rpartition("@")
    if (
        "@" in who
        or "@" in behind.partition("?")[0]
        or (not at and "@" in behind)
        or "#" in behind
        or re.search(r"[\[\]\s]", who)
        or re.search(r"%(?![0-9A-Fa-f]{2})", rest)
        or "\ufffd" in unquote(rest)  # what follows a raw % looked like two digits, but is no text
    ):
        raise ValueError(ENCODE)


def _unknown_option(url: str) -> str:
    """The first option that libpq does not know, "" if it knows them all."""
    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        try:
            parse_dsn(f"postgresql:///?{urlencode({name: ''})}")
        except psycopg2.ProgrammingError:
            return name
    return ""


def _is_port(text: str) -> bool:
    return text.isdigit() and 0 < int(text) < 65536
