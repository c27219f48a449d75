"""The settings of what workers read: the campaign's own texts, and their languages."""

from tasks.models.crowd_settings import LISTED
from tasks.models.setting_types import ListOf, Named, Setting, Text

WHAT_WORKERS_READ: tuple[Setting, ...] = (
    Setting(
        "title",
        "Title",
        Text(128, blank=True, by_language=True),
        "What workers know the campaign by. If empty: its name until they begin, and in a"
        " marketplace's list and on HITs a title that suits its kind.",
        default="",
        later=True,
    ),
    Setting(
        "description",
        "Description",
        Text(blank=True, lines=True, by_language=True),
        "What the marketplace's list says of the work. If empty, a text that suits its kind.",
        default="",
        crowds=LISTED,
    ),
    Setting(
        "keywords",
        "Keywords",
        Text(1000, blank=True),
        "Words by which workers find the work, separated by commas.",
        default="",
        crowds=LISTED,
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
