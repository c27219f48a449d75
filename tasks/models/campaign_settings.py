"""Every setting of a campaign, declared once: what it means, its type, default, bounds and rules.

The API's fields, `create_campaign`, the admin's form, the model's defaults and bounds, and the
table in docs/campaigns.md are made from `SETTINGS`. To add a setting, add an entry, and a column to
the model. Settings that have parts: setting_groups.py; the words of the declaration:
setting_types.py. These modules import nothing else.
"""

import copy
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tasks.models.setting_groups import (
    CANDIDATES,
    CONTROLS,
    EXACT_SHARE,
    FOLLOW_UP,
    MEDIUM,
    PANEL,
    PER_LABEL,
    PRACTICE,
    PROLIFIC,
    QUALIFICATION,
    SMALL,
)
from tasks.models.setting_types import (
    NOT_SET,
    Choice,
    Dollars,
    Flag,
    ListOf,
    Named,
    Number,
    Problem,
    Rule,
    Setting,
    Slug,
    Text,
    Whole,
    WordOr,
)

KINDS = {
    "contains": "CONTAINS: which of these images contain X?",
    "classify": "CLASSIFY: which labels are in this image, which is the main one?",
}
OPEN_TO = {"invited": "people with an invitation", "anyone": "anyone with its address"}
WAGES = Dollars(Decimal(0), Decimal("99999.99"))
CONTAINS, CLASSIFY = ("contains",), ("classify",)
LOCAL, MTURK = ("local",), ("mturk",)
PANELS, PROLIFICS = ("panel",), ("prolific",)
BY_SESSION = ("panel", "prolific")
CURRENCIES = {
    code: code
    for code in (
        *("USD", "GBP", "EUR", "AUD", "CAD", "CHF", "CZK", "DKK", "HKD", "ILS", "INR", "MXN"),
        *("NOK", "NZD", "PLN", "SEK", "SGD", "ZAR"),
    )
}

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("name", "Name", Text(200), "What researchers call the campaign."),
        Setting(
            "slug",
            "Slug",
            Slug(100),
            "Its name in addresses and commands. If not given, it is made from the name.",
            default=NOT_SET,
        ),
        Setting("dataset", "Dataset", Named("dataset"), "Whose images are asked about."),
        Setting("kind", "Kind", Choice(KINDS), "What workers are asked."),
        Setting("crowd", "Crowd", Named("crowd"), "Who answers.", default="local"),
        Setting(
            "sandbox",
            "Sandbox",
            Flag(),
            "Use the marketplace's sandbox, where nobody is paid. Any endpoint but Amazon's sandbox"
            " and the rehearsal counts as production, whatever this says.",
            default=True,
            crowds=MTURK,
        ),
        Setting(
            "open",
            "Open to",
            Choice(OPEN_TO),
            "Who may work: people with an invitation (`manage.py invite`), or anyone who has the"
            " campaign's address.",
            default="invited",
            crowds=LOCAL,
        ),
        Setting(
            "source",
            "Source",
            Named("campaign"),
            "The CONTAINS campaign that this one follows.",
            default=None,
            null=True,
            kinds=CLASSIFY,
        ),
        Setting(
            "images",
            "Images",
            WordOr(
                "all",
                (PER_LABEL, ListOf(Text(trim=False), empty=False, distinct=True)),
                '"all", {"per_label": n, "seed": s} or a list of image keys',
            ),
            "All images of the dataset, some of each dataset label, or those listed.",
            default="all",
        ),
        Setting(
            "candidates",
            "Candidates",
            CANDIDATES,
            "Which predictions become candidate labels. Null: the best"
            f" {CANDIDATES.defaults()['k']} labels of every classifier that has predictions at"
            " publish.",
            default=None,
            null=True,
        ),
        Setting(
            "workers_per_item",
            "Workers per item",
            Whole(1, 1000),
            "R: how many workers answer each HIT.",
            default=9,
            later=True,
        ),
        Setting(
            "round_size",
            "Round size",
            Whole(1, SMALL),
            "How many more answers to each HIT a round asks for, until there are R.",
            default=3,
        ),
        Setting(
            "grid_size",
            "Grid size",
            Whole(1, 200),
            "The most tiles in a HIT.",
            default=48,
            kinds=CONTAINS,
        ),
        Setting(
            "max_sections",
            "Max sections",
            Whole(1, 50),
            "The most labels in a HIT.",
            default=8,
            kinds=CONTAINS,
        ),
        Setting(
            "images_per_hit",
            "Images per HIT",
            Whole(1, 100),
            "The most images in a HIT.",
            default=5,
            kinds=CLASSIFY,
        ),
        Setting(
            "maybe",
            "Maybe",
            Flag(),
            'Workers may also answer "maybe".',
            default=False,
            kinds=CONTAINS,
        ),
        Setting(
            "controls",
            "Controls",
            CONTROLS,
            "Items whose answer is known, mixed into the HITs.",
            default=CONTROLS.defaults(),
        ),
        Setting(
            "practice",
            "Practice",
            PRACTICE,
            "A first, paid HIT of known answers, after which workers see what is right; who reaches"
            " the pass mark gets work. Null: none. Not on a marketplace that gives out the HITs"
            " itself.",
            default=None,
            null=True,
            kinds=CONTAINS,
        ),
        Setting(
            "rejection",
            "Rejection",
            Flag(),
            "Whether review may reject careless work, that is, refuse to pay for it.",
            default=False,
        ),
        Setting(
            "review_sample",
            "Review sample",
            Whole(0, MEDIUM),
            "How many of the first answers wait until a person has looked at them.",
            default=None,
            null=True,
        ),
        Setting(
            "follow_up",
            "Follow-up",
            WordOr("all", (FOLLOW_UP,), '"all" or {"fu": 1, "mis": 1, "easy": 0.05}'),
            "The share that is asked of each group of the source's images (of a group not named,"
            ' none), or "all": every image.',
            default={"fu": 1, "mis": 1, "easy": 0.05},
            null_is_default=True,
            kinds=CLASSIFY,
        ),
        Setting(
            "max_offered",
            "Max offered",
            Whole(2, 20),
            "The most labels offered with an image.",
            default=6,
            kinds=CLASSIFY,
        ),
        Setting(
            "min_relative_sf",
            "Threshold",
            Number(Decimal("0.0001"), Decimal(1), places=4),
            "Labels are offered whose selection frequency is at least this share of the dataset"
            " label's.",
            default=Decimal("0.5"),
            kinds=CLASSIFY,
        ),
        Setting(
            "min_judgments",
            "Min judgments",
            Whole(1, SMALL),
            "How many workers must have seen an image with its dataset label for a follow-up to"
            " group it. If not given, the source's own, else half of the source's R, rounded up.",
            default=None,
            null=True,
        ),
        Setting(
            "currency",
            "Currency",
            Choice(CURRENCIES),
            "Of all sums of the campaign, by its three letters. Null: that of the account at the"
            " marketplace, else USD.",
            default=None,
            null=True,
        ),
        Setting(
            "wage",
            "Wage",
            WAGES,
            "An hour's pay, from which rewards follow.",
            default=Decimal("15.00"),
        ),
        Setting(
            "reward",
            "Reward",
            WAGES,
            "The pay for one HIT, whatever its size; for panel and prolific, for one session. If"
            " not given, it follows from the wage and the expected time.",
            default=None,
            null=True,
        ),
        Setting(
            "budget",
            "Budget",
            Dollars(Decimal("0.01"), Decimal("9999999999.99")),
            "The sum, fees included, that the campaign never exceeds. Needed to publish to a crowd"
            " that is paid in money.",
            default=None,
            null=True,
            later=True,
        ),
        Setting(
            "session_minutes",
            "Session minutes",
            Whole(1, 600),
            "About how long a paid session is: so many HITs as take this time, at least one.",
            default=10,
            crowds=BY_SESSION,
        ),
        Setting(
            "continue_for_bonus",
            "Continue for bonus",
            Flag(),
            "Whoever has done a session may go on HIT by HIT, each for a bonus.",
            default=True,
            crowds=BY_SESSION,
        ),
        Setting(
            "max_share_per_worker",
            "Most of a worker",
            EXACT_SHARE,
            "The share of the campaign's HITs that one worker may do; never less than one session.",
            default=Decimal("0.02"),
            crowds=BY_SESSION,
        ),
        Setting(
            "panel",
            "Panel",
            PANEL,
            "How a panel sends its people here, and where they go back to. Needed to publish to a"
            " panel.",
            default=None,
            null=True,
            crowds=PANELS,
        ),
        Setting(
            "prolific",
            "Prolific",
            PROLIFIC,
            "How the campaign stands at Prolific. Null: the defaults of its parts.",
            default=None,
            null=True,
            crowds=PROLIFICS,
        ),
        Setting(
            "exclude_workers_of",
            "Exclude workers of",
            ListOf(Text(), distinct=True),
            "Slugs of campaigns of the same crowd: whoever answered there gets no work here.",
            default=[],
        ),
        Setting(
            "only_workers_of",
            "Only workers of",
            ListOf(Text(), distinct=True),
            "Slugs of campaigns of the same crowd: only whoever answered in one of them gets work.",
            default=[],
        ),
        Setting(
            "assignment_minutes",
            "Assignment minutes",
            Whole(1, SMALL),
            "The longest that a worker may take over a HIT.",
            default=60,
            later=True,
        ),
        Setting(
            "lifetime_days",
            "Lifetime days",
            Whole(1, 365),
            "How long the marketplace shows a HIT before the site offers it anew.",
            default=7,
            later=True,
            crowds=MTURK,
        ),
        Setting(
            "auto_approval_days",
            "Auto-approval days",
            Whole(0, 30),
            "After how many days the marketplace accepts an answer that nobody has reviewed.",
            default=3,
            later=True,
            crowds=MTURK,
        ),
        Setting(
            "qualifications",
            "Qualifications",
            ListOf(QUALIFICATION, longest=10),
            "Who may take the work: a list in the form of MTurk's QualificationRequirements.",
            default=[],
            crowds=MTURK,
        ),
        Setting(
            "title",
            "Title",
            Text(128, blank=True, by_language=True),
            "What workers know the campaign by. If empty, a title that suits its kind.",
            default="",
            later=True,
        ),
        Setting(
            "description",
            "Description",
            Text(blank=True, lines=True, by_language=True),
            "What the marketplace's list says of the work. If empty, a text that suits its kind.",
            default="",
            crowds=MTURK,
        ),
        Setting(
            "keywords",
            "Keywords",
            Text(1000, blank=True),
            "Words by which workers find the work, separated by commas.",
            default="",
            crowds=MTURK,
        ),
        Setting(
            "instructions",
            "Instructions",
            Text(blank=True, lines=True, by_language=True),
            "Shown to workers below the built-in instructions, in Markdown.",
            default="",
            later=True,
        ),
        Setting(
            "languages",
            "Languages",
            ListOf(Named("language"), empty=False, distinct=True),
            "Codes of the languages in which its pages are shown. The browser chooses among them,"
            " or the worker by a link; the first is for everybody else, and the language of the"
            " texts and names that are given once.",
            default=["en"],
            later=True,
        ),
        Setting(
            "contact",
            "Contact",
            Text(500, lines=True, by_language=True),
            "Who answers for the study and how to reach them, shown on workers' pages. Needed to"
            " publish where real money is spent.",
            default=None,
            null=True,
            later=True,
        ),
        Setting(
            "content_warning",
            "Content warning",
            Text(2000, lines=True, by_language=True),
            "What the pictures may show that disturbs people, shown before they begin.",
            default=None,
            null=True,
            later=True,
        ),
        Setting(
            "consent",
            "Consent",
            Text(50_000, lines=True, by_language=True),
            "What workers agree to before their first picture, in Markdown. Whoever agreed to"
            " another text is asked again.",
            default=None,
            null=True,
            later=True,
        ),
    )
}

# The campaign's own texts, each one or one for each language.
TEXTS = tuple(
    name
    for name, setting in SETTINGS.items()
    if isinstance(setting.type, Text) and setting.type.by_language
)


def default_of(name: str) -> Any:
    """What a campaign has if the setting is not given; a copy, which may be changed."""
    return copy.deepcopy(SETTINGS[name].default)


def _has_a_slug(values: Mapping[str, Any]) -> Problem | None:
    if values["slug"]:
        return None
    return "slug", "The name makes none: give one of letters, digits and hyphens."


def _only_classify_follows(values: Mapping[str, Any]) -> Problem | None:
    if values["source"] is None or values["kind"] in CLASSIFY:
        return None
    return "source", "Only a campaign of kind classify follows another."


def _controls_come_from_others(values: Mapping[str, Any]) -> Problem | None:
    if values["slug"] not in (values["controls"] or {}).get("campaigns", []):
        return None
    return "controls.campaigns", "A campaign cannot give controls to itself."


def _only_contains_practises(values: Mapping[str, Any]) -> Problem | None:
    if not values["practice"] or values["kind"] in CONTAINS:
        return None
    return "practice", "Only a campaign of kind contains has a practice."


def _workers_come_from_others(values: Mapping[str, Any]) -> Problem | None:
    for name in ("exclude_workers_of", "only_workers_of"):
        if values["slug"] in values[name]:
            return name, "A campaign cannot name itself."
    both = [slug for slug in values["exclude_workers_of"] if slug in values["only_workers_of"]]
    return ("exclude_workers_of", f"{both[0]} is in only_workers_of too.") if both else None


RULES: tuple[Rule, ...] = (
    *(_has_a_slug, _only_classify_follows, _controls_come_from_others),
    *(_only_contains_practises, _workers_come_from_others),
)


def missing_to_publish(
    values: Mapping[str, Any],
    *,
    paid_crowd: bool,
    production: bool = False,
    needs: Iterable[str] = (),
) -> list[Problem]:
    """Settings that a draft may lack and a published campaign needs; `needs`: its crowd's own."""
    missing = [(name, f"it has no {name}") for name in needs if not values[name]]
    if paid_crowd and values["budget"] is None:
        missing.append(("budget", "it has no budget"))
    if production and not values["contact"]:
        missing.append(("contact", "it names no contact, whom its workers can ask"))
    return missing
