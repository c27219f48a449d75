"""MTurk as the engine's marketplace (tasks/crowds/marketplace.py): each step under its name."""

from tasks.crowds.mturk.fetching import fetch, places_available, unknown
from tasks.crowds.mturk.gone import gone, offer_anew
from tasks.crowds.mturk.offering import offer, withdraw
from tasks.crowds.mturk.paying import approve, balance, bonus, ledger, reject

__all__ = [
    "approve",
    "balance",
    "bonus",
    "fetch",
    "gone",
    "ledger",
    "offer",
    "offer_anew",
    "places_available",
    "reject",
    "unknown",
    "withdraw",
]
