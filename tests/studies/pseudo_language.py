"""A language for tests in which every translated sentence stands in brackets: «...».

What a page shows outside of them is somebody's own text, or a sentence that nobody can translate.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser

from django.conf import settings
from django.test import override_settings
from django.utils.translation import trans_real

CODE = "xx"
SPOKEN = {"alt", "aria-label", "placeholder", "title"}  # attributes that people read or hear
UNSEEN = {"script", "style"}
VOID = {"br", "hr", "img", "input", "link", "meta"}


class _Brackets(NullTranslations):
    """Translates nothing, but says what it was asked for."""

    def gettext(self, message: str) -> str:
        return f"«{message}»"

    def ngettext(self, one: str, many: str, number: int) -> str:
        return f"«{one if number == 1 else many}»"

    def language(self) -> str:
        return CODE

    def to_language(self) -> str:
        return CODE


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Let the site know the language, for as long as this lasts."""
    # Django forgets all catalogues when this setting changes, and when it changes back.
    with override_settings(LANGUAGES=[*settings.LANGUAGES, (CODE, "Bracketed")]):
        trans_real._translations[CODE] = _Brackets()
        yield


def outside_brackets(text: str) -> str:
    """The text without what stands in brackets, which may stand in each other."""
    while (shorter := re.sub("«[^«»]*»", " ", text)) != text:
        text = shorter
    return text


def unspoken(html: str, *own: str) -> list[str]:
    """Words that a page shows outside of the brackets, but for somebody's `own` texts."""
    parser = _Texts()
    parser.feed(html)
    parser.close()
    left = []
    for text in parser.texts:
        rest = outside_brackets(text)
        for word in sorted(filter(None, own), key=len, reverse=True):
            rest = rest.replace(word, " ")
        left += re.findall(r"[^\W\d_]{2,}[^«»]*", rest)
    return [" ".join(words.split()) for words in left]


class _Texts(HTMLParser):
    """Collects what each block of a page shows; inline elements do not end a sentence."""

    INLINE = {"strong", "span", "kbd", "a", "time", "bdi", "em", "code", "b"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = [""]
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in self.INLINE:
            self.texts.append("")
        for name in SPOKEN & attributes.keys():
            self.texts.insert(-1, attributes[name] or "")
        if tag == "input" and attributes.get("type") == "submit":
            self.texts.insert(-1, attributes.get("value") or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        if tag not in self.INLINE:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if not UNSEEN & set(self._open):
            self.texts[-1] += data
