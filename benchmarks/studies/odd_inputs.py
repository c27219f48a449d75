"""Odd texts, values and bytes, and the forms of a page to put them into: for fuzz.py."""

import copy
import random
from html.parser import HTMLParser
from typing import Any

NUMBERS = (0, -1, 1, 2, 3, 0.5, 1e308, -1e-9, 2**31, 2**63, 10**30, float("nan"), float("inf"))
TEXTS = (
    "", " ", "\0", "'", '"', "\\", "%", "%s", "{}", "<b>", "\n", "\r\n", "\t", "=1+1", "-", "--",
    ".", "..", "/", "/etc/passwd", "../../x", "s3://", "s3://b/k", "http://[", "null", "true",
    "NaN", "1e999", "0x10", "١٢", "é", "e\u0301", "猫", "\u202e", "\ud800", "\U0001f600",
    "a" * 300, "9" * 40, "2026-13-45", "0001-01-01", "[]", "[[" * 200, '{"a": 1}', "admin",
    "n00000000", "000.jpg",
)  # fmt: skip


def odd_text(rng: random.Random, known: list[str]) -> str:
    """A text: from the study, from the list, or some of both."""
    text = rng.choice(known) if known and rng.random() < 0.4 else rng.choice(TEXTS)
    if rng.random() < 0.2:
        other = rng.choice(TEXTS)
        cut = rng.randint(0, len(text))
        text = text[:cut] + other + text[cut:]
    return text[:5_000]


def odd_value(rng: random.Random, known: list[str], depth: int = 0) -> Any:
    """A JSON value."""
    kind = rng.random()
    if kind < 0.45 or depth > 3:
        return odd_text(rng, known)
    if kind < 0.7:
        return rng.choice(NUMBERS)
    if kind < 0.8:
        return rng.choice((None, True, False))
    values = [odd_value(rng, known, depth + 1) for _ in range(rng.randint(0, 3))]
    if kind < 0.9:
        return values
    return {odd_text(rng, known): value for value in values}


def changed(rng: random.Random, value: Any, known: list[str]) -> Any:
    """A JSON value with one of its parts replaced, removed or repeated."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        value = dict(value)
        key = rng.choice(list(value))
        if rng.random() < 0.15:
            del value[key]
        else:
            value[key] = changed(rng, value[key], known)
        return value
    if isinstance(value, list) and value and rng.random() < 0.8:
        value = list(value)
        place = rng.randrange(len(value))
        if rng.random() < 0.2:
            value.insert(place, copy.copy(value[place]))
        else:
            value[place] = changed(rng, value[place], known)
        return value
    return odd_value(rng, known)


def damaged(rng: random.Random, content: bytes, known: list[str]) -> bytes:
    """Bytes with some cut, repeated, flipped or replaced by an odd text."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randint(0, len(content))
        end = min(len(content), start + rng.choice((0, 1, 1, 4, 40)))
        middle = rng.choice(
            (
                b"",
                content[start:end] * 2,
                odd_text(rng, known).encode(errors="surrogatepass"),
                rng.randbytes(rng.randint(1, 4)),
                rng.choice((b"\r", b"\n", b",", b'"', b"\0", b"\xef\xbb\xbf", b"\xff\xfe")),
            )
        )
        content = content[:start] + middle + content[end:]
    return content


class Forms(HTMLParser):
    """The forms of a page: their address, method and fields with what stands in them."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__()
        self.address, self.forms = address, []
        self._open = ""  # the name of the select or textarea that is being read
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = (attributes.get("action") or self.address).split("#")[0]
            self.forms.append((action, attributes.get("method", "get").lower(), {}))
        elif (
            tag in ("input", "select", "textarea", "button") and self.forms and "name" in attributes
        ):
            fields = self.forms[-1][2]
            value: Any = attributes.get("value", "")
            if attributes.get("type") == "file":
                value = b""
            if attributes.get("type") in ("checkbox", "radio") and "checked" not in attributes:
                fields.setdefault(attributes["name"], "")
            else:
                fields[attributes["name"]] = value
            self._open = attributes["name"] if tag in ("select", "textarea") else ""
        elif tag == "option" and self._open:
            fields = self.forms[-1][2]
            if "selected" in attributes or not fields[self._open]:
                fields[self._open] = attributes.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._open and self.lasttag == "textarea":
            self.forms[-1][2][self._open] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self._open = ""
