"""Reads a HIT's page as a browser shows it: its form, fieldsets, pictures, labels and controls."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import httpx


@dataclass
class Option:
    """A checkbox or radio button, with the words of its label, and the definition beside it."""

    name: str
    value: str
    words: str = ""
    definition: str = ""
    picture: str = ""  # the address of the picture in the same row


@dataclass
class Question:
    """A fieldset: what it asks about, its picture where it has one of its own, its options."""

    words: str = ""
    definition: str = ""
    picture: str = ""
    options: list[Option] = field(default_factory=list)

    def named(self, prefix: str) -> list[Option]:
        """The options whose field's name starts with `prefix`."""
        return [option for option in self.options if option.name.startswith(prefix)]


@dataclass
class Worksheet:
    """The form with the questions: where it is sent ("": the page's own address), its fields."""

    action: str
    hidden: list[tuple[str, str]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    kind: str = ""  # its class
    buttons: list[tuple[str, str]] = field(default_factory=list)  # those with a name


def worksheet(html: str) -> Worksheet | None:
    """The form of a HIT's page, or None where the page has none to fill in."""
    return next((form for form in _forms(html) if form.questions), None)


def begin_form(html: str) -> Worksheet | None:
    """The form of a campaign's page that begins work, or None where the page offers none."""
    return next((form for form in _forms(html) if form.kind == "begin"), None)


def consent_form(html: str) -> Worksheet | None:
    """The form that asks whether a worker agrees, "I agree" the first of its buttons; or None."""
    return next((form for form in _forms(html) if form.kind == "consent"), None)


def way_on(html: str) -> Worksheet | None:
    """The form by which a worker goes on after a practice, or None."""
    return next((form for form in _forms(html) if form.kind == "go-on"), None)


def problem_on(html: str) -> str | None:
    """The first thing that is wrong with the form that was sent, or None if it was taken."""
    found = re.search(r'id="problems"[^>]*>\s*<h2>[^<]*</h2>\s*<ul>\s*<li>(.*?)</li>', html)
    return unescape(re.sub("<[^>]*>", "", found[1])) if found else None


def link_on(html: str) -> str:
    """Where a page that says what became of some work leads on; "": nowhere."""
    found = re.search(r'<a class="button" href="([^"]+)"', html)
    return unescape(found[1]) if found else ""


def is_thanks(page: httpx.Response) -> bool:
    """Whether the site has taken what was sent: it leads on, or thanks."""
    return page.status_code == 200 and problem_on(page.text) is None


def _forms(html: str) -> list[Worksheet]:
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.forms


class _Parser(HTMLParser):
    """Follows the tags; a row is a list item inside a fieldset."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Worksheet] = []
        self._question: Question | None = None
        self._row: list[Option] | None = None
        self._row_picture = ""
        self._ids: dict[str, Option] = {}
        self._marks: list[tuple[str, str]] = []  # open (tag, what its text is)
        self._label: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        classes = attributes.get("class", "").split()
        if tag == "form":
            self.forms.append(
                Worksheet(attributes.get("action", ""), kind=attributes.get("class", ""))
            )
        elif tag == "fieldset" and self.forms:
            self._question = Question()
            self.forms[-1].questions.append(self._question)
        elif tag == "li":
            self._row, self._row_picture = [], ""
        elif tag == "input":
            self._input(attributes)
        elif tag == "button" and self.forms and "name" in attributes:
            self.forms[-1].buttons.append((attributes["name"], attributes.get("value", "")))
        elif tag == "img":
            self._image(attributes.get("src", ""))
        elif tag == "label":
            self._label = attributes.get("for")
        for what in ("label-name", "definition"):
            if what in classes:
                self._marks.append((tag, what))

    def handle_endtag(self, tag: str) -> None:
        if self._marks and self._marks[-1][0] == tag:
            self._marks.pop()
        if tag == "fieldset":
            self._question = None
        elif tag == "li":
            self._row = None
        elif tag == "label":
            self._label = None

    def handle_data(self, data: str) -> None:
        if self._question is None or not self._marks:
            return
        what = "words" if self._marks[-1][1] == "label-name" else "definition"
        if self._row is None:
            places: list = [self._question]
        elif what == "words":
            places = [self._ids[self._label]] if self._label in self._ids else []
        else:
            places = self._row
        for place in places:
            setattr(place, what, getattr(place, what) + data)

    def _input(self, attributes: dict[str, str]) -> None:
        if not self.forms or "disabled" in attributes:
            return
        name, value = attributes.get("name", ""), attributes.get("value", "on")
        if attributes.get("type") == "hidden":
            self.forms[-1].hidden.append((name, value))
        elif attributes.get("type") in ("checkbox", "radio") and self._question is not None:
            option = Option(name, value, picture=self._row_picture)
            self._question.options.append(option)
            self._ids[attributes.get("id", "")] = option
            if self._row is not None:
                self._row.append(option)

    def _image(self, address: str) -> None:
        if self._row is not None:
            self._row_picture = address
            for option in self._row:
                option.picture = address
        elif self._question is not None:
            self._question.picture = address
