"""Texts that exist in several languages: which one a page shows, and in which language it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language


class Spoken(str):
    """A text of somebody's own on a page, with the code of its language."""

    language: str

    def __new__(cls, text: str, language: str) -> "Spoken":
        spoken = super().__new__(cls, text)
        spoken.language = language
        return spoken

    @property
    def marked(self) -> SafeString:
        """The attributes of the element that holds it: its direction, its language if another."""
        if self.language == get_language():
            return mark_safe(' dir="auto"')
        return format_html(' lang="{}" dir="auto"', self.language)


def plain_language(translations: Mapping[str, Any], languages: Sequence[str]) -> str:
    """The language of what is given once: the first of a campaign's that has no text of its own.

    >>> plain_language({"de": {"names": ["Katze"]}}, ["de", "en"])
    'en'
    """
    return next((code for code in languages if code not in translations), languages[0])
