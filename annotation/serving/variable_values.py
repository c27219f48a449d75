"""What variables of the environment take: each function reads a text or says what is wrong.

Raises ValueError with the rest of a sentence that begins with the variable's name.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

YES = {"1", "true", "t", "yes", "y", "on"}
NO = {"0", "false", "f", "no", "n", "off"}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

Reader = Callable[[str], Any]


def unquoted(text: str) -> str:
    """A value without what an .env file puts around it: spaces, line ends, a pair of quotes."""
    text = text.strip()
    inner = text[1:-1]
    is_quoted = len(text) > 1 and text[0] in "'\"" and text[0] == text[-1]
    return inner.strip() if is_quoted and text[0] not in inner else text


def as_it_stands(text: str) -> str:
    """A secret, to the character."""
    return text


def plain(text: str) -> str:
    """Any text."""
    return text


def flag(text: str) -> bool:
    """Yes or no."""
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise ValueError(f"is {text!r}: give 1 or 0 (or yes, no, true, false, on, off)")


def whole(least: int, most: int | None = None) -> Reader:
    """A whole number within bounds."""
    wanted = (
        f"a whole number, at least {least}"
        if most is None
        else f"a whole number, {least} to {most}"
    )

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else least - 1
        if number < least or (most is not None and number > most):
            raise ValueError(f"is {text!r}: give {wanted}")
        return number

    return read


def positive(text: str) -> float:
    """A number above 0."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) or not (number := float(text)):
        raise ValueError(f"is {text!r}: give a number above 0, such as 2.5")
    return number


def words(text: str) -> list[str]:
    """Several, separated by commas."""
    return [word for word in map(unquoted, text.split(",")) if word]


def sources(text: str) -> list[str]:
    """Sites as a Content-Security-Policy names them; its own words get the quotes they need."""
    return [f"'{word}'" if word in ("self", "none") else word for word in words(text)]


def hosts(text: str) -> list[str]:
    """Host names as Django takes them, separated by commas."""
    return list(_hosts(text))


def site(text: str) -> str:
    """The address of a whole host: https://look.example.org."""
    address = urlsplit(text)
    if address.scheme not in ("http", "https") or not _host_of(text):
        raise ValueError(
            f"is {text!r}: give the address where workers reach this site, with https://"
        )
    if address.path.strip("/") or address.query or address.fragment or "@" in address.netloc:
        raise ValueError(
            "has a path, or more: the site needs a host name of its own, such as"
            f" {address.scheme}://look.example.org, and serves nothing below a path"
        )
    return f"{address.scheme}://{_in_ascii(address.netloc.lower())}"


def endpoint(text: str) -> str:
    """The address of a service, without a slash at its end."""
    if not text.lower().startswith(("http://", "https://")):
        raise ValueError(f"is {text!r}: give an address that begins with https:// or http://")
    if not _host_of(text):
        raise ValueError(f"is {text!r}: check its host and its port")
    return text.rstrip("/")


def endpoints(text: str) -> list[str]:
    """Several of them, separated by commas."""
    return [endpoint(word) for word in words(text)]


def issuer(text: str) -> str:
    """The address of a provider of single sign-on; over http only on this machine."""
    address = endpoint(text)
    if address.startswith("http://") and _host_of(address) not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError(f"is {text!r}: logins need an address that begins with https://")
    return address


def private_api(text: str) -> str:
    """The address of an API that is sent a token; over http only on this machine."""
    address = endpoint(text).removesuffix("/api/v1").rstrip("/")
    if address.startswith("http://") and _host_of(address) not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError(f"is {text!r}: the token needs an address that begins with https://")
    return address


def domains(text: str) -> list[str]:
    """Domains of mail addresses, or `*` for all."""
    named = [word.lower().removeprefix("@") for word in words(text)]
    for word in named:
        if word != "*" and not re.fullmatch(r"[\w-]+(\.[\w-]+)+", word):
            raise ValueError(f"names {word!r}: give domains such as example.org, or * for all")
    return named


def folder(text: str) -> Path:
    """A folder's path; ~ is the home of whoever runs the site."""
    return Path(text).expanduser()


def level(text: str) -> str:
    """One of the levels of logging."""
    if text.upper() not in LEVELS:
        raise ValueError(f"is {text!r}: give one of {', '.join(LEVELS)}")
    return text.upper()


def cdn(text: str) -> str:
    """A host's name alone, perhaps with a port, that browsers reach by https."""
    named = re.sub(r"^https://", "", text, flags=re.IGNORECASE).rstrip("/")
    if "/" in named or not _host_of(f"https://{named}"):
        raise ValueError(f"is {text!r}: give a host's name alone, such as cdn.example.org")
    return named


def _host_of(address: str) -> str:
    """The host of an address, "" if it has none that can be, or a port that is no number."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "") if parts.port != 0 else ""
    except ValueError:
        return ""
    return host if re.fullmatch(r"[\w.-]+|[0-9A-Fa-f:.]+", host) else ""


def _hosts(text: str) -> Iterator[str]:
    for word in words(text):
        if re.search(r"\s", word):
            raise ValueError(f"is {text!r}: separate its names with commas")
        if word.startswith("*."):
            raise ValueError(
                f"names {word!r}: write {word[1:]} for the domain and every host below it"
            )
        alone = _alone(word)
        if alone != word:
            raise ValueError(
                f"names {word!r}, more than a host: give the host's name alone, {alone}"
            )
        if word != "*" and not re.fullmatch(r"\.?[\w.-]+|\[[0-9A-Fa-f:.]+\]", word):
            raise ValueError(
                f"names {word!r}, which is no host: give names such as look.example.org"
            )
        yield _in_ascii(word)


def _alone(word: str) -> str:
    """The host in an address or in host:port."""
    host = re.split(r"[/?#]", re.sub(r"^\w*:?//", "", word), maxsplit=1)[0].rpartition("@")[2]
    if host.count(":") > 1 and not host.startswith("["):
        return f"[{host}]"  # an IPv6 address
    return re.sub(r":\d*$", "", host) if not host.endswith("]") else host


def _in_ascii(host: str) -> str:
    """A host's name as browsers send it: letters of other alphabets in their ASCII form."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"names {host!r}, which is no host") from None
