"""Money: what answers cost, the hard budget, and the ledger. Always Decimal."""

from tasks.money.budget import beyond, committed, held, over, raises, spent, spent_by
from tasks.money.costs import (
    Cost,
    cost_of,
    cost_of_practice,
    cost_of_sessions,
    expected_seconds,
    fix_session,
    price,
    price_of,
    reward_of,
    sessions_for,
    usd,
)
from tasks.money.ledger import (
    differences,
    owe,
    owe_bonus,
    owe_part,
    owe_practice,
    owe_session,
)
from tasks.money.production import confirm, unconfirmed
from tasks.money.sessions import places_beyond, sessions_wanted

__all__ = [
    "Cost",
    "beyond",
    "committed",
    "confirm",
    "cost_of",
    "cost_of_practice",
    "cost_of_sessions",
    "differences",
    "expected_seconds",
    "fix_session",
    "held",
    "over",
    "owe",
    "owe_bonus",
    "owe_part",
    "owe_practice",
    "owe_session",
    "places_beyond",
    "price",
    "price_of",
    "raises",
    "reward_of",
    "sessions_for",
    "sessions_wanted",
    "spent",
    "spent_by",
    "unconfirmed",
    "usd",
]
