"""Prolific as the engine's market of sessions (tasks/crowds/marketplace.py)."""

from tasks.crowds.prolific import studies
from tasks.crowds.prolific.demographics import keep_demographics
from tasks.crowds.prolific.hooks import keep_hooks
from tasks.crowds.prolific.paying import balance, ledger, pay_bonuses
from tasks.crowds.prolific.screening import screen_out
from tasks.crowds.prolific.studies import may_begin, places_available, unknown
from tasks.crowds.prolific.submissions import approve, fetch, may_reject, reject, request_return
from tasks.crowds.prolific.testing import end_tests
from tasks.models import Campaign
from tasks.models.campaign import State

__all__ = [
    "approve",
    "balance",
    "fetch",
    "ledger",
    "may_begin",
    "may_reject",
    "offer",
    "pay_bonuses",
    "places_available",
    "reject",
    "request_return",
    "screen_out",
    "unknown",
    "withdraw",
]


def offer(campaign: Campaign, places: int, most: int | None = None) -> None:
    """Let `places` more people begin, and have Prolific say when something changes."""
    studies.offer(campaign, places, most)
    end_tests(campaign)
    keep_hooks(campaign)


def withdraw(campaign: Campaign) -> None:
    """Let nobody begin any more; when it is over for good, keep who took part, as counts."""
    studies.withdraw(campaign)
    if campaign.state in (State.FINISHED, State.CLOSED):
        end_tests(campaign)
        keep_demographics(campaign)
