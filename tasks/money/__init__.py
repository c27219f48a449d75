"""Money: what answers cost, the hard budget, and the ledger. US dollars, always Decimal."""

from tasks.money.budget import committed, over, raises, spent, spent_by
from tasks.money.costs import (
    Cost,
    budget_told,
    cost_of,
    cost_of_practice,
    cost_of_rewards,
    expected_seconds,
    price,
    reward_of,
    usd,
)
from tasks.money.ledger import (
    compare,
    differences,
    enter_bonuses,
    owe,
    owe_bonus,
    owe_practice,
)
from tasks.money.production import confirm, unconfirmed

__all__ = [
    "Cost",
    "budget_told",
    "committed",
    "compare",
    "confirm",
    "cost_of",
    "cost_of_practice",
    "cost_of_rewards",
    "differences",
    "enter_bonuses",
    "expected_seconds",
    "over",
    "owe",
    "owe_bonus",
    "owe_practice",
    "price",
    "raises",
    "reward_of",
    "spent",
    "spent_by",
    "unconfirmed",
    "usd",
]
