"""A setting as inputs of a form, made from its declaration, and the value that they give.

A group's parts are inputs of their own, named SETTING.PART. What the inputs give is what the API
would take: the API's own fields check it.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from tasks.models.campaign_settings import SETTINGS
from tasks.models.setting_types import (
    REQUIRED,
    Choice,
    Dollars,
    Flag,
    Foreign,
    Group,
    ListOf,
    Named,
    Number,
    Setting,
    Text,
    Type,
    Whole,
    WordOr,
)

ON = "on"  # the input that switches a group on which may be null
WORD = "how"  # the input that chooses between a word, a group and a list
GROUP = "group"  # its answer for a group
LISTED = "listed"  # the input of a list that may stand in place of a word
SLIDER_STEP = "0.01"
FEW = 6  # options up to this number are radio buttons
NO_SWITCH = {"candidates"}  # groups of which null stands for the defaults, not for "off"
IN_A_FORM = (  # what helps say to those who write JSON or commands, and what forms say
    (
        "Their names. Null: every classifier that has predictions at publish.",
        "With all of them ticked, those that predict before it is published count too.",
    ),
    ("Null:", "If empty:"),
    ("Slugs of earlier campaigns", "Earlier campaigns"),
    ("Slugs of campaigns", "Campaigns"),
    ("Codes of the languages in which its pages are shown.", "In which its pages are shown."),
    (' (of a group not named, none), or "all": every image', ""),
    (" (`manage.py invite`)", ""),
    ("`", ""),
)
CHOICE_TITLES = {  # of what may stand in place of each other, by the setting and its value
    ("images", "all"): "all images of the dataset",
    ("images", GROUP): "some of each dataset label",
    ("images", LISTED): "only those listed",
    ("follow_up", "all"): "every image",
    ("follow_up", GROUP): "by group",
}


@dataclass(frozen=True)
class Options:
    """What can be chosen for settings that name something: by path, (value, title)."""

    by_path: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    languages: list[tuple[str, str]] = field(default_factory=list)  # the draft's (code, name)


def fields_for(
    setting: Setting, value: Any, options: Options
) -> dict[str, tuple[forms.Field, Any]]:
    """The inputs of a setting by name: each a form field and its initial value."""
    return dict(_fields(setting.name, setting, value, options, _for_people(setting.help)))


def value_from(setting: Setting, given: Mapping[str, Any], options: Options) -> Any:
    """The setting's value, as JSON holds it, from the inputs' cleaned values."""
    return _value(setting.name, setting, given, options)


def listed(text: str) -> list[str]:
    """Keys that a text lists, one a line or as a JSON list."""
    if text.lstrip().startswith("["):
        with suppress(ValueError):
            return json.loads(text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def as_text(keys: list[str]) -> str:
    """The keys one a line; as a JSON list where lines would not give them back."""
    text = "\n".join(keys)
    return text if listed(text) == keys else json.dumps(keys, ensure_ascii=False)


def part_of(name: str) -> str:
    """Of which choice an input is a part: SETTING.how=VALUE, or "" where it always shows."""
    setting, _, part = name.partition(".")
    declared = SETTINGS[setting].type
    if part in ("", WORD, ON) or isinstance(declared, Text):
        return ""
    if isinstance(declared, WordOr):
        return f"{setting}.{WORD}={LISTED if part == LISTED else GROUP}"
    return f"{setting}.{ON}=on"


Input = tuple[str, tuple[forms.Field, Any]]


def _fields(
    path: str, setting: Setting, value: Any, options: Options, help_text: str
) -> Iterable[Input]:
    declared = setting.type
    title = setting.title
    if isinstance(declared, Group):
        if setting.null and setting.default is None and path not in NO_SWITCH:
            switch = forms.BooleanField(
                label=title,
                required=False,
                help_text=help_text.replace("If empty:", "If off:"),
                widget=UnfoldBooleanSwitchWidget,
            )
            yield f"{path}.{ON}", (switch, value is not None)
        yield from _parts(path, declared, value, options)
    elif isinstance(declared, WordOr):
        yield from _word_or(path, title, declared, value, options, help_text)
    elif _is_spoken(declared, value, options):
        texts = _spoken(value, options)
        for code, language in [*options.languages, *_others(value, options)]:
            named = f"{title} ({language})"
            box = _field(path, declared, named, help_text, options)
            yield f"{path}.{code}", (box, texts.get(code, ""))
    elif path in options.by_path and isinstance(declared, ListOf):
        box = forms.MultipleChoiceField(
            label=title,
            required=False,
            help_text=help_text if options.by_path[path] else f"{help_text} There is none yet.",
            choices=options.by_path[path],
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
        )
        everything = [option for option, _ in options.by_path[path]]
        yield path, (box, everything if value is None else value)
    else:
        box = _field(path, declared, title, help_text, options)
        if isinstance(declared, Number) and declared.most <= 1 and not setting.null:
            box.widget.attrs["data-slider"] = SLIDER_STEP  # guided.js puts a slider beside it
        yield path, (box, _shown(declared, value))


def _is_spoken(declared: Type, value: Any, options: Options) -> bool:
    """Whether a text has an input for each language."""
    if not isinstance(declared, Text) or not declared.by_language:
        return False
    return len(options.languages) > 1 or isinstance(value, Mapping)


def _spoken(value: Any, options: Options) -> Mapping[str, str]:
    """A text by language; one that is given once is in the first language."""
    return value if isinstance(value, Mapping) else {options.languages[0][0]: value or ""}


def _others(value: Any, options: Options) -> list[tuple[str, str]]:
    """Languages that a text is given in, and that the draft's pages are not shown in."""
    shown = {code for code, _ in options.languages}
    return (
        [(code, code) for code in value if code not in shown] if isinstance(value, Mapping) else []
    )


def _parts(path: str, group: Group, value: Any, options: Options) -> Iterable[Input]:
    values = group.defaults() | (dict(value) if isinstance(value, Mapping) else {})
    for part in group.parts:
        help_text = _for_people(part.help)
        given = values.get(part.name)
        given = None if given is REQUIRED else given
        yield from _fields(f"{path}.{part.name}", part, given, options, help_text)


def _for_people(text: str) -> str:
    """A setting's help without the words of JSON and of commands."""
    for other, word in IN_A_FORM:
        text = text.replace(other, word)
    return text


def _word_or(
    path: str, title: str, declared: WordOr, value: Any, options: Options, help_text: str
) -> Iterable[Input]:
    groups = [each for each in declared.types if isinstance(each, Group)]
    lists = [each for each in declared.types if isinstance(each, ListOf)]
    choices = [declared.word, *(GROUP for _ in groups), *(LISTED for _ in lists)]
    chosen = declared.word
    if isinstance(value, Mapping):
        chosen = GROUP
    elif isinstance(value, list):
        chosen = LISTED
    choice = forms.ChoiceField(
        label=title,
        choices=[(each, CHOICE_TITLES.get((path, each), each)) for each in choices],
        help_text=help_text,
        widget=UnfoldAdminRadioSelectWidget,
    )
    yield f"{path}.{WORD}", (choice, chosen)
    for group in groups:
        yield from _parts(path, group, value, options)
    if lists:
        box = forms.CharField(
            label="Images, one key a line",
            required=False,
            widget=UnfoldAdminTextareaWidget({"rows": 4}),
        )
        yield f"{path}.{LISTED}", (box, as_text(value) if isinstance(value, list) else "")


def _field(path: str, declared: Type, title: str, help_text: str, options: Options) -> forms.Field:
    """An input for a plain value; whether it is valid the API's field decides."""
    common: dict[str, Any] = {"label": title, "required": False, "help_text": help_text}
    match declared:
        case Flag():
            return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **common)
        case Whole(least, most):
            bounds: dict[str, Any] = {"min": least, "max": most}
            return forms.CharField(widget=UnfoldAdminIntegerFieldWidget(_given(bounds)), **common)
        case Number(least, most) | Dollars(least, most):
            step = "0.01" if isinstance(declared, Dollars) else "any"
            bounds = {"min": least, "max": most, "step": step}
            return forms.CharField(widget=UnfoldAdminDecimalFieldWidget(_given(bounds)), **common)
        case Choice(words):
            return _choice(list(words.items()), common)
        case Named():
            return _choice(options.by_path.get(path, []), common)
        case Text(lines=True):
            return forms.CharField(widget=UnfoldAdminTextareaWidget({"rows": 5}), **common)
        case ListOf(Text()):
            return forms.CharField(
                widget=UnfoldAdminTextareaWidget({"rows": 4}),
                **{**common, "label": f"{title}, one a line"},
            )
        case Text():
            return forms.CharField(widget=UnfoldAdminTextInputWidget(), **common)
        case _:
            return forms.CharField(
                widget=UnfoldAdminTextareaWidget({"rows": 4}),
                **{**common, "label": f"{title}, as JSON"},
            )


def _given(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in attributes.items() if value is not None}


def _choice(choices: list[tuple[str, str]], common: dict[str, Any]) -> forms.Field:
    few = len(choices) <= FEW
    widget = UnfoldAdminRadioSelectWidget if few else UnfoldAdminSelectWidget
    return forms.ChoiceField(choices=choices, widget=widget, **common)


def _shown(declared: Type, value: Any) -> Any:
    """A stored value as its input shows it."""
    if value is None or isinstance(declared, Flag):
        return value
    if isinstance(declared, ListOf) and isinstance(declared.item, Text):
        return "\n".join(value)
    if isinstance(declared, ListOf | Foreign):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, Decimal):
        return f"{value:f}" if isinstance(declared, Dollars) else f"{value.normalize():f}"
    if isinstance(value, float):
        return f"{value:g}"
    return getattr(value, "slug", value)


def _value(path: str, setting: Setting, given: Mapping[str, Any], options: Options) -> Any:
    declared = setting.type
    if isinstance(declared, Group):
        if f"{path}.{ON}" in given and not given[f"{path}.{ON}"]:
            return None
        return _group(path, declared, given, options)
    if isinstance(declared, WordOr):
        chosen = given.get(f"{path}.{WORD}")
        if chosen == LISTED:
            return listed(given[f"{path}.{LISTED}"])
        if chosen == GROUP:
            group = next(each for each in declared.types if isinstance(each, Group))
            return _group(path, group, given, options)
        return declared.word
    if isinstance(declared, Text) and path not in given:
        texts = {
            name.removeprefix(f"{path}."): text
            for name, text in given.items()
            if name.startswith(f"{path}.") and text
        }
        first = options.languages[0][0]
        if texts.keys() - {first}:
            return texts
        return _plain(declared, setting, texts.get(first))
    value = given.get(path)
    if isinstance(declared, ListOf) and path in options.by_path:
        everything = [option for option, _ in options.by_path[path]]
        return None if setting.null and value == everything else value
    return _plain(declared, setting, value)


def _group(path: str, group: Group, given: Mapping[str, Any], options: Options) -> dict[str, Any]:
    return {part.name: _value(f"{path}.{part.name}", part, given, options) for part in group.parts}


def _plain(declared: Type, setting: Setting, value: Any) -> Any:
    """A typed text as JSON; what is no number stays a text, which the API's field refuses."""
    if isinstance(declared, Flag):
        return bool(value)
    if isinstance(declared, ListOf) and isinstance(declared.item, Text):
        lines = [line.strip() for line in (value or "").splitlines() if line.strip()]
        return lines or (None if setting.null else [])
    if isinstance(declared, ListOf | Foreign):
        if not value:
            return []
        try:
            return json.loads(value)
        except ValueError:
            return value
    if value in (None, ""):
        return None if setting.null else (value or "")
    if isinstance(declared, Whole | Number):
        try:
            return int(value) if isinstance(declared, Whole) else float(value)
        except ValueError:
            return value
    return value
