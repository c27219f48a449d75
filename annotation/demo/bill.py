"""The bill of a rehearsed study: what the real one would cost, as a table of 80 columns."""

from decimal import Decimal

from rich.table import Table

from tasks.models import Campaign
from tasks.money import usd
from tasks.simulation.rehearsal.stage import Bill
from tasks.work.rounds import state_told

CENT = Decimal("0.01")


def bill_table(bill: Bill, campaign: Campaign | None) -> Table:
    """The table; `campaign`: the one rehearsed, if it was one."""
    title = "What the real study would cost and take"
    if campaign is not None:
        title += f" ({campaign.slug}: {state_told(campaign)})"
    table = Table(title=title, title_justify="left", width=80, show_header=False)
    table.add_column("what", overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("note", overflow="fold")
    table.add_row("HITs there", f"{bill.hits:,}", "")
    table.add_row("answers handed in", f"{bill.answers:,}", f"by {bill.workers:,} workers")
    if bill.sessions:
        table.add_row("sessions", f"{bill.sessions:,}", "paid as a whole")
    table.add_row("rewards", usd(bill.rewards), "")
    if bill.bonuses:
        table.add_row("bonuses", usd(bill.bonuses), "")
    if bill.fees or not bill.sessions:
        table.add_row("the marketplace's fees", usd(bill.fees), "")
    budget = campaign.budget if campaign is not None else None
    note = f"of a budget of {usd(budget)}" if budget is not None else ""
    table.add_row("in all", usd(bill.total), note)
    table.add_row("work", f"{bill.hours:,.1f} h", "expected, of all workers together")
    if bill.workers:
        each = bill.hours / bill.workers
        table.add_row("at least", f"{each:,.1f} h", "if all work at the same time, without pauses")
    if bill.hours:
        table.add_row("pay", usd((bill.rewards / Decimal(bill.hours)).quantize(CENT)), "an hour")
    return table
