"""Checks the invariants of a study that went through the stand-in panel, and settles its pay."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from tasks import money
from tasks.models import Campaign, Payment, Session
from tasks.money.settling import accounts_of, settle
from tasks.simulation.rehearsal.checks import wrong_answers, wrong_pay
from tasks.simulation.rehearsal.panel import CODES, Panel
from tasks.simulation.rehearsal.stage import WHO

Rows = Sequence[Mapping[str, str]]


def pay_by_table(campaign: Campaign, panel: Panel, table: Callable[[], Rows]) -> Rows:
    """Upload the table of payments, tick off what it owes, and upload it once more.

    `table` exports it, with raw ids. Returns its last rows.
    """
    panel.pay(table())
    settle(campaign, {account.worker.pk: account.newest for account in accounts_of(campaign)}, WHO)
    rows = table()
    panel.pay(rows)
    return rows


def audit_panel(campaign: Campaign, panel: Panel, rows: Rows) -> list[str]:
    """Everything that is wrong after a finished study whose panel has paid, as sentences.

    Every HIT must have R used answers of distinct people; what the panel heard, what it paid and
    what the table's `rows` say agree, to the cent and within the budget.
    """
    return [
        *wrong_answers(campaign),
        *wrong_pay(campaign),
        *panel.disagreements(campaign),
        *_table(panel, rows),
        *_money(campaign, panel, rows),
    ]


def _table(panel: Panel, rows: Rows) -> list[str]:
    """Where the table's outcomes are not what people came back with."""
    errors = []
    outcomes = {row["session"]: row["outcome"] for row in rows}
    for key, heard in panel.returned.items():
        for outcome in {name for name, code in CODES.items() if code in heard} - {"no_work"}:
            if outcomes.get(key) != outcome:
                errors.append(
                    f"session {key} came back {outcome}: {outcomes.get(key)} in the table"
                )
    return errors


def _money(campaign: Campaign, panel: Panel, rows: Rows) -> list[str]:
    errors = []
    if running := Session.objects.filter(campaign=campaign, outcome="").count():
        errors.append(f"{running} sessions have not ended")
    if due := Payment.objects.filter(campaign=campaign, state="due").count():
        errors.append(f"{due} payments are due although all was ticked off")
    for row in rows:
        earned = Decimal(row["base"]) + Decimal(row["bonus"])
        if not panel.paid[row["session"]] == Decimal(row["paid"]) == earned:
            errors.append(
                f"session {row['session']}: earned {earned}, paid {row['paid']} by the table,"
                f" {panel.paid[row['session']]} by the panel"
            )
    there, here = sum(panel.paid.values(), Decimal(0)), money.spent(campaign)
    if there != here:
        errors.append(f"the ledger has {here}, the panel paid {there}")
    if campaign.budget is not None and max(there, money.committed(campaign)) > campaign.budget:
        errors.append(f"{there} was paid of a budget of {campaign.budget}")
    return errors
