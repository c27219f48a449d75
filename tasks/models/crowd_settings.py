"""The settings of the crowd: who answers, what they are paid, and how each marketplace is used."""

from decimal import Decimal

from tasks.models.crowd_setting_groups import PANEL, PROLIFIC, QUALIFICATION
from tasks.models.setting_groups import EXACT_SHARE, SMALL
from tasks.models.setting_types import Choice, Dollars, Flag, ListOf, Named, Setting, Text, Whole

OPEN_TO = {"invited": "people with an invitation", "anyone": "anyone with its address"}
WAGES = Dollars(Decimal(0), Decimal("99999.99"))
LOCAL, MTURK = ("local",), ("mturk",)
PANELS, PROLIFICS = ("panel",), ("prolific",)
LISTED = MTURK  # whose marketplace lists the work
BY_SESSION = ("panel", "prolific")
CURRENCIES = {
    code: code
    for code in (
        *("USD", "GBP", "EUR", "AUD", "CAD", "CHF", "CZK", "DKK", "HKD", "ILS", "INR", "MXN"),
        *("NOK", "NZD", "PLN", "SEK", "SGD", "ZAR"),
    )
}

WHO_ANSWERS: tuple[Setting, ...] = (
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
)

WORK_AND_PAY: tuple[Setting, ...] = (
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
)
