"""How sums of money are written for researchers: $1,234.50."""

from decimal import Decimal

SIGNS = {"USD": "$", "GBP": "£", "EUR": "€"}
CENT = Decimal("0.01")


def in_words(amount: Decimal, currency: str = "USD") -> str:
    """An amount as people read it; with fractions of a cent only if there are any.

    >>> in_words(Decimal("1234.5")), in_words(Decimal(3), "GBP"), in_words(Decimal(3), "CHF")
    ('$1,234.50', '£3.00', 'CHF 3.00')
    """
    sign = SIGNS.get(currency, f"{currency} ")
    cents = amount.quantize(CENT)
    return f"{sign}{cents:,}" if cents == amount else f"{sign}{amount.normalize():,f}"
