"""Texts that exist in several languages: which one a page shows, and in which language it is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
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


def all_languages_of(text: str | dict[str, str] | None, languages: Sequence[str]) -> list[Spoken]:
    """A text in each language that it is given in; given once, it is in the first of `languages`.

    >>> all_languages_of({"de": "Hallo"}, ["en", "de"]), all_languages_of("Hi", ["en", "de"])
    (['Hallo'], ['Hi'])
    """
    if isinstance(text, dict):
        return [Spoken(words, code) for code, words in text.items()]
    return [Spoken(text, languages[0])] if text else []


def in_language(
    text: str | dict[str, str] | None, languages: Sequence[str], code: str | None
) -> Spoken:
    """The text in that language; else in the first of `languages` that it is given in.

    >>> in_language({"de": "Hallo", "fr": "Salut"}, ["en", "de"], "en").language
    'de'
    """
    given = {each.language: each for each in all_languages_of(text, languages)}
    wanted = [each for each in (code, *languages, *given) if each in given]
    return given[wanted[0]] if wanted else Spoken("", languages[0])


class Texts:
    """The texts of a row, each by its name and as a page shows it now."""

    def __init__(self, row: Any, languages: Sequence[str]) -> None:
        self._row, self._languages = row, languages

    def __getattr__(self, name: str) -> Spoken:
        return in_language(getattr(self._row, name), self._languages, get_language())


class SpokenText(models.TextField):
    """A column for a text: one, or an object of one for each language code."""

    def db_type(self, connection: Any) -> str:
        return "jsonb"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(value)

    def get_prep_value(self, value: Any) -> Any:
        return value

    def to_python(self, value: Any) -> Any:
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else connection.ops.adapt_json_value(value, None)
