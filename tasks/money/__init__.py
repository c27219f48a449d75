"""Money: what answers cost, the hard budget, and the ledger. US dollars, always Decimal."""

from tasks.money.budget import committed, over, raises, spent, spent_by
from tasks.money.costs import Cost, cost_of, expected_seconds, price, reward_of, usd
from tasks.money.ledger import differences, owe, owe_bonus
from tasks.money.production import confirm, unconfirmed

__all__ = [
    "Cost",
    "committed",
    "confirm",
    "cost_of",
    "differences",
    "expected_seconds",
    "over",
    "owe",
    "owe_bonus",
    "price",
    "raises",
    "reward_of",
    "spent",
    "spent_by",
    "unconfirmed",
    "usd",
]
