"""The tables that can be exported of each kind of campaign, by name."""

from annotation.exports.aggregated import ANNOTATIONS, SELECTION_FREQUENCIES, WORKERS
from annotation.exports.judged import CLASSIFY_JUDGMENTS, CONTAINS_JUDGMENTS, conditions
from annotation.exports.people import CONSENTS, OVERRULES, PAYMENTS, PRACTICE
from annotation.exports.table import Table
from imagesets.choices import meant
from tasks.models import Campaign
from tasks.models.campaign import Kind


class NoSuchTable(Exception):
    """No such table for this kind of campaign; the message names the right ones."""


class NotYet(Exception):
    """The table cannot be exported yet; the message says what to do first."""


TABLES: dict[Kind, dict[str, Table]] = {
    Kind.CONTAINS: {
        "judgments": CONTAINS_JUDGMENTS,
        "selection_frequencies": SELECTION_FREQUENCIES,
        "workers": WORKERS,
        "conditions": conditions(Kind.CONTAINS),
        "consents": CONSENTS,
        "payments": PAYMENTS,
        "practice": PRACTICE,
        "overrules": OVERRULES,
    },
    Kind.CLASSIFY: {
        "judgments": CLASSIFY_JUDGMENTS,
        "annotations": ANNOTATIONS,
        "workers": WORKERS,
        "conditions": conditions(Kind.CLASSIFY),
        "consents": CONSENTS,
        "overrules": OVERRULES,
        "payments": PAYMENTS,
    },
}


def table_of(campaign: Campaign, name: str) -> Table:
    """The campaign's table of that name.

    Raises NoSuchTable, naming the right tables, if its kind of campaign has no such table.
    """
    kind = Kind(campaign.kind)
    if table := TABLES[kind].get(name):
        return table
    *names, last = TABLES[kind]
    other = next((k.value for k, tables in TABLES.items() if name in tables), None)
    what = f"a table of {other} campaigns" if other else "no table"
    raise NoSuchTable(
        f"{name} is {what}; campaign {campaign.slug} is of kind {kind.value} and has"
        f" {', '.join(names)} and {last}." + meant(name, TABLES[kind])
    )
