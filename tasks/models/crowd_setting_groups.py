"""The settings of the crowd that have parts: a panel, Prolific and MTurk's qualifications.

Like the declaration that they belong to (crowd_settings.py), pure data.
"""

import re
from collections.abc import Mapping
from typing import Any

from tasks.models.id_patterns import wrong_with
from tasks.models.prolific_filters import SCHEMA, wrong_filters
from tasks.models.setting_types import (
    NOT_SET,
    Choice,
    Flag,
    Foreign,
    Group,
    ListOf,
    Problem,
    Setting,
    Text,
    Whole,
)


def _codes_lead_somewhere(panel: Mapping[str, Any]) -> Problem | None:
    holds_code = "{code}" in panel["completion_url"]
    for name, code in panel["codes"].items():
        if holds_code and code == "":
            return f"codes.{name}", "The completion address holds {code}: give one, or null."
    return None


def _pattern_can_be_used(panel: Mapping[str, Any]) -> Problem | None:
    wrong = wrong_with(panel["id_pattern"] or "")
    return ("id_pattern", wrong) if wrong else None


def _ids_match(panel: Mapping[str, Any]) -> Problem | None:
    pattern, ids = panel["id_pattern"], panel["ids"]
    if pattern is None or ids is None or _pattern_can_be_used(panel):
        return None
    odd = next((each for each in ids if not re.fullmatch(pattern, each)), None)
    return None if odd is None else ("ids", f"{odd} does not match id_pattern.")


def _address_is_one(panel: Mapping[str, Any]) -> Problem | None:
    address = panel["completion_url"]
    if not re.match(r"https?://[^/\s{}]+(/|$)", address):
        return "completion_url", "It must begin with https:// and a host."
    left = re.sub(r"\{(id|session|code)\}", "", address)
    if "{" in left or "}" in left:
        return "completion_url", "In braces it can only hold {id}, {session} and {code}."
    return None


def _session_is_known(panel: Mapping[str, Any]) -> Problem | None:
    if "{session}" in panel["completion_url"] and not panel["session_param"]:
        return "session_param", "The completion address holds {session}: say what brings it."
    if panel["session_param"] == panel["id_param"]:
        return "session_param", "The id has that name already."
    return None


def _names_are_free(panel: Mapping[str, Any]) -> Problem | None:
    for name in ("id_param", "session_param"):
        if panel[name] in OUR_PARAMETERS:
            return name, f"{panel[name]} has a meaning of its own in the site's addresses."
    return None


PARAMETER = Text(50)
OUR_PARAMETERS = ("after", "lang", "nothing", "panel-worker", "visit")
OUTCOMES = ("done", "screened_out", "no_consent", "no_work")
OUTCOME_TITLES = {
    "done": ("Done", "Of whoever did a session, or the part of it for which there was work."),
    "screened_out": ("Screened out", "Of whoever did not pass the practice."),
    "no_consent": ("No consent", "Of whoever did not agree to the consent text."),
    "no_work": ("No work", "Of whoever came when there was no work for them."),
}
PANEL_CODES = Group(
    "PanelCodes",
    "What stands for {code} in the completion address, by outcome, or that outcome's whole address."
    " Null: people are not led back.",
    tuple(
        Setting(name, title, Text(500, blank=name == "done"), about, default=default, null=True)
        for name, (title, about) in OUTCOME_TITLES.items()
        for default in ["" if name == "done" else None]
    ),
)
PANEL = Group(
    "Panel",
    "How a panel sends people, and where they go back to.",
    (
        Setting(
            "id_param", "Parameter of the id", PARAMETER, "What names a person in the address."
        ),
        Setting(
            "session_param",
            "Parameter of the session",
            PARAMETER,
            "What names the session in the address. Null: nothing does, and each person has one.",
            default=None,
            null=True,
        ),
        Setting(
            "completion_url",
            "Completion address",
            Text(1000),
            "Where people go back to. It may hold {id}, {session} and {code}.",
        ),
        Setting(
            "codes",
            "Codes",
            PANEL_CODES,
            "What stands for {code} by outcome. A code that begins with https:// is that outcome's"
            " whole address.",
            default=PANEL_CODES.defaults(),
        ),
        Setting(
            "id_pattern",
            "Pattern of the ids",
            Text(200),
            "A regular expression that a whole id must match. Null: any id is taken.",
            default=None,
            null=True,
        ),
        Setting(
            "ids",
            "Ids",
            ListOf(Text(200), empty=False, distinct=True),
            "Who may come. Null: whoever has an id, even an invented one.",
            default=None,
            null=True,
        ),
    ),
    (
        *(_address_is_one, _session_is_known, _names_are_free, _codes_lead_somewhere),
        *(_pattern_can_be_used, _ids_match),
    ),
)


FILTERS = Foreign(
    "a list of Prolific's filters",
    wrong_filters,
    SCHEMA,
)
DEVICES = {"desktop": "desktop", "tablet": "tablet", "mobile": "mobile"}
WARNINGS = {"sensitive": "sensitive", "explicit": "explicit"}
APPROVE = {
    "review": "after review, by the next sync",
    "at_once": "by Prolific, as soon as somebody comes back with the code",
}
PARTIAL = {
    "pay": "is paid by a bonus, and counts",
    "discard": "is set free, and not paid",
}
PROLIFIC = Group(
    "Prolific",
    "How the campaign stands at Prolific.",
    (
        Setting(
            "project",
            "Project",
            Text(64),
            "The id of the project there that holds its studies and pays. Null: the token's only"
            " workspace.",
            default=None,
            null=True,
        ),
        Setting(
            "filters",
            "Filters",
            FILTERS,
            "Who may take part: filters in Prolific's form, all of which a person must pass. A"
            " group of them has filter_id and or or, and selected_filters.",
            default=[],
        ),
        Setting(
            "device_compatibility",
            "Devices",
            ListOf(Choice(DEVICES), empty=False, distinct=True),
            "What the study can be done on. Null: any device.",
            default=None,
            null=True,
        ),
        Setting(
            "content_warnings",
            "Content warnings",
            ListOf(Choice(WARNINGS), longest=1),
            "What Prolific tells participants before they come; content_warning says more.",
            default=[],
        ),
        Setting(
            "approve",
            "Approval",
            Choice(APPROVE),
            "When a session that was done is approved, and so paid.",
            default="review",
        ),
        Setting(
            "partial",
            "Partial work",
            Choice(PARTIAL),
            "What becomes of the finished HITs of somebody who returns a session or times out.",
            default="pay",
        ),
        Setting(
            "secure_url",
            "Secure address",
            Flag(),
            "Prolific signs the address; only certain workspaces can.",
            default=False,
        ),
    ),
)


def _values_suit_comparator(qualification: Mapping[str, Any]) -> Problem | None:
    comparator = qualification["Comparator"]
    values = [name for name in ("IntegerValues", "LocaleValues") if name in qualification]
    if comparator in ("Exists", "DoesNotExist"):
        return (values[0], f"Cannot be given with {comparator}.") if values else None
    if len(values) != 1:
        return "Comparator", f"{comparator} needs IntegerValues or LocaleValues."
    return None


LOCALE = Group(
    "Locale",
    "A country, and in the US a state.",
    (
        Setting("Country", "Country", Text(2)),
        Setting("Subdivision", "State", Text(2), default=NOT_SET),
    ),
)
COMPARATORS = (
    *("LessThan", "LessThanOrEqualTo", "GreaterThan", "GreaterThanOrEqualTo", "EqualTo"),
    *("NotEqualTo", "Exists", "DoesNotExist", "In", "NotIn"),
)
GUARDED = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")
QUALIFICATION = Group(
    "Qualification",
    "Who may take the work, in the form of MTurk's QualificationRequirement.",
    (
        Setting("QualificationTypeId", "Type", Text(64)),
        Setting("Comparator", "Comparator", Choice({word: word for word in COMPARATORS})),
        Setting(
            "IntegerValues",
            "Numbers",
            ListOf(Whole(None, None), longest=15, empty=False),
            default=NOT_SET,
        ),
        Setting("LocaleValues", "Places", ListOf(LOCALE, longest=30, empty=False), default=NOT_SET),
        Setting("RequiredToPreview", "Required to preview", Flag(), default=NOT_SET),
        Setting(
            "ActionsGuarded",
            "Actions guarded",
            Choice({word: word for word in GUARDED}),
            default=NOT_SET,
        ),
    ),
    (_values_suit_comparator,),
)
